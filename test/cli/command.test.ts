// The command line of effect-codepipeline as a whole: subcommands, help, version and completions.
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import manifest from "../../package.json" with { type: "json" }
import { repository, run, runInOneProcess } from "../scripts/inOneProcess.ts"
import type { Printed } from "../scripts/runScripts.ts"

const subcommands = ["init", "run", "event", "build", "deploy", "cache"]
const shells = ["bash", "zsh", "fish", "powershell"]

const commandLines = [
  ["--help"],
  ["-h"],
  ...subcommands.map((name) => [name, "--help"]),
  ...subcommands.map((name) => [name, "--no-such-option"]),
  ["--version"],
  [],
  ["evnt"],
  ["--live"],
  ["event"],
  ["event", "deploy-stack", "check-webpage"],
  ["run", "--stack-status", "ROLBACK_COMPLETE"],
  ["--completions", "ksh"],
  ...shells.map((shell) => ["--completions", shell])
]

let printed: ReadonlyArray<Printed>
const resultOf = (...args: ReadonlyArray<string>): Printed =>
  printed[commandLines.findIndex((commandLine) => commandLine.join(" ") === args.join(" "))] ??
    assert.fail(args.join(" "))

beforeAll(async () => {
  printed = await runInOneProcess(commandLines.map((args) => ["src/cli/main.ts"].concat(args)), [], { COLUMNS: "80" })
})

const succeeded = (...args: ReadonlyArray<string>) => {
  const { status, stderr, stdout } = resultOf(...args)
  assert.strictEqual(stderr, "")
  assert.strictEqual(status, 0)
  return stdout
}

describe("effect-codepipeline", () => {
  it("lists its subcommands and its own options in the help", () => {
    const help = succeeded("--help")
    assert.strictEqual(succeeded("-h"), help)
    assert.match(help, /^Usage: npx effect-codepipeline SUBCOMMAND \[options\]\n/)
    for (const name of [...subcommands, "--version", "--completions SHELL", "--help"]) {
      assert.match(help, new RegExp(`\\n {2}${name} +\\S`))
    }
  })

  it.each(subcommands)("prints the help of %s, which fits the terminal", (name) => {
    const help = succeeded(name, "--help")
    assert.match(
      help,
      new RegExp(`^Usage: npx effect-codepipeline ${name} [^]+\n\nExamples:\n {2}npx [^]+\n\nExit status: 0 `)
    )
    for (const line of help.split("\n")) assert.isAtMost(line.length, 79, line)
  })

  it("prints the version of the package", () => {
    assert.strictEqual(succeeded("--version"), `${manifest.version}\n`)
  })

  it.each<readonly [args: ReadonlyArray<string>, message: RegExp]>([
    ...subcommands.map((name) =>
      [[name, "--no-such-option"], /^--no-such-option is not an option; known (is|are) --/] as const
    ),
    [[], /^name a subcommand: init, run, event, build, deploy, cache; see --help$/],
    [["evnt"], /^evnt is not a subcommand; did you mean event\?$/],
    [["--live"], /^--live is not an option; known are --version, --completions, --help$/],
    [
      ["event"],
      /^ACTION is missing: deploy-stack, deploy-stack-set, check-webpage, or a module of your own, such as \.\/greet\.ts$/
    ],
    [
      ["event", "deploy-stack", "check-webpage"],
      /^"check-webpage" is not expected: event takes only one ACTION and options; see --help$/
    ],
    [["run", "--stack-status", "ROLBACK_COMPLETE"], /^--stack-status cannot be .+; did you mean ROLLBACK_COMPLETE\?$/],
    [["--completions", "ksh"], /^--completions cannot be ksh; did you mean zsh\?$/]
  ])("rejects %j in one line, and exits with 2: %s", (args, message) => {
    const { status, stderr, stdout } = resultOf(...args)
    assert.match(stderr, /^.+\n$/)
    assert.match(stderr.trimEnd(), message)
    assert.strictEqual(stdout, "")
    assert.strictEqual(status, 2)
  })

  it.each(shells)("has completions for %s, with subcommands, options and values of choices", (shell) => {
    const script = succeeded("--completions", shell)
    for (const word of [...subcommands, "stack-status", "help", "ROLLBACK_COMPLETE"]) assert.include(script, word)
  })

  it.each([
    ["effect-codepipeline ev", "event\n"],
    ["effect-codepipeline run --stack-f", "--stack-fails\n"],
    ["effect-codepipeline run --stack-status ROLLBACK_C", "ROLLBACK_COMPLETE\n"],
    ["effect-codepipeline --vers", "--version\n"],
    ["effect-codepipeline --completions z", "zsh\n"],
    ["effect-codepipeline run --action ./tsconfig.j", "./tsconfig.json\n"],
    ["effect-codepipeline event ./tsconfig.j", "./tsconfig.json\n"],
    ["effect-codepipeline event deploy-stack --output READ", "README.md\n"],
    ["effect-codepipeline build x.ts --out scri", "scripts\n"]
  ])("completes \"%s\" in bash", (line, completion) => {
    const words = line.split(" ")
    const complete = `
COMP_WORDS=(${line}); COMP_CWORD=${words.length - 1}; COMP_LINE="${line}"; COMP_POINT=${line.length}
_effect_codepipeline effect-codepipeline "${words.at(-1)}" "${words.at(-2)}"
echo "\${COMPREPLY[@]}"`
    const script = succeeded("--completions", "bash")
    const { stderr, stdout } = spawnSync("bash", ["--norc", "-c", script + complete], {
      cwd: repository,
      encoding: "utf8"
    })
    assert.strictEqual(stderr, "")
    assert.strictEqual(stdout, completion)
  })
})

describe("a command that is installed globally", () => {
  let project: string
  beforeAll(async () => {
    project = await mkdtemp(join(tmpdir(), "effect-codepipeline-"))
    const copy = join(project, "node_modules/effect-codepipeline")
    await mkdir(copy, { recursive: true })
    const bin = { "effect-codepipeline": "command.mjs" }
    await writeFile(join(copy, "package.json"), JSON.stringify({ name: "effect-codepipeline", bin }))
    await writeFile(join(copy, "command.mjs"), "console.log(\"the copy\", process.argv.slice(2))")
  })
  afterAll(() => rm(project, { recursive: true }))

  it("leaves the work to the copy of the project, with whose modules only this copy works", async () => {
    const args = [join(repository, "src/cli/main.ts"), "run", "--events"]
    const { status, stdout } = await run(process.execPath, args, { cwd: project })
    assert.strictEqual(stdout, "the copy [ 'run', '--events' ]\n")
    assert.strictEqual(status, 0)
  })
})
