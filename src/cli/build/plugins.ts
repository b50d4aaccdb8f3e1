// What esbuild does differently for a function than by default.
import type { Plugin } from "esbuild"
import { readFile } from "node:fs/promises"
import { builtinModules } from "node:module"

/** Marks schemas of global classes as pure. Otherwise esbuild keeps them all: reading `globalThis.File` might have side effects. */
export const smallerEffect: Plugin = {
  name: "smaller-effect",
  setup: ({ onLoad }) =>
    onLoad({ filter: /[\\/]effect[\\/]dist[\\/]Schema\.js$/ }, async ({ path }) => ({
      contents: (await readFile(path, "utf8"))
        .replaceAll(/instanceOf\((globalThis\.\w+)/g, "instanceOf(/* @__PURE__ */ (() => $1)()")
    }))
}

/** The modules that need no `node:`. There are npm packages with the names of others, such as `sqlite`. */
const builtins = builtinModules.filter((name) => !name.startsWith("node:")).join("|")

/**
 * Loads Node's modules with `process.getBuiltinModule`. An import would read all exports of the module, and for `node:http`
 * that loads Node's implementation of `fetch`.
 */
export const lazyBuiltins: Plugin = {
  name: "lazy-builtins",
  setup: ({ onLoad, onResolve }) => {
    onResolve({ filter: new RegExp(`^(?:node:.+|${builtins})$`) }, ({ path }) => ({
      path: path.replace(/^(node:)?/, "node:"),
      namespace: "builtin",
      sideEffects: false
    }))
    onLoad({ filter: /./, namespace: "builtin" }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule("${path}")`
    }))
  }
}

/** `@node-rs/crc32` without its native module. Node has CRC-32; CRC-32C has the polynomial of Castagnoli, reversed. */
const crc32 = `
import { crc32 as node } from "node:zlib"
const table = Int32Array.from({ length: 256 }, (_, index) => {
  for (let bit = 0; bit < 8; bit++) index = index & 1 ? (index >>> 1) ^ 0x82f63b78 : index >>> 1
  return index
})
export const crc32 = (data, initial = 0) => node(data, initial)
export const crc32c = (data, initial = 0) => {
  let crc = ~initial
  for (const byte of Buffer.from(data)) crc = table[(crc ^ byte) & 0xff] ^ (crc >>> 8)
  return ~crc >>> 0
}`

/** Replaces native modules, which run only on the architecture for which npm has installed them. */
export const withoutNativeModules: Plugin = {
  name: "without-native-modules",
  setup: ({ onLoad, onResolve }) => {
    onResolve({ filter: /^@node-rs\/crc32$/ }, ({ path }) => ({ path, namespace: "crc32", sideEffects: false }))
    onLoad({ filter: /./, namespace: "crc32" }, () => ({ contents: crc32 }))
    // `nativeModules` finds them in the metafile, which has the modules that import them.
    onLoad({ filter: /\.node$/ }, () => ({ contents: "throw new Error(\"native\")", loader: "js" }))
  }
}
