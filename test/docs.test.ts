// The documents are true: their JSON is accepted, their commands exist, and every error has a heading.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { globSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { optionSections, statusClasses } from "../scripts/docs/deployStack.ts"
import { CheckWebpage } from "../src/actions/checkWebpage/CheckWebpage.ts"
import { DeployStack } from "../src/actions/deployStack/DeployStack.ts"
import { options } from "../src/actions/deployStack/Parameters.ts"
import { DeployStackSet } from "../src/actions/deployStackSet/DeployStackSet.ts"
import * as UserParameters from "../src/domain/job/UserParameters.ts"
import { StackStatus } from "../src/domain/stack/StackStatus.ts"
import { runInOneProcess } from "./scripts/inOneProcess.ts"

const repository = fileURLToPath(new URL("..", import.meta.url))
const documents = [
  "README.md",
  "CONTRIBUTING.md",
  ...globSync("docs/**/*.md", { cwd: repository, exclude: ["docs/api"] })
]
const read = (file: string) => readFileSync(join(repository, file), "utf8")

/** The blocks of code in a language, without their indentation. */
const blocks = (text: string, language: string): ReadonlyArray<string> =>
  Array.from(
    text.matchAll(new RegExp(`^( *)\`\`\`${language}\\n(.*?)^\\1\`\`\``, "gms")),
    ([, indent = "", code = ""]) => code.replaceAll(new RegExp(`^${indent}`, "gm"), "")
  )

const isObject = Schema.is(Schema.Record(Schema.String, Schema.Unknown))

describe("the documents", () => {
  it.effect("have only JSON that parses, and UserParameters that the actions accept", () =>
    Effect.gen(function*() {
      let accepted = 0
      for (const file of documents) {
        for (const text of blocks(read(file), "json")) {
          const value: unknown = JSON.parse(text)
          if (!isObject(value)) continue
          const action = "stack" in value
            ? DeployStack
            : "stackSet" in value
            ? DeployStackSet
            : "url" in value
            ? CheckWebpage
            : undefined
          if (action === undefined) continue
          // The ARN that the variable stands for.
          const filled = text.replaceAll("#{Plan.ChangeSetId}", "arn:aws:cloudformation:eu-west-1:1:changeSet/Next/1")
          yield* Effect.catch(
            UserParameters.decode<unknown>(action.parameters, filled),
            ({ message }) => Effect.sync(() => assert.fail(`${file}: ${message}\n${text}`))
          )
          accepted++
        }
      }
      assert.isAtLeast(accepted, 8)
    }))

  it("name only subcommands and options of the command that exist", async () => {
    const subcommands = ["run", "event", "build", "deploy", "cache", "init"]
    const printed = await runInOneProcess(subcommands.map((name) => ["src/cli/main.ts", name, "--help"]), [])
    const options = new Map(subcommands.map((name, index) => [
      name,
      new Set(Array.from(printed[index]?.stdout.matchAll(/^  (--[a-z-]+)/gm) ?? [], ([, option = ""]) => option))
    ]))
    let checked = 0
    for (const file of documents) {
      const lines = read(file).replaceAll("\\\n", " ").split("\n")
      for (const line of lines) {
        const [, name = "", rest = ""] = /^ *(?:- )?npx effect-codepipeline (?!--)(\S+)(.*)$/.exec(line) ?? []
        if (name === "") continue
        const known = options.get(name) ?? assert.fail(`${file}: ${name} is not a subcommand`)
        const given = Array.from(rest.matchAll(/(?:^| )(--[a-z-]+)/g), ([, option = ""]) => option)
        assert.deepStrictEqual(given.filter((option) => !known.has(option)), [], `${file}: ${line}`)
        checked++
      }
    }
    assert.isAtLeast(checked, 6)
  })

  // Between marks, a block is generated from a file that is compiled: the CDK app by npm run package.
  it("have only TypeScript that is compiled", () => {
    const others: Array<string> = []
    let compiled = 0
    for (const file of documents) {
      for (const [, mark, code = ""] of read(file).matchAll(/^(<!-- \S+\.ts -->\n\n)?```ts\n(.*?)^```/gms)) {
        if (mark === undefined) others.push(code)
        else compiled++
      }
    }
    assert.deepStrictEqual(others, [])
    assert.isAtLeast(compiled, 12)
  })

  // A longer line scrolls sideways on GitHub. Output stays as it is printed.
  it("have no line over 99 characters in code that a reader copies", () => {
    const languages = ["fish", "hcl", "json", "sh", "ts", "yaml"]
    for (const file of documents) {
      const lines = languages.flatMap((language) => blocks(read(file), language)).join("").split("\n")
      assert.deepStrictEqual(lines.filter(({ length }) => length > 99), [], file)
    }
  })

  it("have no table and no code with a line over 99 characters in the README, which has at most 150 lines", () => {
    const text = read("README.md")
    const lines = text.split("\n")
    const code = Array.from(text.matchAll(/^```(.*?)^```/gms), ([block]) => block).join("").split("\n")
    const wide = lines.filter((line) => line.startsWith("|")).concat(code).filter(({ length }) => length > 99)
    assert.deepStrictEqual(wide, [])
    assert.isAtMost(lines.length, 150)
  })
})

describe("the troubleshooting page", () => {
  const page = read("docs/operations/troubleshooting.md")
  const headings = Array.from(page.matchAll(/^### .* \((\w+)\)$/gm), ([, tag = ""]) => tag)

  /** The errors of JobRunner itself, which no action maps. */
  const ofRunner = [
    "UserParametersInvalid",
    "JobInvalid",
    "OutOfTime",
    "TimedOut",
    "StateTooLarge",
    "TokenUnknown",
    "OutputVariablesInvalid",
    "JobNotOpen",
    "NotAJobEvent"
  ]

  it("has a heading for every error that can fail a job, and for no other", () => {
    const errors = [
      ...Object.keys(DeployStack.failures),
      ...Object.keys(DeployStackSet.failures),
      ...Object.keys(CheckWebpage.failures),
      ...ofRunner
    ]
    assert.sameMembers(headings, [...new Set(errors)])
  })

  it("has one heading for each error", () => {
    assert.strictEqual(new Set(headings).size, headings.length)
  })
})

describe("the reference of deploy-stack", () => {
  it("has a heading for every option", () => {
    for (const name of Object.keys(options)) assert.include(optionSections(), `## \`${name}\`\n`)
  })

  it("has every status of a stack in exactly one class", () => {
    const classes = statusClasses()
    for (const status of StackStatus.literals) {
      assert.strictEqual(classes.match(new RegExp(`\`${status}\``, "g"))?.length, 1, status)
    }
  })
})
