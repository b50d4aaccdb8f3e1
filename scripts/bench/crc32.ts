// Replaces `@node-rs/crc32`. An alias for `node:zlib` would leave a `require`, which an ES module does not have.
export { crc32 } from "node:zlib"
