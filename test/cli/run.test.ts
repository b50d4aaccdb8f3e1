import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { text } from "node:stream/consumers"
import { fileURLToPath } from "node:url"
import { zipFiles } from "../../src/internal/zipFiles.ts"
import { listen } from "../contract/server.ts"
import { checkEvent, deployEvent } from "../fixtures.ts"
import { repository, run, runInOneProcess } from "../scripts/inOneProcess.ts"
import type { Printed } from "../scripts/runScripts.ts"

const script = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url))
const start = (...args: ReadonlyArray<string>) => startWith({}, ...args)

const startWith = (variables: Readonly<Record<string, string>>, ...args: ReadonlyArray<string>) =>
  run(process.execPath, [script, "run", ...args], { env: { PATH: process.env["PATH"], ...variables } })

const folder = mkdtempSync(join(tmpdir(), "effect-codepipeline-"))
const files = {
  missing: join(folder, "missing.json"),
  notJson: join(folder, "not-json.json"),
  large: join(folder, "large.yaml"),
  nesting: join(folder, "nesting"),
  nestingZip: join(folder, "nesting.zip")
}
afterAll(() => rm(folder, { recursive: true }))

/** An event whose artifact nobody gives. It begins with a byte-order mark, which Windows' editors write. */
const [artifact] = deployEvent()["CodePipeline.job"].data["inputArtifacts"] as ReadonlyArray<object>
const eventOfSource = deployEvent({
  userParameters: JSON.stringify({ stack: "S", file: "t.json", artifact: "Source" }),
  inputArtifacts: [{ ...artifact, name: "Source" }]
})
writeFileSync(files.missing, `\uFEFF${JSON.stringify(eventOfSource)}`)
writeFileSync(files.notJson, "\uFEFF{\n  \"secret\": hunter2\n}")

writeFileSync(files.large, `Resources:\n  Topic: { Type: AWS::SNS::Topic }\n# ${"x".repeat(60_000)}`)
const nesting = {
  "template-package/template.json": JSON.stringify({
    Resources: {
      Network: {
        Type: "AWS::CloudFormation::Stack",
        Properties: { TemplateURL: "https://shop.s3.amazonaws.com/release/network.yaml" }
      }
    },
    Outputs: { Name: { Value: { "Fn::GetAtt": ["Network", "Outputs.Name"] } } }
  }),
  "network.yaml": "Resources:\n  Topic: { Type: AWS::SNS::Topic }\nOutputs:\n  Name: { Value: nested }\n"
}
mkdirSync(join(files.nesting, "template-package"), { recursive: true })
for (const [path, text] of Object.entries(nesting)) writeFileSync(join(files.nesting, path), text)

/** Command lines that need neither a server nor environment variables. */
const inMemory = {
  sample: [],
  failure: ["--stack-fails", "MySampleBucket"],
  replacement: ["--mode", "REPLACE_ON_FAILURE", "--stack-status=ROLLBACK_COMPLETE"],
  notZip: ["events/encryption-key.json", "--artifact=MyTemplate=LICENSE"],
  template: ["--artifact=MyTemplate=events/artifacts/MyTemplate/template-package/template.json"],
  missing: [files.missing],
  large: ["--artifact", `MyTemplate=${files.large}`, "--option=templateBucket=templates", "--events"],
  imports: ["--artifact", "MyTemplate=test/templates/importer.yaml"],
  exported: ["--artifact", "MyTemplate=test/templates/importer.yaml", "--export", "corpus-shared=a=b"],
  nesting: ["--artifact", `MyTemplate=${files.nesting}`],
  nestingZip: ["--artifact", `MyTemplate=${files.nestingZip}`],
  notJson: [files.notJson],
  events: ["--events", "--stack-fails", "MySampleBucket"],
  busy: ["--stack-status=UPDATE_IN_PROGRESS"],
  misspelt: ["--stak-fails", "x"],
  otherAction: ["events/check-webpage.json"],
  namedAction: ["events/check-webpage.json", "--action=deploy-stack"],
  unknownResource: ["--stack-fails", "Nothing"],
  help: ["--help"]
} satisfies Record<string, ReadonlyArray<string>>

const results = new Map<string, Printed>()
const resultOf = (name: keyof typeof inMemory): Printed => results.get(name) ?? assert.fail(name)

