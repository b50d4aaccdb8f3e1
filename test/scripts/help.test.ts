import { assert, describe, it } from "@effect/vitest"
import { execFile } from "node:child_process"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import manifest from "../../package.json" with { type: "json" }

const repository = fileURLToPath(new URL("../..", import.meta.url))

const run = (script: string, ...args: ReadonlyArray<string>) => runIn(repository, script, ...args)

const runIn = (cwd: string, script: string, ...args: ReadonlyArray<string>) =>
  new Promise<{ readonly status: unknown; readonly stdout: string; readonly stderr: string }>((resolve) =>
    execFile(
      process.execPath,
      [join(repository, script), ...args],
      { cwd },
      (error, stdout, stderr) => resolve({ status: error === null ? 0 : error.code, stdout, stderr })
    )
  )

/** The scripts of ours that package.json runs by themselves, and each benchmark. */
const scripts = Object.values(manifest.scripts)
  .flatMap((command) => /^node (scripts\/[\w/]+\.ts)$/.exec(command)?.slice(1) ?? [])
  .map((script): readonly [string, ReadonlyArray<string>] => [script, []])
  .concat(["artifacts", "cold", "load"].map((name) => ["scripts/bench/bench.ts", [name]]))

describe.each(scripts)("%s %j", (script, args) => {
  it("has help", async () => {
    const { status, stderr, stdout } = await run(script, ...args, "--help")
    assert.match(stdout, /^Usage: npm [^]+\n\nExamples:\n {2}npm [^]+\n\nExit status: 0 /)
    for (const line of stdout.split("\n")) assert.isAtMost(line.length, 120)
    assert.strictEqual(stderr, "")
    assert.strictEqual(status, 0)
  })

  it("refuses an option that it does not have", async () => {
    const { status, stderr, stdout } = await run(script, ...args, "--no-such-option")
    assert.match(stderr, /^--no-such-option is not an option; .+\n$/)
    assert.strictEqual(stdout, "")
    assert.strictEqual(status, 2)
  })
})

it("a benchmark that there is not gets the one that was meant", async () => {
  const { status, stderr } = await run("scripts/bench/bench.ts", "colt")
  assert.strictEqual(stderr, "colt is no benchmark; did you mean cold?\n")
  assert.strictEqual(status, 2)
})

it("a build that fails says so in a line", async () => {
  // There is nothing to compile.
  const folder = await mkdtemp(join(tmpdir(), "effect-codepipeline-"))
  const { status, stderr } = await runIn(folder, "scripts/build/build.ts").finally(() =>
    rm(folder, { recursive: true })
  )
  assert.match(stderr, /^the build failed: Command failed: .+\n$/)
  assert.strictEqual(status, 1)
})
