// The clients of the AWS SDK, rewritten so that a bundler can omit what is not used. Tested with the clients of this
// package's own version; those of another shape are left as they are.
import { readdir, readFile } from "node:fs/promises"
import { join } from "node:path"

/**
 * Rewrites the AWS SDK's schemas of a service so that esbuild can omit unused ones. The SDK writes `[_h]: 1` for `h: 1`,
 * with `const _h = "h"` above, and esbuild keeps a computed key, because computing it might have side effects. The SDK also
 * registers the errors of all operations; `withErrors` and `registeredErrors` register only those that are used.
 */
export const treeShakeable = (schemas: string): string => {
  const names = new Map(
    // A key `"__proto__"` means something else than a computed one.
    Array.from(schemas.matchAll(/^const (_\w+) = ("(?:[^"\\]|\\.)*");$/gm), ([, name, text]) => [name, text] as const)
      .filter(([, text]) => text !== "\"__proto__\"")
  )
  return schemas
    .replaceAll(/\[(_\w+)\]: /g, (key, name) => names.has(name) ? `${names.get(name)}: ` : key)
    .replaceAll(/^n0_registry\.registerError\(.*\);$/gm, "")
    .replace(/^const n0_registry/m, "export const n0_registry")
}

/** Adds a key to each union that is an event stream. */
const marked = (schemas: string, mark: string): string =>
  schemas.replaceAll(/(= \[4, \w+, _\w+,\s*\{ )("streaming": 1)/g, `$1$2, ${JSON.stringify(mark)}: 1`)

/** Makes the module of a command register the errors that its declaration lists, of those that there are. */
export const withErrors = (
  command: string,
  declaration: string,
  isError: (name: string) => boolean = () => true
): string => {
  const thrown = Array.from(
    declaration.matchAll(/@throws \{@link (\w+)\} \((?:client|server) fault\)/g),
    ([, name = ""]) => name
  ).filter(isError)
  if (thrown.length === 0) return command
  return [
    command,
    `import { n0_registry as registry, ${thrown.map((name) => `${name}$`).join(", ")} } from "../schemas/schemas_0";`,
    `import { ${thrown.join(", ")} } from "../models/errors";`,
    ...thrown.map((name) => `registry.registerError(${name}$, ${name});`)
  ].join("\n")
}

/**
 * A module that exports the same as `models/errors`. A class that is used is registered, so that errors of operations that
 * do not declare it are instances of it, too.
 */
export const registeredErrors = (names: ReadonlyArray<string>): string =>
  [
    "export * from \"./errors\";",
    ...(names.length === 0 ? [] : [
      `import { n0_registry, ${names.map((name) => `${name}$`).join(", ")} } from "../schemas/schemas_0";`,
      `import { ${names.map((name) => `${name} as ${name}_`).join(", ")} } from "./errors";`,
      "const registered = (schema, error) => { n0_registry.registerError(schema, error); return error };"
    ]),
    ...names.map((name) => `export const ${name} = /* @__PURE__ */ registered(${name}$, ${name}_);`)
  ].join("\n")

export interface SdkClient {
  /** Its schemas, with this key in each event stream. */
  readonly schemas: (mark: string | undefined) => string
  /** The module of a command, by its path. */
  readonly command: (path: string) => Promise<string>
  readonly registeredErrors: string
}

const readIfPresent = (path: string) => readFile(path, "utf8").catch(() => undefined)

const readClient = async (folder: string): Promise<SdkClient | undefined> => {
  const schemas = await readIfPresent(join(folder, "dist-es/schemas/schemas_0.js"))
  const models = await readIfPresent(join(folder, "dist-es/models/errors.js"))
  // They list the errors of each operation. Some tools delete declarations from node_modules.
  const declarations = await readdir(join(folder, "dist-types/commands")).catch(() => [])
  if (schemas === undefined || declarations.length === 0) return undefined
  const classes = new Set(Array.from((models ?? "").matchAll(/^export class (\w+) /gm), ([, name]) => name))
  const described = new Set(Array.from(schemas.matchAll(/^export (?:var|const) (\w+)\$ =/gm), ([, name]) => name))
  const errors = new Set(
    Array.from(schemas.matchAll(/^n0_registry\.registerError\((\w+)\$, \1\);$/gm), ([, name = ""]) => name)
      .filter((name) => classes.has(name) && described.has(name))
  )
  // All registrations have the known form, and no class is registered elsewhere.
  const registrations = schemas.match(/\.registerError\(/g)?.length ?? 0
  const base = schemas.match(/^_s_registry\.registerError\(/gm)?.length ?? 0
  if (errors.size + base !== registrations) return undefined
  if (errors.size > 0 && !/^const n0_registry = /m.test(schemas)) return undefined
  const shaken = treeShakeable(schemas)
  return {
    schemas: (mark) => mark === undefined ? shaken : marked(shaken, mark),
    command: async (path) => {
      const declaration = await readIfPresent(path.replace("dist-es", "dist-types").replace(/js$/, "d.ts"))
      return withErrors(await readFile(path, "utf8"), declaration ?? "", (name) => errors.has(name))
    },
    registeredErrors: registeredErrors([...errors])
  }
}

/** The clients of a build, by their folders. Undefined are those of another shape. */
export class SdkClients {
  readonly #clients = new Map<string, Promise<SdkClient | undefined>>()

  get(folder: string): Promise<SdkClient | undefined> {
    const client = this.#clients.get(folder) ?? readClient(folder)
    this.#clients.set(folder, client)
    return client
  }
}
