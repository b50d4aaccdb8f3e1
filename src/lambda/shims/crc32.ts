// Stands in for `@node-rs/crc32`, which is native, in bundles: so one zip runs on every architecture.
export { crc32 } from "node:zlib"
