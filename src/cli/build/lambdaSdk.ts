// Replaces modules of the AWS SDK that a function does not need. Whatever the code in the bundle is, it does the same in
// Lambda: a replacement that could change that is not used, such as the one for event streams by an operation with them.
import type { OnLoadOptions, OnResolveArgs, OnResolveResult, Plugin, PluginBuild } from "esbuild"
import { readFile } from "node:fs/promises"
import { dirname } from "node:path"
import { SdkClients } from "./SdkClients.ts"

/** A filter for paths, which are written with `/` here and with `\` on Windows. */
export const filterOf = (source: string): RegExp =>
  new RegExp(source.replaceAll(/(\[\^)?\//g, (_, not) => not === undefined ? "[\\\\/]" : "[^\\\\/"))

/** Something in Lambda's environment that the replacements do not read. */
const noProfiles =
  "A function built by effect-codepipeline reads no profiles of the AWS SDK, and takes its credentials " +
  "from Lambda. Build it with --whole-sdk to use a profile"

/** Lambda passes credentials in the environment. The rest of the chain is for programs that run elsewhere. */
const credentials = `
import { fromEnv } from "@aws-sdk/credential-provider-env"
export const defaultProvider = (init = {}) => {
  const fromEnvironment = fromEnv(init)
  return async () => {
    if (init.profile ?? process.env.AWS_PROFILE) throw new Error(${JSON.stringify(noProfiles)})
    return fromEnvironment()
  }
}`

/** Clients call the first function when they are made, and the others only in operations that have event streams. */
const noEventStreams = `
export const resolveEventStreamSerdeConfig = (config) => config
function fail() {
  throw new Error("This function was built without event streams")
}
export { fail as EventStreamSerde, fail as eventStreamSerdeProvider }`

/** Modules by their paths, and their replacements. */
export type Replacements = ReadonlyArray<readonly [path: string, contents: string]>

const replacements: Replacements = [
  // Does not read `~/.aws/config`: the SDK would look for it once for each option of each client.
  [
    "node-config-provider/configLoader\\.js$",
    `import { memoize } from "../property-provider/memoize"
    export const loadConfig = ({ environmentVariableSelector, default: otherwise }, options) =>
      memoize(async () => {
        let value
        try {
          value = environmentVariableSelector(process.env, options)
        } catch {
          // An invalid value counts as missing, as in the SDK.
        }
        return value ?? (typeof otherwise === "function" ? otherwise() : otherwise)
      })`
  ],
  // The region of an EC2 instance. In Lambda, it is in the environment.
  ["getInstanceMetadataRegion\\.js$", "export const getInstanceMetadataRegion = () => undefined"]
]

/** Replaces modules of the SDK by their paths. */
export const replace = ({ onLoad }: PluginBuild, replacements: Replacements): void => {
  for (const [path, contents] of replacements) {
    onLoad(
      { filter: filterOf(`@(?:aws|aws-sdk|smithy)/(?:.*/)?${path}`) },
      ({ path }) => ({ contents, resolveDir: dirname(path) })
    )
  }
}

/** Marks a resolution that is not replaced. */
const resolving = Symbol("resolving")

type Load = (path: string) => Promise<string> | string

/**
 * Replaces a module where it is imported, if `accepts` the import. Imports in the replacement are resolved from the
 * folder of the replaced module.
 */
export const replaceImport = (
  { onLoad, onResolve, resolve }: PluginBuild,
  { accepts, filter, load, loader, namespace }: {
    readonly namespace: string
    readonly filter: RegExp
    readonly accepts: (args: OnResolveArgs) => boolean | Promise<boolean>
    readonly load: Load
    readonly loader?: "js" | "json"
  }
): void => {
  onResolve({ filter }, async (args): Promise<OnResolveResult | undefined> => {
    const { importer, kind, path, pluginData, resolveDir } = args
    if (pluginData === resolving || !await accepts(args)) return undefined
    const resolved = await resolve(path, { importer, resolveDir, kind, pluginData: resolving })
    return resolved.errors.length > 0 ? resolved : { path: resolved.path, namespace, sideEffects: false }
  })
  const all: OnLoadOptions = { filter: /./, namespace }
  onLoad(all, async ({ path }) => ({ contents: await load(path), resolveDir: dirname(path), loader: loader ?? "js" }))
}

const importedBy = (source: string) => {
  const pattern = filterOf(source)
  return ({ importer }: OnResolveArgs) => pattern.test(importer)
}

/** A module of a client: its folder is the first group. */
const client = "^(.*@aws-sdk/client-[^/]+)/"
const ofClient = filterOf(`${client}dist-es/`)
const folderOf = (path: string) => ofClient.exec(path)?.[1]

/** In the code if an operation with event streams is used. */
const eventStreamMark = "effect-codepipeline: event stream"

/** What a bundle showed about the code in it. */
export interface SdkUse {
  /** It imports event streams by itself, or by a client that {@link SdkClients} does not know. */
  importsEventStreams: boolean
}

export const usesEventStreams = ({ importsEventStreams }: SdkUse, code: string): boolean =>
  importsEventStreams || code.includes(eventStreamMark)

/**
 * Makes the AWS SDK in a function smaller. Without `eventStreams`, they are replaced: bundle again with them if
 * {@link usesEventStreams} says so.
 */
export const lambdaSdk = (options: { readonly eventStreams: boolean; readonly use: SdkUse }): Plugin => ({
  name: "lambda-sdk",
  setup: (build) => {
    const clients = new SdkClients()
    replace(build, replacements)
    replaceImport(build, {
      namespace: "sdk-credentials",
      filter: /^@aws-sdk\/credential-provider-node$/,
      // Others may import the chain by itself.
      accepts: importedBy(`${client}.*runtimeConfig\\.js$`),
      load: () => credentials
    })
    // A client reads only the version from its package.json.
    replaceImport(build, {
      namespace: "sdk-version",
      filter: /package\.json$/,
      accepts: importedBy("@aws-sdk/[^/]+/.*runtimeConfig\\.js$"),
      load: async (path) => JSON.stringify({ version: JSON.parse(await readFile(path, "utf8")).version }),
      loader: "json"
    })
    if (!options.eventStreams) {
      replaceImport(build, {
        namespace: "sdk-event-streams",
        filter: /^@smithy\/core\/event-streams$/,
        accepts: async (args) => {
          const folder = folderOf(args.importer)
          const accepted = importedBy("@smithy/core/.*/HttpProtocol\\.js$")(args) ||
            (folder !== undefined && await clients.get(folder) !== undefined)
          options.use.importsEventStreams ||= !accepted
          return accepted
        },
        load: () => noEventStreams
      })
    }

    // Errors that the code names: their registration stays with the class. See `SdkClients`.
    replaceImport(build, {
      namespace: "sdk-errors",
      filter: /^\.\/models\/errors$/,
      accepts: async (args) => {
        const folder = folderOf(args.importer)
        return importedBy(`${client}dist-es/index\\.js$`)(args) && folder !== undefined &&
          await clients.get(folder) !== undefined
      },
      load: async (path) => (await clients.get(folderOf(path) ?? ""))?.registeredErrors ?? readFile(path, "utf8")
    })
    build.onLoad({ filter: filterOf(`${client}dist-es/schemas/schemas_0\\.js$`) }, async ({ path }) => {
      const known = await clients.get(folderOf(path) ?? "")
      return known && { contents: known.schemas(options.eventStreams ? undefined : eventStreamMark) }
    })
    build.onLoad({ filter: filterOf(`${client}dist-es/commands/\\w+Command\\.js$`) }, async ({ path }) => {
      const known = await clients.get(folderOf(path) ?? "")
      return known && { contents: await known.command(path) }
    })
  }
})
