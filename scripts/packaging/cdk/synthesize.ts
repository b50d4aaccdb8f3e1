// Installs the built package beside the CDK as npm packs it, and synthesizes the app of docs/operations/deploying.md.
import assert from "node:assert/strict"
import { execFileSync } from "node:child_process"
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const repository = fileURLToPath(new URL("../../..", import.meta.url))
const app = fileURLToPath(new URL("app.ts", import.meta.url))
const installed = fileURLToPath(new URL("../node_modules/effect-codepipeline", import.meta.url))
const folder = mkdtempSync(join(tmpdir(), "effect-codepipeline-cdk-"))

const run = (tool: string, ...args: ReadonlyArray<string>) =>
  execFileSync(tool, args, {
    cwd: repository,
    // The CDK's validation would only warn, and takes longer than the rest.
    env: { ...process.env, CDK_OUTDIR: folder, CDK_VALIDATION: "false" },
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"]
  })

interface Resource {
  readonly Type: string
  readonly Properties: Readonly<Record<string, unknown>>
}

try {
  const [packed] = JSON.parse(run("npm", "pack", "--json", "--ignore-scripts", "--pack-destination", folder))
  rmSync(installed, { recursive: true, force: true })
  mkdirSync(installed)
  run("tar", "-xzf", join(folder, packed.filename), "--strip-components=1", "-C", installed)
  run(process.execPath, app)

  const template: string = readFileSync(join(folder, "Actions.template.json"), "utf8")
  const resources: Readonly<Record<string, Resource>> = JSON.parse(template).Resources
  const ofType = (type: string) => Object.entries(resources).filter(([, { Type }]) => Type === type)
  const [[, deployStack] = []] = ofType("AWS::Lambda::Function")
  const [[, role] = []] = ofType("AWS::IAM::Role")
  const [[policyName, policy] = []] = ofType("AWS::IAM::ManagedPolicy")

  const { Architectures, Handler, Runtime } = deployStack?.Properties ?? {}
  assert.deepEqual(
    { Architectures, Handler, Runtime },
    { Architectures: ["arm64"], Handler: "index.handler", Runtime: "nodejs24.x" }
  )
  assert.match(JSON.stringify(role?.Properties["ManagedPolicyArns"]), new RegExp(`"Ref":"${policyName}"`))
  assert.match(JSON.stringify(policy), /cloudformation:CreateStack.*"AWS::Region".*"AWS::AccountId".*:stack\/shop-\*/)
  assert.doesNotMatch(JSON.stringify(policy), /REGION|ACCOUNT|MyTestStack/)
} finally {
  rmSync(folder, { recursive: true })
}
