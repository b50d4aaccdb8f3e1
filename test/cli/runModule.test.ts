// `run --action MODULE`: an action of one's own.
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs"
import { rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { runInOneProcess } from "../scripts/inOneProcess.ts"
import type { Printed } from "../scripts/runScripts.ts"

const folder = mkdtempSync(join(tmpdir(), "effect-codepipeline-"))
const people = join(folder, "people")
mkdirSync(people)
writeFileSync(join(people, "name.txt"), "Ada\n")
const event = join(folder, "event.json")
afterAll(() => rm(folder, { recursive: true }))

const greeter = "test/cli/modules/greeter.ts"
const echo = "test/cli/modules/echo.ts"
const artifact = `--artifact=People=${people}`

/** The arguments of the command. */
const commandLines = {
  greets: ["run", "--action", greeter, "--option", "artifact=People", artifact],
  wholeParameters: [
    "run",
    `--action=${greeter}`,
    "--user-parameters={\"artifact\":\"People\",\"greeting\":\"Hi\"}",
    artifact
  ],
  writesEvent: [
    "event",
    greeter,
    "--option=artifact=People",
    "--artifact=People=bucket/key.zip",
    "--job-id=j1",
    `--output=${event}`
  ],
  readsEvent: ["run", event, `--action=${greeter}`, "--option=greeting=Good morning", artifact],
  fails: ["run", `--action=${greeter}`, "--option=artifact=Animals", artifact],
  hasBug: ["run", `--action=${greeter}`, "--option=artifact=People", "--option=crash=true", artifact],
  lacksArtifact: ["run", event, `--action=${greeter}`],
  lacksService: ["run", `--action=${greeter}#Greeter`, "--option=artifact=People", artifact],
  lacksParameters: ["run", `--action=${greeter}`],
  lacksEventParameters: ["event", greeter],
  wrongParameter: ["event", greeter, "--option=artifact=A", "--option=greting=Hi"],
  text: ["run", `--action=${echo}#Echo`, "--user-parameters", "any text"],
  noText: ["run", `--action=${echo}#Echo`],
  optionOfText: ["run", `--action=${echo}#Echo`, "--user-parameters", "any text", "--option=a=b"],
  writesArtifact: ["run", `--action=${echo}#Write`, "--user-parameters=x", "--output-artifact=Out"],
  brokenLayer: ["run", `--action=${echo}#broken`],
  mode: ["run", `--action=${greeter}`, "--mode=DELETE_ONLY"],
  outputOfEvent: ["run", event, `--action=${greeter}`, "--output-artifact=Out"],
  liveArtifact: ["run", `--action=${greeter}`, "--live", "--option=artifact=People", artifact],
  stackOption: ["event", greeter, "--stack=S"]
} satisfies Record<string, ReadonlyArray<string>>

const results = new Map<string, Printed>()
const resultOf = (name: keyof typeof commandLines): Printed => results.get(name) ?? assert.fail(name)

beforeAll(async () => {
  const printed = await runInOneProcess(
    Object.values(commandLines).map((args: ReadonlyArray<string>) => ["src/cli/main.ts"].concat(args))
  )
  for (const [index, name] of Object.keys(commandLines).entries()) {
    const result = printed[index]
    if (result !== undefined) results.set(name, result)
  }
})

const refused = (name: keyof typeof commandLines, message: RegExp) => {
  const { status, stderr } = resultOf(name)
  assert.match(stderr, /^.+\n$/)
  assert.match(stderr, message)
  assert.strictEqual(status, 2)
}

describe("run --action MODULE", () => {
  it("plays the module's handler, with an event of the command line and S3 in memory also for its own services", () => {
    const { status, stderr, stdout } = resultOf("greets")
    assert.match(
      stdout,
      /^test\/cli\/modules\/greeter\.ts, in memory\n {4}artifact {4}People: .+ bytes as a zip\n 1 {2}job \S+\n {4}continued {3}Read the name Ada\n 2 {2}job \S+\n {4}succeeded {3}Hello, Ada \(100 %\)\n {4}variable {4}Name: Ada\n\nSucceeded after 2 invocations in .+\n$/
    )
    assert.strictEqual(stderr, "")
    assert.strictEqual(status, 0)
  })

  it("takes UserParameters as a whole", () => {
    assert.include(resultOf("wholeParameters").stdout, "Hi, Ada")
  })

  it("plays an event that the command wrote, with options of the command line", () => {
    assert.deepStrictEqual(resultOf("writesEvent"), { stdout: "", stderr: "", status: 0 })
    const { status, stdout } = resultOf("readsEvent")
    assert.include(stdout, "job j1\n")
    assert.include(stdout, "Good morning, Ada")
    assert.strictEqual(status, 0)
  })

  it("exits with 1 when the action fails, and reports its failure", () => {
    const { status, stderr, stdout } = resultOf("fails")
    assert.match(stdout, /failed {6}RevisionUnavailable: Input artifact named "Animals" not found in event/)
    assert.strictEqual(stderr, "")
    assert.strictEqual(status, 1)
  })

  it("prints a bug of the action with its stack", () => {
    const { status, stderr, stdout } = resultOf("hasBug")
    assert.match(stdout, /failed {6}JobFailed: The action failed unexpectedly/)
    assert.match(stderr, /Error: a bug\n +at .+greeter\.ts:\d+/)
    assert.strictEqual(status, 1)
  })

  it("names --artifact if an artifact of the event is not given", () => {
    assert.include(resultOf("lacksArtifact").stdout, "artifact People is not in memory: add --artifact People=PATH")
  })

  it("says in one line which service nobody provides", () => {
    refused("lacksService", /greeter\.ts#Greeter needs the service test\/Names, and nothing provides it: export a/)
  })

  it("says which UserParameters are missing or unknown, and how they are set", () => {
    const advice = "Set UserParameters with --option NAME=VALUE or --user-parameters TEXT\n"
    refused("lacksParameters", new RegExp(`^"artifact" is missing\\. ${advice}`))
    refused("lacksEventParameters", new RegExp(`^"artifact" is missing\\. ${advice}`))
    refused("wrongParameter", /^"greting" is not known \(did you mean "greeting"\?\)\. Set UserParameters/)
  })

  it("passes UserParameters that are any text, also none", () => {
    assert.include(resultOf("text").stdout, "succeeded   \"any text\"")
    assert.include(resultOf("noText").stdout, "succeeded   \"\"")
    refused("optionOfText", /^--option needs JSON as --user-parameters\n/)
  })

  it("shows the files of output artifacts", () => {
    assert.match(resultOf("writesArtifact").stdout, /\n {4}artifact {4}Out was written: text\.txt\n$/)
  })

  it("says in one line why the module's layer cannot be built", () => {
    refused("brokenLayer", /^the layer of test\/cli\/modules\/echo\.ts#broken cannot be built: DESK_URL is not set\n/)
  })

  it("rejects options of ready-made actions, and those that need an event", () => {
    refused("mode", /^--mode cannot be combined with --action test\/cli\/modules\/greeter\.ts\n/)
    refused("stackOption", /^--stack does not apply to test\/cli\/modules\/greeter\.ts\n/)
    refused("outputOfEvent", /^--output-artifact cannot be combined with EVENT\.json/)
    refused("liveArtifact", /^--live needs an event with the locations of the artifacts: npx effect-codepipeline event/)
  })
})
