import { assert, it } from "@effect/vitest"
import { fileURLToPath } from "node:url"
import { type Diagram, prune, readDiagram } from "../../../scripts/build/smallerS3.ts"
import { ofFunctions } from "../../../scripts/build/smallerSts.ts"

const path = (relative: string) => fileURLToPath(new URL(`../../../node_modules/${relative}`, import.meta.url))

const full = await readDiagram(path("@aws-sdk/client-sts/dist-es/endpoint/bdd.js"))
const pruned = prune(full, ofFunctions)

const { customEndpointFunctions, decideEndpoint } = await import(
  path("@smithy/core/dist-cjs/submodules/endpoints/index.js")
)
const { awsEndpointFunctions } = await import(path("@aws-sdk/core/dist-cjs/submodules/client/index.js"))
customEndpointFunctions.aws = awsEndpointFunctions

/** The endpoint, or the words of the error. */
const decide = (diagram: Diagram, endpointParams: object): unknown => {
  try {
    const { url, ...rest } = decideEndpoint(diagram, { endpointParams })
    return { url: String(url), ...rest }
  } catch (error) {
    return String(error)
  }
}

const regions = ["us-east-1", "eu-west-1", "ap-east-1", "cn-north-1", "us-gov-west-1", "aws-global", "a.b", undefined]
const flags = [false, true]

it.each(regions)("the pruned endpoint rules of STS find the same endpoint as the SDK's rules in %s", (Region) => {
  for (const Endpoint of [undefined, "http://127.0.0.1:4566"]) {
    for (const UseFIPS of flags) {
      for (const UseDualStack of flags) {
        const params = { Region, Endpoint, UseFIPS, UseDualStack, UseGlobalEndpoint: false }
        assert.deepStrictEqual(decide(pruned, params), decide(full, params))
      }
    }
  }
})

it("the pruned endpoint rules of STS are half as large", () => {
  assert.isBelow(pruned.nodes.length, full.nodes.length / 2)
})
