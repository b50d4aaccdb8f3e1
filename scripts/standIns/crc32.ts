// Stands in for `@node-rs/crc32` in the built functions: one zip has to run on every architecture.
export { crc32 } from "node:zlib"
