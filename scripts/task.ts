// `node scripts/task.ts NAME` runs the task NAME: what npm test, npm run check, npm run lint, … do.
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { spawnSync } from "node:child_process"
import { delimiter, join } from "node:path"
import { fileURLToPath } from "node:url"
import { runScript, type Script } from "./commandLine.ts"
import { type Command, tasks } from "./tasks.ts"

class TaskFailed extends Schema.TaggedError<TaskFailed>()("TaskFailed", { message: Schema.String }) {}

const repository = fileURLToPath(new URL("..", import.meta.url))

/** As npm does it: tools are found in node_modules, which has the repository's own version of Node, too. */
const environment = {
  ...process.env,
  PATH: [join(repository, "node_modules", ".bin"), process.env["PATH"] ?? ""].join(delimiter)
}

const run = ([tool, ...args]: Command, passedOn: ReadonlyArray<string>) =>
  Effect.suspend(() => {
    const { error, signal, status } = spawnSync(tool, [...args, ...passedOn], {
      cwd: repository,
      env: environment,
      stdio: "inherit",
      shell: process.platform === "win32"
    })
    if (status === 0) return Effect.void
    const why = error?.message ?? (signal === null ? `exit status ${status}` : `ended by ${signal}`)
    return Effect.fail(new TaskFailed({ message: `${[tool, ...args].join(" ")} failed: ${why}` }))
  })

const [name = "", ...args] = process.argv.slice(2)
const task = tasks[name]
if (task === undefined) throw new Error(`There is no task "${name}"; there are ${Object.keys(tasks).join(", ")}`)

const { commands, example, purpose } = task
const command = name === "test" ? "npm test" : `npm run ${name}`
const [[tool], ...others] = commands
const passesOn = others.length === 0

const script: Script<never> = {
  command,
  ...(passesOn && { operands: "[ARGUMENTS]" }),
  purpose: `${purpose}\n\nIt runs: ${commands.map((command) => command.join(" ")).join("; ")}.${
    passesOn ? ` The ARGUMENTS are passed on to ${tool}.` : ""
  }`,
  options: {},
  examples: [command, ...(example === undefined ? [] : [`${command} -- ${example}`])],
  status: passesOn
    ? "0 the command succeeded, 1 it failed"
    : "0 all commands succeeded, 1 one failed, 2 the command line is wrong"
}

const isHelp = (arg: string) => arg === "--help"

await runScript(
  script,
  () => Effect.forEach(commands, (command) => run(command, passesOn ? args : []), { discard: true }),
  passesOn ? args.filter(isHelp) : args
)