beforeAll(async () => {
  writeFileSync(files.nestingZip, await Effect.runPromise(zipFiles(nesting)))
  const printed = await runInOneProcess(
    Object.values(inMemory).map((args: ReadonlyArray<string>) => [script, "run"].concat(args)),
    [],
    { COLUMNS: "60" }
  )
  for (const [index, name] of Object.keys(inMemory).entries()) {
    const result = printed[index]
    if (result !== undefined) results.set(name, result)
  }
})

const temporaryFolder = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "effect-codepipeline-"))),
  (folder) => Effect.promise(() => rm(folder, { recursive: true }))
)

describe("effect-codepipeline run", () => {
  it("shows how the sample's stack is created, and exits with 0", () => {
    const { status, stderr, stdout } = resultOf("sample")
    assert.match(
      stdout,
      /Stack create started[^]*stack +CREATE_IN_PROGRESS[^]*still in progress[^]*stack +CREATE_COMPLETE[^]*Stack update complete/
    )
    assert.match(stdout, /\n +variable +BucketName: MyTestStack-MySampleBucket\n/)
    assert.match(stdout, /Succeeded after \d invocations/)
    assert.notInclude(stdout, "\u001B")
    assert.strictEqual(stderr, "")
    assert.strictEqual(status, 0)
  })

  it("shows why the stack fails, and exits with 1", () => {
    const { status, stdout } = resultOf("failure")
    assert.match(
      stdout,
      /Update failed: ROLLBACK_COMPLETE\n +MySampleBucket \(AWS::S3::Bucket\): It fails because of --stack-fails[^]*\n +Delete stack "MyTestStack"/
    )
    assert.strictEqual(status, 1)
  })

  it("tells the story of a stack set with four instances, one of which fails, within seconds", async () => {
    const { status, stdout } = await start("--action", "deploy-stack-set")
    assert.strictEqual(status, 0)
    assert.match(stdout, /Creation of instances started: 4 instances/)
    assert.match(
      stdout,
      /succeeded +Stack set is up to date: 4 instances, 1 failed \(us-east-1\/222222222222: Account 222222222222 should have/
    )
    assert.match(stdout, /variable +Succeeded: 3\n +variable +Failed: 1\n/)
    assert.match(stdout, /Succeeded after \d+ invocations in [0-5]\.\d s/)
  })

  it("fails the stack set if too many instances fail, and says what to do", async () => {
    const { status, stdout } = await start("--action", "deploy-stack-set", "--option", "failureTolerance=0")
    assert.strictEqual(status, 1)
    assert.match(stdout, /failed +JobFailed: Creation of instances failed: FAILED/)
    assert.match(stdout, /Create the role AWSCloudFormationStackSetExecutionRole in each of these accounts/)
  })

  it("runs any mode from any status of the stack", () => {
    const { status, stdout } = resultOf("replacement")
    assert.match(
      stdout,
      /stack +ROLLBACK_COMPLETE[^]*Stack delete started[^]*Stack create started[^]*Stack update complete/
    )
    assert.strictEqual(status, 0)
  })

  it("runs any event with any artifact, and exits with 1 when the action fails", () => {
    const { status, stdout } = resultOf("notZip")
    assert.match(stdout, /failed +RevisionUnavailable: .*not a zip/)
    assert.strictEqual(status, 1)
  })

  it("takes a template as an artifact, in the place of the event's template", () => {
    const { status, stdout } = resultOf("template")
    assert.match(
      stdout,
      /artifact +MyTemplate: \S+\.json as template-package\/template\.json, \d+ bytes as a zip\n[^]*Stack update complete/
    )
    assert.strictEqual(status, 0)
  })

  it("lists in one line what is not checked in memory", () => {
    assert.match(
      resultOf("sample").stdout,
      /\nSucceeded after .*\nnot checked here: resource properties, permissions, quotas of the account\n$/
    )
  })

  it("reads a template that is passed through a bucket", () => {
    const { status, stdout } = resultOf("large")
    assert.include(stdout, "CREATE_COMPLETE Topic (AWS::SNS::Topic)\n")
    assert.strictEqual(status, 0)
  })

  it("takes exports of other stacks from the command line, and names the option", () => {
    const refused = resultOf("imports")
    assert.match(
      refused.stdout,
      /No export named corpus-shared found[^]*\n +hint .*: add --export corpus-shared=VALUE\n/
    )
    assert.strictEqual(refused.status, 1)
    const { status, stdout } = resultOf("exported")
    assert.include(stdout, "variable    Imported: a=b\n")
    assert.strictEqual(status, 0)
  })

  it.each(["nesting", "nestingZip"] as const)("takes nested templates from the artifact, and says so: %s", (name) => {
    const { status, stdout } = resultOf(name)
    assert.include(stdout, "variable    Name: nested\n")
    assert.include(
      stdout,
      "https://shop.s3.amazonaws.com/release/network.yaml is not fetched: it stands for MyTemplate::network.yaml\n"
    )
    assert.strictEqual(status, 0)
  })

  it("shows each event of the resources in one line with --events", () => {
    const { stdout } = resultOf("events")
    const [first = "", ...others] = stdout.match(/ {4}event +.*\n/g) ?? []
    assert.match(first, /event +CREATE_IN_PROGRESS MySampleBucket \(AWS::S3::Bucket\)\n$/)
    assert.match(
      others.join(""),
      /event +CREATE_FAILED MySampleBucket \(AWS::S3::Bucket\): It fails because of --stack-fails\n/
    )
    assert.strictEqual(new Set([first, ...others]).size, others.length + 1)
    assert.notMatch(resultOf("failure").stdout, / event /)
  })

  it("prints a help that fits the terminal", () => {
    const { status, stdout } = resultOf("help")
    assert.include(stdout, "  --events\n")
    for (const line of stdout.split("\n")) assert.isBelow(line.length, 60, line)
    assert.strictEqual(status, 0)
  })

  it("ends quietly when the reader of its output closes it", async () => {
    const child = spawn(process.execPath, [script, "run"], { cwd: repository, env: { PATH: process.env["PATH"] } })
    const stderr = text(child.stderr)
    child.stdout.once("data", () => child.stdout.destroy())
    const [status] = await once(child, "exit")
    assert.strictEqual(await stderr, "")
    assert.strictEqual(status, 141)
  })

  it("names --artifact if an artifact of the event is not given", () => {
    const { status, stdout } = resultOf("missing")
    assert.match(
      stdout,
      /failed +RevisionUnavailable: [^]*\n +hint +artifact Source is not in memory: add --artifact Source=PATH/
    )
    assert.strictEqual(status, 1)
  })

  it("packs a folder with more files than a process may open", async () => {
    const many = join(folder, "many")
    mkdirSync(many)
    for (let index = 0; index < 500; index++) writeFileSync(join(many, `${index}.txt`), "")
    const command = "ulimit -n 256 && exec \"$0\" \"$@\""
    const args = ["-c", command, process.execPath, script, "run", "--artifact", `MyTemplate=${many}`]
    const { stderr, stdout } = await run("sh", args, { env: { PATH: process.env["PATH"] } })
    assert.strictEqual(stderr, "")
    assert.include(stdout, "the zip does not contain this file")
  })

  it("says where an event is not JSON, without quoting it", () => {
    const { status, stderr } = resultOf("notJson")
    assert.strictEqual(
      stderr,
      `the event ${files.notJson} cannot be read: it is not JSON: error in line 2, column 13\n`
    )
    assert.strictEqual(status, 2)
  })

  it.live("shows the response of a page", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      const origin = yield* listen((_request, response) => response.end("Congratulations"))
      const event = join(folder, "event.json")
      yield* Effect.promise(() => writeFile(event, JSON.stringify(checkEvent({ userParameters: origin }))))

      const { status, stderr, stdout } = yield* Effect.promise(() => start(event, "--action", "check-webpage"))
      assert.match(stdout, /page +200 http:[^]*succeeded +Tests passed/)
      assert.strictEqual(stderr, "")
      assert.strictEqual(status, 0)
    }).pipe(Effect.scoped))

  it.live("shows the advice about an unreachable page once", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      // The address of a server that has just been closed.
      const origin = yield* Effect.scoped(listen((_request, response) => response.end()))
      const event = join(folder, "event.json")
      yield* Effect.promise(() => writeFile(event, JSON.stringify(checkEvent({ userParameters: origin }))))

      const { status, stdout } = yield* Effect.promise(() => start(event, "--action", "check-webpage"))
      assert.match(stdout, /page +no response: connect ECONNREFUSED [\d.:]+\n/)
      assert.lengthOf(stdout.match(/a firewall rejects the connection/g) ?? [], 1)
      assert.strictEqual(status, 1)
    }).pipe(Effect.scoped))

  it("warns that a busy stack in memory never changes its status", async () => {
    const busy = ["--stack-status=UPDATE_IN_PROGRESS", "--option=whenBusy=wait"]
    const child = spawn(process.execPath, [script, "run", ...busy], {
      cwd: repository,
      env: { PATH: process.env["PATH"] }
    })
    let output = ""
    for await (const chunk of child.stdout) {
      output += String(chunk)
      if (output.includes("continued")) break
    }
    child.kill()
    assert.include(
      output,
      "the stack stays in UPDATE_IN_PROGRESS, and the action waits until you press Ctrl+C\n 1  job "
    )
    assert.notInclude(resultOf("busy").stdout, "Ctrl+C")
  })

  it("reports a wrong command line in one line, and exits with 2", () => {
    const { status, stderr, stdout } = resultOf("misspelt")
    assert.strictEqual(stderr, "--stak-fails is not an option; did you mean --stack-fails?\n")
    assert.strictEqual(stdout, "")
    assert.strictEqual(status, 2)
  })

  it("names the action of an event that is for another action", () => {
    const { status, stderr, stdout } = resultOf("otherAction")
    assert.match(stderr, /^this looks like an event of check-webpage: add --action check-webpage, .*\n$/)
    assert.strictEqual(stdout, "")
    assert.strictEqual(status, 2)
    const named = resultOf("namedAction")
    assert.match(named.stdout, /failed +ConfigurationError: "url" is not known;/)
    assert.strictEqual(named.status, 1)
  })

  it.each<readonly [variables: Readonly<Record<string, string>>, args: ReadonlyArray<string>, message: string]>([
    [{}, ["--live"], "--live needs a region: set AWS_REGION, or set one in your AWS profile\n"],
    [{ AWS_REGION: "us-east-1" }, ["--live"], "--live needs AWS credentials, and found none that work"],
    [{}, ["--live", "--endpoint-url", "here"], "\"here\" is not a URL\n"]
  ])("reports a missing region, missing credentials or a wrong endpoint: %j %j", async (variables, args, message) => {
    const nothing = { HOME: "/nonexistent", AWS_EC2_METADATA_DISABLED: "true" }
    const { status, stderr, stdout } = await startWith({ ...nothing, ...variables }, ...args)
    assert.isTrue(stderr.startsWith(message), stderr)
    assert.strictEqual(stdout, "")
    assert.strictEqual(status, 2)
  })

  it.live("reports that the bucket of an artifact does not exist, and what to do", () =>
    Effect.gen(function*() {
      const origin = yield* listen((_request, response) => {
        response.writeHead(404, { "content-type": "application/xml" })
        response.end("<Error><Code>NoSuchBucket</Code><Message>The specified bucket does not exist</Message></Error>")
      })
      const { status, stderr } = yield* Effect.promise(() =>
        start("--live", "--endpoint-url", origin, "--artifact=MyTemplate=LICENSE")
      )
      assert.strictEqual(
        stderr,
        "bucket codepipeline-us-east-1-123456789012 of the artifact does not exist: create it, or write an event with " +
          "another bucket by npx effect-codepipeline event\n"
      )
      assert.strictEqual(status, 2)
    }).pipe(Effect.scoped))

  it.live("reads the artifact with the credentials of this machine instead of the event's", () =>
    Effect.gen(function*() {
      const signatures: Array<string | undefined> = []
      const origin = yield* listen(({ headers, method }, response) => {
        if (method === "GET") signatures.push(headers.authorization)
        response.writeHead(method === "GET" ? 403 : 200, { "content-type": "application/xml" })
        response.end(method === "GET" ? "<Error><Code>AccessDenied</Code><Message>No</Message></Error>" : "")
      })
      const own = {
        AWS_REGION: "us-east-1",
        AWS_ACCESS_KEY_ID: "AKIADEVELOPER",
        AWS_SECRET_ACCESS_KEY: "secret-of-the-developer"
      }
      yield* Effect.promise(() => startWith(own, "--live", "--endpoint-url", origin))
      assert.isNotEmpty(signatures)
      for (const signature of signatures) assert.include(signature, "Credential=AKIADEVELOPER/")
    }).pipe(Effect.scoped))

  it("rejects --stack-fails with a resource that is not in the template", () => {
    const { status, stderr } = resultOf("unknownResource")
    assert.include(stderr, "--stack-fails Nothing: nothing failed")
    assert.strictEqual(status, 2)
  })
})
