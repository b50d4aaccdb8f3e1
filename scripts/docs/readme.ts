// npm run readme: writes the generated parts of README.md, of the pages in docs/, and of the functions' template.
import * as Effect from "effect/Effect"
import { execFile } from "node:child_process"
import { readFile, writeFile } from "node:fs/promises"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import * as Telemetry from "../../src/runtime/Telemetry.ts"
import { runScript, type Script } from "../commandLine.ts"
import { functionNames } from "../permissions.ts"
import {
  optionSections,
  permissionSections,
  statefulTypeList,
  statusClasses,
  statusTable,
  userParametersModule
} from "./deployStack.ts"
import * as deployStackSet from "./deployStackSet.ts"
import { code, codeBlock, table } from "./markdown.ts"
import { minimalPolicy, statementsInTemplate, targetPolicy } from "./policies.ts"

const path = (relative: string) => fileURLToPath(new URL(`../../${relative}`, import.meta.url))

const example = async (file: string) => codeBlock("ts", await readFile(path(file), "utf8"))

/** The help of a subcommand. */
const helpOfCommand = async (subcommand: string) => {
  const { stdout } = await promisify(execFile)(process.execPath, [path("src/cli/main.ts"), subcommand, "--help"], {
    env: { COLUMNS: "100" }
  })
  return codeBlock("text", stdout)
}

const codes = (names: ReadonlyArray<string>) => names.map(code).join(", ")

const telemetryTable = () => {
  const { job, ...invocations } = Telemetry.spans
  return [
    table([
      ["Span", "Of"],
      [code(job), "one job, from its event to its report"],
      [codes(Object.values(invocations)), "one invocation of the action, inside that of the job"],
      ["`cloudformation:CreateStack`, …", "one AWS call, by its name in IAM, with all its retries"]
    ]),
    table([["Attribute", ""], ...Object.entries(Telemetry.attributes).map(([name, words]) => [code(name), words])]),
    table([
      ["Counter", "Of", "By"],
      [
        code(Telemetry.jobs.id),
        "jobs",
        "`action`, `result`: `Succeeded`, `Continued`, `Failed`, `NotOpen`, `Unreported`"
      ],
      [
        code(Telemetry.awsCalls.id),
        "AWS calls",
        "`operation`, `result`: `Succeeded`, `AwsUnavailable`, `AwsDenied`, `AwsRejected`, `Interrupted`"
      ],
      [code(Telemetry.awsRetries.id), "retries of AWS calls", "`operation`"]
    ])
  ].join("\n\n")
}

type Parts = Readonly<Record<string, () => string | Promise<string>>>

const examples = (...files: ReadonlyArray<string>): Parts =>
  Object.fromEntries(
    files.map((name) => name.includes("/") ? name : `test/examples/${name}`).map((file) => [file, () => example(file)])
  )

/** Each part is between `<!-- NAME -->` and `<!-- /NAME -->` in its page. */
const pageParts: Readonly<Record<string, Parts>> = {
  "README.md": examples("src/cli/init/project/src/readVersion.ts"),
  "docs/deploy-stack/options.md": { options: optionSections },
  "docs/deploy-stack/permissions.md": {
    "minimal policy": () => codeBlock("json", JSON.stringify(minimalPolicy("deploy-stack"))),
    "further permissions": permissionSections
  },
  "docs/deploy-stack/plans.md": { "stateful types": statefulTypeList },
  "docs/deploy-stack-set.md": {
    options: deployStackSet.optionSections,
    "minimal policy": () => codeBlock("json", JSON.stringify(minimalPolicy("deploy-stack-set"))),
    "further permissions": deployStackSet.permissionSections
  },
  "docs/deploy-stack/other-accounts.md": {
    "target policy": () => codeBlock("json", JSON.stringify(targetPolicy()))
  },
  "docs/deploy-stack/statuses.md": { "status table": statusTable, "status classes": statusClasses },
  "docs/operations/observability.md": { "telemetry table": telemetryTable },
  "docs/library/embedding.md": examples("embed.ts"),
  "docs/check-webpage.md": {
    "minimal policy": () => codeBlock("json", JSON.stringify(minimalPolicy("check-webpage")))
  },
  "docs/operations/deploying.md": {
    "deploy help": () => helpOfCommand("deploy"),
    ...examples("permissions.ts", "scripts/packaging/cdk/app.ts")
  },
  "docs/library/own-actions.md": examples(
    "greet.ts",
    "greet.test.ts",
    "approval.ts",
    "transform.ts",
    "notify.ts",
    "backup.ts",
    "runTask.ts",
    "swap.ts",
    "deploy.test.ts"
  )
}

/** Each part is between `# <NAME>` and `# </NAME>` in the template. */
const templateParts: Parts = Object.fromEntries(
  functionNames.map((name) => [`${name} statements`, () => statementsInTemplate(name)])
)

/** A file's text now, and as generated. */
interface Generated {
  readonly path: string
  readonly present: string
  readonly current: string
}

/** The text as `npm run format:write` leaves it, so that `npm run readme` needs no rule of formatting. */
const format = async (file: string, text: string): Promise<string> => {
  const formatting = promisify(execFile)(process.execPath, [
    path("node_modules/dprint/bin.cjs"),
    "fmt",
    "--stdin",
    file
  ], {
    cwd: path("."),
    maxBuffer: Infinity
  })
  formatting.child.stdin?.end(text)
  return (await formatting).stdout
}

const generate = async (
  file: string,
  parts: Parts,
  marks: (name: string) => readonly [open: string, close: string]
): Promise<Generated> => {
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

export const pages = (): Promise<ReadonlyArray<Generated>> =>
  Promise.all(
    Object.entries(pageParts).map(async ([page, parts]) => {
      const { current, present } = await generate(page, parts, (name) => [
        `<!-- ${name} -->\n\n`,
        `\n\n<!-- /${name} -->`
      ])
      return { path: page, present, current: await format(page, current) }
    })
  )

export const functionsTemplate = (): Promise<Generated> =>
  generate("scripts/templates/functions.yaml", templateParts, (name) => [
    `# <${name}>\n`,
    `${" ".repeat(14)}# </${name}>`
  ])

/** A module with a docstring for each option. */
export const userParameters = async (): Promise<Generated> => {
  const file = "src/actions/deployStack/UserParameters.ts"
  const [present, current] = await Promise.all([readFile(path(file), "utf8"), format(file, userParametersModule())])
  return { path: file, present, current }
}

const script: Script<never> = {
  command: "npm run readme",
  purpose:
    "Writes the generated parts of README.md, of the pages in docs/, and of scripts/templates/functions.yaml, and " +
    "the interface of deploy-stack's UserParameters. A test fails when they differ from the code.",
  options: {},
  examples: ["npm run readme"],
  status: "0 all parts are written, 1 one could not be written, 2 the command line is wrong"
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await runScript(
    script,
    () =>
      Effect.promise(async () => {
        for (const { current, path: file } of [...await pages(), await functionsTemplate(), await userParameters()]) {
          await writeFile(path(file), current)
        }
      })
  )
}
