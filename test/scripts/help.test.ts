import { assert, beforeAll, describe, it } from "@effect/vitest"
import { globSync, readFileSync } from "node:fs"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import manifest from "../../package.json" with { type: "json" }
import { tasks } from "../../scripts/tasks.ts"
import { repository, run, runInOneProcess } from "./inOneProcess.ts"
import type { Printed } from "./runScripts.ts"

/** npm itself runs this one, before it packs. */
const { prepack: _, ...scripts } = manifest.scripts
const names = Object.keys(scripts)

/** The npm scripts as command lines, and each benchmark. */
const commandLines = Object.values(scripts).map((command) => command.split(" ").slice(1))
  .concat(["artifacts", "cold", "load", "start"].map((name) => ["scripts/bench/bench.ts", name]))

/** Tasks that pass their arguments on; the tool refuses what it does not know. */
const passesOn = ([, name = ""]: ReadonlyArray<string>) => tasks[name]?.commands.length === 1

/** Without the permission to write a file or to start a process, either of which would be a side effect. */
const restricted = ["--permission", "--allow-fs-read=*", "--allow-addons"]

let helped: ReadonlyArray<Printed>
let refused: ReadonlyArray<Printed>
let unknown: Printed | undefined

const strict = commandLines.filter((commandLine) => !passesOn(commandLine))

beforeAll(async () => {
  const help = commandLines.map((commandLine) => [...commandLine, "--help"])
  const wrong = strict.map((commandLine) => [...commandLine, "--no-such-option"])
  const printed = await runInOneProcess([...help, ...wrong, ["scripts/bench/bench.ts", "colt"]], restricted)
  helped = printed.slice(0, help.length)
  refused = printed.slice(help.length, -1)
  unknown = printed.at(-1)
})

it("every npm script is a script of this repository", () => {
  for (const command of Object.values(scripts)) {
    assert.match(command, /^node (?:scripts|src\/cli)\/[\w/]+\.ts( [\w:-]+)?$/)
  }
})

it("every npm script that the documents name exists", () => {
  const exclude = ["**/node_modules", "docs/api", "scripts/mutation/{report,sandbox}"]
  const files = [...globSync("**/*.md", { cwd: repository, exclude }), ".ci/run"]
  const named = files.flatMap((file) =>
    Array.from(
      readFileSync(join(repository, file), "utf8").matchAll(/npm (?:run (?:-s |--silent )?([\w:-]+)|(start|test)\b)/g),
      ([, script, lifecycle]) => script ?? lifecycle ?? ""
    )
  )
  assert.isAtLeast(new Set(named).size, 10)
  assert.deepStrictEqual([...new Set(named)].filter((name) => !names.includes(name)), [])
})

describe("--help", () => {
  it.each(commandLines.map((commandLine, index) => ({ commandLine: commandLine.join(" "), index })))(
    "of $commandLine prints its usage, and has no side effects",
    ({ index }) => {
      const { status, stderr, stdout = "" } = helped[index] ?? {}
      assert.match(stdout, /^Usage: np[mx] [^]+\n\nExamples:\n {2}np[mx] [^]+\n\nExit status: 0 /)
      for (const line of stdout.split("\n")) assert.isAtMost(line.length, 120)
      assert.strictEqual(stderr, "")
      assert.strictEqual(status, 0)
    }
  )

  it("reaches the script through npm", async () => {
    const { status, stdout } = await run("npm", ["run", "--silent", "check", "--", "--help"])
    assert.include(stdout, "Usage: npm run check")
    assert.strictEqual(status, 0)
  })
})

it.each(strict.map((commandLine, index) => ({ commandLine: commandLine.join(" "), index })))(
  "$commandLine rejects an option that it does not have",
  ({ index }) => {
    const { status, stderr, stdout } = refused[index] ?? {}
    assert.match(stderr ?? "", /^--no-such-option is not an option; .+\n$/)
    assert.strictEqual(stdout, "")
    assert.strictEqual(status, 2)
  }
)

describe("a task", () => {
  it("runs its tool with further arguments, and succeeds when the tool does", async () => {
    const { status, stdout } = await run(process.execPath, ["scripts/task.ts", "lint", "--version"])
    assert.match(stdout, /^Version: \d/)
    assert.strictEqual(status, 0)
  })

  it("fails and names the command when a command fails", async () => {
    const { status, stderr } = await run(process.execPath, ["scripts/task.ts", "format", "--no-such-option"])
    assert.match(stderr, /\ndprint check failed: exit status \d+\n$/)
    assert.strictEqual(status, 1)
  })
})

it("an unknown benchmark is rejected with the closest name", () => {
  assert.deepStrictEqual(unknown, { stdout: "", stderr: "colt is not a benchmark; did you mean cold?\n", status: 2 })
})

it("a build that fails reports it in one line", async () => {
  // There is nothing to compile.
  const folder = await mkdtemp(join(tmpdir(), "effect-codepipeline-"))
  const { status, stderr } = await run(process.execPath, [join(repository, "scripts/build/build.ts")], { cwd: folder })
    .finally(
      () => rm(folder, { recursive: true })
    )
  assert.match(stderr, /^the build failed: Command failed: .+\n$/)
  assert.strictEqual(status, 1)
})
