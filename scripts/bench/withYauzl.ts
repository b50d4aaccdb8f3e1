// Bundles the code that the benchmarks compare with, which reads zips by `yauzl-promise`.
import { fileURLToPath } from "node:url"
import { bundleOptions } from "../build/bundle.ts"

/** As the built functions are bundled. A native module and a polyfill of the library are replaced by Node's own. */
export const withYauzl = {
  ...bundleOptions,
  alias: {
    "@node-rs/crc32": fileURLToPath(new URL("crc32.ts", import.meta.url)),
    "globalthis": fileURLToPath(new URL("globalThis.ts", import.meta.url))
  }
}
