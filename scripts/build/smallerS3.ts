// Reduces the S3 client of this repository's functions to what they do: GetObject and PutObject on buckets of the general
// kind, by name. The client also supports access points, directory buckets, Object Lambda and other features, for which most
// of its rules and some of its modules exist. A bundle of a user's own code keeps them.
import { build, type Plugin } from "esbuild"
import { replace, type Replacements } from "../../src/cli/build/lambdaSdk.ts"

/** A node tests a condition and refers to the next node for each result. A negative reference negates the result. */
export interface Diagram {
  /** Three numbers for each node: its condition, and the references if it is true or false. */
  readonly nodes: ArrayLike<number>
  readonly root: number
  readonly conditions: ReadonlyArray<unknown>
  readonly results: ReadonlyArray<unknown>
}

/** A reference to a result, not to a node. 1 and -1 refer to no result. */
const resultBase = 100_000_000
const isNode = (ref: number) => Math.abs(ref) !== 1 && Math.abs(ref) < resultBase

/** The index of the value in the list, to which it is added if it is not there. */
const indexIn = (list: Array<unknown>, value: unknown) => {
  const index = list.indexOf(value)
  return index < 0 ? list.push(value) - 1 : index
}

/** The diagram without the nodes, conditions and results that cannot be reached when the known conditions hold. */
export const prune = (
  { conditions, nodes, results, root }: Diagram,
  known: (condition: unknown) => boolean | undefined
): Diagram => {
  const fields = (ref: number) => {
    const at = 3 * (Math.abs(ref) - 1)
    return [nodes[at] ?? 0, nodes[at + 1] ?? -1, nodes[at + 2] ?? -1] as const
  }
  /** The first node or result behind a reference whose condition is not known. */
  const resolve = (ref: number): number => {
    if (!isNode(ref)) return ref
    const [condition, high, low] = fields(ref)
    const value = known(conditions[condition])
    return value === undefined ? ref : resolve(ref >= 0 === value ? high : low)
  }
  const keptConditions: Array<unknown> = []
  const keptResults: Array<unknown> = []
  const kept: Array<readonly [number, number, number]> = []
  const seen = new Map<number, number>()
  const keep = (from: number): number => {
    const ref = resolve(from)
    if (ref >= resultBase) return resultBase + indexIn(keptResults, results[ref - resultBase])
    if (!isNode(ref)) return ref
    const node = Math.abs(ref)
    let index = seen.get(node)
    if (index === undefined) {
      // References begin at 2, because 1 means no result.
      index = kept.push([0, 0, 0]) + 1
      seen.set(node, index)
      const [condition, high, low] = fields(ref)
      kept[index - 2] = [indexIn(keptConditions, conditions[condition]), keep(high), keep(low)]
    }
    return ref < 0 ? -index : index
  }
  const newRoot = keep(root)
  return { nodes: [0, -1, -1, ...kept.flat()], root: newRoot, conditions: keptConditions, results: keptResults }
}

/**
 * What holds for a function: its client has no options but `forcePathStyle`, and every bucket has a valid name, which is no
 * ARN and ends in none of the suffixes of directory buckets and access points.
 */
export const ofFunctions = (condition: unknown): boolean | undefined => {
  const text = JSON.stringify(condition)
  if (text === "[\"isSet\",[{\"ref\":\"Bucket\"}]]") return true
  return /"Accelerate"|"UseObjectLambdaEndpoint"|"UseS3ExpressControlEndpoint"|"--x-s3"|"--xa-s3"|"--op-s3"|"arn:"|parseArn/
      .test(text)
    ? false
    : undefined
}

/** Evaluates the SDK's module with the diagram. */
export const readDiagram = async (path: string): Promise<Diagram> => {
  const { outputFiles: [file] } = await build({
    entryPoints: [path],
    bundle: true,
    format: "esm",
    platform: "node",
    write: false,
    logLevel: "warning"
  })
  const url = `data:text/javascript;base64,${Buffer.from(file?.text ?? "").toString("base64")}`
  const { bdd } = await import(url) as { readonly bdd: Diagram }
  return bdd
}

/** A module of middleware whose plugin adds nothing. */
const noMiddleware = (plugin: string, middleware: string) =>
  `export const ${plugin} = () => ({ applyToStack() {} }), ${middleware} = 0, ${middleware}Options = 0`

/** Modules of the S3 client that these functions never use, and their replacements. */
const replacements: Replacements = [
  // Signatures for access points of several regions.
  ["SignatureV4MultiRegion\\.js$", `export { SignatureV4 as SignatureV4MultiRegion } from "@smithy/signature-v4"`],
  // Signatures of the headers of event streams.
  ["HeaderFormatter\\.js$", "export class HeaderFormatter {}"],
  // Directory buckets.
  ["s3ExpressMiddleware\\.js$", noMiddleware("getS3ExpressPlugin", "s3ExpressMiddleware")],
  [
    "s3ExpressHttpSigningMiddleware\\.js$",
    noMiddleware("getS3ExpressHttpSigningPlugin", "s3ExpressHttpSigningMiddleware")
  ],
  ["S3ExpressIdentityProviderImpl\\.js$", "export class S3ExpressIdentityProviderImpl {}"],
  ["CreateSessionCommand\\.js$", "export class CreateSessionCommand {}"],
  // The option `followRegionRedirects`.
  ["region-redirect-middleware\\.js$", noMiddleware("getRegionRedirectMiddlewarePlugin", "regionRedirectMiddleware")],
  // Bodies of requests in XML. Those of GetObject and PutObject are none, and bytes.
  ["XmlShapeSerializer\\.js$", "export class XmlShapeSerializer { setSerdeContext() {} }"]
]

export const smallerS3: Plugin = {
  name: "smaller-s3",
  setup: (build) => {
    replace(build, replacements)
    build.onLoad({ filter: /@aws-sdk\/client-s3\/dist-es\/endpoint\/bdd\.js$/ }, async ({ path }) => ({
      contents: `export const bdd = ${JSON.stringify(prune(await readDiagram(path), ofFunctions))}`
    }))
  }
}
