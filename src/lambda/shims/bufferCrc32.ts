// Replaces `buffer-crc32`, of which `yazl` uses this function.
export { crc32 as unsigned } from "node:zlib"
