// Reduces the client of STS in this repository's functions to what they do: AssumeRole, signed for the function's region. The
// client also supports calls without a signature, signatures for several regions, and the global endpoint. A bundle of a
// user's own code keeps them.
import type { Plugin } from "esbuild"
import { readFile } from "node:fs/promises"
import { replace, type Replacements } from "../../src/cli/build/lambdaSdk.ts"
import { prune, readDiagram } from "./smallerS3.ts"

/** What holds for a function: its client has no options. */
export const ofFunctions = (condition: unknown): boolean | undefined =>
  JSON.stringify(condition).includes("\"UseGlobalEndpoint\"") ? false : undefined

/** The SDK's module for services that know one signature only, such as CloudFormation's. */
const signature = `
import { resolveAwsSdkSigV4Config } from "@aws-sdk/core/httpAuthSchemes"
import { normalizeProvider } from "@smithy/core/client"
export const defaultSTSHttpAuthSchemeParametersProvider = async (config) => ({ region: await config.region() })
export const defaultSTSHttpAuthSchemeProvider = ({ region }) => [{
  schemeId: "aws.auth#sigv4",
  signingProperties: { name: "sts", region },
  propertiesExtractor: (config, context) => ({ signingProperties: { config, context } })
}]
export const resolveHttpAuthSchemeConfig = (config) =>
  Object.assign(resolveAwsSdkSigV4Config(config), { authSchemePreference: normalizeProvider([]) })`

const replacements: Replacements = [
  ["client-sts/dist-es/auth/httpAuthSchemeProvider\\.js$", signature],
  // The option `extensions`.
  ["client-sts/dist-es/runtimeExtensions\\.js$", "export const resolveRuntimeExtensions = (config) => config"]
]

/** The entries of the signatures that AssumeRole does not have. */
const otherSignatures =
  /\{\s*schemeId: "(?:aws\.auth#sigv4a|smithy\.api#noAuth)",\s*identityProvider:.*?signer: new \w+\(\),\s*\},/gs

export const smallerSts: Plugin = {
  name: "smaller-sts",
  setup: (build) => {
    replace(build, replacements)
    build.onLoad({ filter: /@aws-sdk\/client-sts\/dist-es\/endpoint\/bdd\.js$/ }, async ({ path }) => ({
      contents: `export const bdd = ${JSON.stringify(prune(await readDiagram(path), ofFunctions))}`
    }))
    build.onLoad(
      { filter: /@aws-sdk\/client-sts\/dist-es\/runtimeConfig(?:\.shared)?\.js$/ },
      async ({ path }) => ({ contents: (await readFile(path, "utf8")).replaceAll(otherSignatures, "") })
    )
    // Without the classes of errors: an error's name is its code all the same.
    build.onLoad(
      { filter: /@aws-sdk\/client-sts\/dist-es\/commands\/AssumeRoleCommand\.js$/ },
      async ({ path }) => ({ contents: await readFile(path, "utf8") })
    )
  }
}
