// Stands in for `buffer-crc32`, of which `yazl` uses this.
export { crc32 as unsigned } from "node:zlib"
