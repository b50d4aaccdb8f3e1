// npm run readme: writes the parts of README.md, of the pages in docs/, and of the template of the functions, that come
// from the code.
import * as Effect from "effect/Effect"
import { readFile, writeFile } from "node:fs/promises"
import { fileURLToPath } from "node:url"
import { options, type OptionText } from "../../src/actions/deployStack/Parameters.ts"
import { Evidence } from "../../src/domain/stack/StackEvents.ts"
import * as StackPlan from "../../src/domain/stack/StackPlan.ts"
import { StackStatus } from "../../src/domain/stack/StackStatus.ts"
import * as Telemetry from "../../src/runtime/Telemetry.ts"
import { helpOf, runScript, type Script } from "../commandLine.ts"
import { script as deployScript } from "../deploy/deployOptions.ts"
import { functionNames, furtherPermissions, minimalPolicy, templateStatements } from "../permissions.ts"

const path = (relative: string) => fileURLToPath(new URL(`../../${relative}`, import.meta.url))

const atStart = (mode: StackPlan.Mode, observation: StackPlan.Observation): string => {
  const decision = StackPlan.start(mode, { whenBusy: "fail", disableRollback: false }, observation)
  const step = decision._tag === "ReadEvents" ? decision.decide(Evidence.Foreign()) : decision
  return StackPlan.Start.$match(step, {
    Begin: ({ operation }) => `${operation} it`,
    Prepare: () => "make a change set",
    Execute: () => "execute the change set",
    NothingToDelete: () => "succeed",
    StackNotFound: () => "fail",
    Adopt: () => "watch it",
    Postpone: () => "wait, then look again",
    Refuse: () => "refuse"
  })
}

const whileWatched = (observation: StackPlan.Observation & { readonly _tag: "Present" }): string => {
  const decision = StackPlan.watch({ operation: "update", waitForCleanup: true, idleTooLong: false }, observation)
  const step = decision._tag === "ReadEvents"
    ? decision.decide(Evidence.Ended({ operation: "update", status: observation.status }))
    : decision
  return StackPlan.WatchDecision.$match(step, {
    Wait: () => "wait",
    Succeed: () => "succeed",
    Fail: () => "fail",
    Unproven: () => "fail",
    StackNotFound: () => "fail"
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
        changedInWindow: true,
        createdInWindow: false
      } as const
      const steps = shownModes.map((mode) => atStart(mode, observation))
      return [String(status)].concat(steps, whileWatched(observation))
    })
  ])

const optionTable = () =>
  table([
    ["Option", "Values", "Left out", "What it is for"],
    ...Object.entries(options).map(([name, { ast: { context } }]) => {
      const { description, otherwise, values } = (context?.annotations ?? {}) as Partial<OptionText>
      if (description === undefined || values === undefined || otherwise === undefined) {
        throw new Error(`The option "${name}" does not say what it is for, or what holds without it`)
      }
      return [`\`${name}\``, values, otherwise, description]
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

const quoted = (names: ReadonlyArray<string>) => names.map((name) => `\`${name}\``).join(", ")

const telemetryTable = () => {
  const { job, ...invocations } = Telemetry.spans
  return [
    table([
      ["Span", "Of"],
      [quoted([job]), "one job, from its event to its report"],
      [quoted(Object.values(invocations)), "one invocation of the action, inside that of the job"],
      ["`cloudformation:CreateStack`, …", "one call of AWS, by its name in IAM, with all its retries"]
    ]),
    table([["Attribute", ""], ...Object.entries(Telemetry.attributes).map(([name, words]) => [`\`${name}\``, words])]),
    table([
      ["Counter", "Of", "By"],
      [
        quoted([Telemetry.jobs.id]),
        "jobs",
        "`action`, `result`: `Succeeded`, `Continued`, `Failed`, `NotOpen`, `Unreported`"
      ],
      [
        quoted([Telemetry.awsCalls.id]),
        "calls of AWS",
        "`operation`, `result`: `Succeeded`, `AwsUnavailable`, `AwsDenied`, `AwsRejected`, `Interrupted`"
      ],
      [quoted([Telemetry.awsRetries.id]), "calls of AWS that were made again", "`operation`"]
    ])
  ].join("\n\n")
}

type Parts = Readonly<Record<string, () => string | Promise<string>>>

const examples = (...files: ReadonlyArray<string>): Parts =>
  Object.fromEntries(files.map((name) => {
    const file = `test/examples/${name}`
    return [file, () => code(file)]
  }))

/** Each part stands in its page between `<!-- NAME -->` and `<!-- /NAME -->`. */
const pageParts: Readonly<Record<string, Parts>> = {
  "README.md": {
    "option table": optionTable,
    "minimal policy": () => `\`\`\`json\n${minimalPolicy()}\n\`\`\``,
    "permission table": () => table(furtherPermissions()),
    "status table": statusTable,
    "telemetry table": telemetryTable,
    ...examples("embed.ts")
  },
  "docs/deploying.md": {
    "deploy help": () => `\`\`\`text\n${helpOf(deployScript).trimEnd()}\n\`\`\``
  },
  "docs/own-actions.md": examples(
    "greet.ts",
    "greet.test.ts",
    "approval.ts",
    "transform.ts",
    "notify.ts",
    "backup.ts",
    "deploy.test.ts"
  )
}

/** Each part stands in the template between `# <NAME>` and `# </NAME>`. */
const templateParts: Parts = Object.fromEntries(
  functionNames.map((name) => [`${name} statements`, () => templateStatements(name)])
)

/** A file as it is, and as it should be. */
interface File {
  readonly path: string
  readonly present: string
  readonly current: string
}

const renew = async (
  file: string,
  parts: Parts,
  marks: (name: string) => readonly [open: string, close: string]
): Promise<File> => {
  const present = await readFile(path(file), "utf8")
  let current = present
  for (const [name, part] of Object.entries(parts)) {
    const [open, close] = marks(name)
    const [before, rest] = current.split(open)
    const after = rest?.split(close.trim())[1]
    if (after === undefined) throw new Error(`${file} has no place for "${name}"`)
    current = `${before}${open}${await part()}${close}${after}`
  }
  return { path: file, present, current }
}

export const pages = () =>
  Promise.all(
    Object.entries(pageParts).map(([page, parts]) =>
      renew(page, parts, (name) => [`<!-- ${name} -->\n\n`, `\n\n<!-- /${name} -->`])
    )
  )

export const functionsTemplate = () =>
  renew("scripts/templates/functions.yaml", templateParts, (name) => [
    `# <${name}>\n`,
    `${" ".repeat(14)}# </${name}>`
  ])

const script: Script<never> = {
  command: "npm run readme",
  purpose: "Writes the parts of README.md, of the pages in docs/, and of scripts/templates/functions.yaml, that come " +
    "from the code. A test fails where they are not as the code has them.",
  options: {},
  examples: ["npm run readme"],
  status: "0 they are as the code says, 1 one could not be written, 2 the command line is wrong"
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await runScript(
    script,
    () =>
      Effect.promise(async () => {
        for (const { current, path: file } of [...await pages(), await functionsTemplate()]) {
          await writeFile(path(file), current)
        }
      })
  )
}
