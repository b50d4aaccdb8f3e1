// A function's bundle as a script. Only a script has a V8 code cache that includes the functions compiled while it ran.

/** What the script calls the loader's `import.meta`, which a script does not have. */
export const importMeta = "importMeta"

/** How esbuild calls a `require` for what cannot be bundled, such as a path that is computed. */
const freeRequire = /\btypeof require\b/

const createRequire = `const require=process.getBuiltinModule("node:module").createRequire(${importMeta}.url);`

/**
 * Converts a module that exports only `handler` into a script that returns it, after a call with the `import.meta` of the
 * loader. It is not an arrow function: V8 would parse that twice, but compiles a function in parentheses at once.
 *
 * `lineBreak` puts the code of the module on lines of its own, as its source map requires.
 */
export const asScript = (module: string, { lineBreak = false } = {}): string => {
  const exported = /export\s*\{\s*([\w$]+) as handler\s*\};?\s*$/.exec(module)
  if (exported === null) throw new Error("a function's module must export handler and nothing else")
  const code = module.slice(0, exported.index)
  const requires = freeRequire.test(code)
  const parameter = requires || code.includes(importMeta) ? importMeta : ""
  const head = `(async function(${parameter}){"use strict";${requires ? createRequire : ""}${lineBreak ? "\n" : ""}`
  return `${head}${code};return ${exported[1]}})`
}

/** The source map of {@link asScript} with `lineBreak`: one more line above. */
export const mapOfScript = (map: string): string => {
  const { mappings, ...rest } = JSON.parse(map)
  return JSON.stringify({ ...rest, mappings: `;${mappings}` })
}
