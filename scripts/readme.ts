// npm run readme: writes the parts of README.md that come from the code.
import { readFile, writeFile } from "node:fs/promises"
import { fileURLToPath } from "node:url"
import { Evidence } from "../src/domain/StackEvents.ts"
import * as StackPlan from "../src/domain/StackPlan.ts"
import { StackStatus } from "../src/domain/StackStatus.ts"

const path = (relative: string) => fileURLToPath(new URL(`../${relative}`, import.meta.url))

const atStart = (mode: StackPlan.Mode, observation: StackPlan.Observation): string => {
  const decision = StackPlan.start(mode, { whenBusy: "fail", disableRollback: false }, observation)
  const step = decision._tag === "ReadEvents" ? decision.decide(Evidence.Others()) : decision
  return StackPlan.Start.$match(step, {
    Begin: ({ operation }) => `${operation} it`,
    Prepare: () => "make a change set",
    Execute: () => "execute the change set",
    Gone: () => "succeed",
    Missing: () => "fail",
    Adopt: () => "watch it",
    Postpone: () => "wait, then look again",
    Refuse: () => "refuse"
  })
}

const whileWatched = (observation: StackPlan.Observation & { readonly _tag: "Present" }): string => {
  const decision = StackPlan.watch({ operation: "update", settle: true, rested: false }, observation)
  const step = decision._tag === "ReadEvents"
    ? decision.decide(Evidence.Ended({ operation: "update", status: observation.status }))
    : decision
  return StackPlan.Watch.$match(step, {
    Wait: () => "wait",
    Succeed: () => "succeed",
    Fail: () => "fail",
    Unproven: () => "fail",
    Miss: () => "fail"
  })
}

const shownModes = ["CREATE_UPDATE", "REPLACE_ON_FAILURE", "DELETE_ONLY"] as const

const statusTable = () =>
  table([
    ["Status of the stack", "A new job", "… that replaces", "… that deletes", "A job that watches its update"],
    ["(no such stack)", ...shownModes.map((mode) => atStart(mode, { _tag: "Absent" })), "fail"],
    ...StackStatus.literals.map((status) => {
      const observation = {
        _tag: "Present",
        status,
        changedSince: true,
        changedOfLate: true,
        createdOfLate: false
      } as const
      const steps = shownModes.map((mode) => atStart(mode, observation))
      return [String(status)].concat(steps, whileWatched(observation))
    })
  ])

/** As the formatter writes tables: the first row is the head, and columns are as wide as their widest cell. */
const table = ([head = [], ...rows]: ReadonlyArray<ReadonlyArray<string>>) => {
  const widths = head.map((cell, column) => Math.max(cell.length, ...rows.map((row) => row[column]?.length ?? 0)))
  const line = (row: ReadonlyArray<string>) =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n")
}

const code = async (file: string) => `\`\`\`ts\n${(await readFile(path(file), "utf8")).trimEnd()}\n\`\`\``

/** Each part stands in README.md between `<!-- NAME -->` and `<!-- /NAME -->`. */
const parts: Readonly<Record<string, () => string | Promise<string>>> = {
  "status table": statusTable,
  "test/examples/embed.ts": () => code("test/examples/embed.ts"),
  "test/examples/greet.ts": () => code("test/examples/greet.ts"),
  "test/examples/deploy.test.ts": () => code("test/examples/deploy.test.ts")
}

/** README.md as it is, and as it should be. */
export const readme = async (): Promise<{ readonly present: string; readonly current: string }> => {
  const present = await readFile(path("README.md"), "utf8")
  let current = present
  for (const [name, part] of Object.entries(parts)) {
    const [before, rest] = current.split(`<!-- ${name} -->\n`)
    const after = rest?.split(`<!-- /${name} -->`)[1]
    if (after === undefined) throw new Error(`README.md has no place for "${name}"`)
    current = `${before}<!-- ${name} -->\n\n${await part()}\n\n<!-- /${name} -->${after}`
  }
  return { present, current }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await writeFile(path("README.md"), (await readme()).current)
}
