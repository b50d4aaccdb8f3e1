import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { fileURLToPath } from "node:url"
import { type Diagram, ofFunctions, prune, readDiagram } from "../../../scripts/build/smallerS3.ts"

const path = (relative: string) => fileURLToPath(new URL(`../../../node_modules/${relative}`, import.meta.url))

const full = await readDiagram(path("@aws-sdk/client-s3/dist-es/endpoint/bdd.js"))
const pruned = prune(full, ofFunctions)

/** What the SDK's own interpreter of diagrams needs. Its packages are those of the S3 client, not ours. */
interface Interpreter {
  readonly customEndpointFunctions: Record<string, unknown>
  readonly decideEndpoint: (diagram: Diagram, options: { readonly endpointParams: object }) => { readonly url: URL }
}
const interpreter: Interpreter = await import(path("@smithy/core/dist-cjs/submodules/endpoints/index.js"))
const { awsEndpointFunctions } = await import(path("@aws-sdk/core/dist-cjs/submodules/client/index.js"))
interpreter.customEndpointFunctions["aws"] = awsEndpointFunctions

/** The endpoint, or the words of the error. */
const decide = (diagram: Diagram, endpointParams: object) => {
  try {
    const { url, ...rest } = interpreter.decideEndpoint(diagram, { endpointParams })
    return { url: String(url), ...rest }
  } catch (error) {
    return String(error)
  }
}

const Params = Schema.Struct({
  Bucket: Schema.Literals([
    "my-code",
    "my.code",
    "a-b",
    "codepipeline-eu-west-1-1234567890",
    "My_Bucket",
    "x".repeat(63)
  ]),
  Region: Schema.Literals(["us-east-1", "eu-west-1", "cn-north-1", "us-gov-west-1", "aws-global", "a.b", ""]),
  UseFIPS: Schema.Boolean,
  UseDualStack: Schema.Boolean,
  Endpoint: Schema.NullOr(Schema.Literals([
    "http://127.0.0.1:4566",
    "https://s3.example.com",
    "https://vpce-1.s3.example/x"
  ])),
  ForcePathStyle: Schema.Boolean,
  UseArnRegion: Schema.Boolean,
  DisableMultiRegionAccessPoints: Schema.Boolean,
  UseGlobalEndpoint: Schema.Boolean
})

const withoutNull = (params: object) =>
  Object.fromEntries(Object.entries({ ...params, Accelerate: false }).filter(([, value]) => value !== null))

describe("the pruned endpoint rules of S3", () => {
  it.prop(
    "find the same endpoint as the SDK's rules for every bucket, region and setting of a function",
    [Params],
    ([params]) => {
      const given = withoutNull(params)
      assert.deepStrictEqual(decide(pruned, given), decide(full, given))
    },
    { arbitrary: { runs: 2_000 } }
  )

  it("find endpoints, not only errors", () => {
    const given = { Bucket: "my-code", Region: "eu-west-1", UseFIPS: false, UseDualStack: false, ForcePathStyle: false }
    assert.deepInclude(decide(pruned, given), { url: "https://my-code.s3.eu-west-1.amazonaws.com/" })
    assert.deepInclude(decide(pruned, { ...given, ForcePathStyle: true }), {
      url: "https://s3.eu-west-1.amazonaws.com/my-code"
    })
  })

  it("are less than half of the SDK's", () => {
    assert.isBelow(pruned.conditions.length, full.conditions.length / 2)
    assert.isBelow(pruned.results.length, full.results.length / 2)
  })

  it("differ for a directory bucket, which only the SDK's rules know", () => {
    const given = { Bucket: "code--use1-az4--x-s3", Region: "us-east-1", UseFIPS: false, UseDualStack: false }
    assert.notDeepEqual(decide(pruned, given), decide(full, given))
  })
})
