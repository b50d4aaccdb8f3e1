import { assert, beforeAll, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { eventNames } from "./fixtures.ts"
import { runInOneProcess } from "./scripts/inOneProcess.ts"
import type { Printed } from "./scripts/runScripts.ts"

/** The rows of the table: file, action, outcome and description. */
const rows = readFileSync(new URL("../events/README.md", import.meta.url), "utf8")
  .split("\n")
  .filter((line) => line.startsWith("| ["))
  .map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()))
  .map(([link = "", action = "", outcome = "", about = ""]) => {
    const [, text = "", target] = /^\[`(.+)\.json`\]\((.+)\.json\)$/.exec(link) ?? []
    return { name: text, target, action, outcome, about }
  })

const preload = ["--import", fileURLToPath(new URL("cli/run/pages.ts", import.meta.url))]

/** What the command of each row prints. */
const printed = new Map<string, Printed>()

beforeAll(async () => {
  // Most of the time, the commands wait.
  const parts = [0, 1, 2].map((part) => rows.filter((_row, index) => index % 3 === part))
  await Promise.all(parts.map(async (part) => {
    const results = await runInOneProcess(
      part.map(({ action, name }) => ["src/cli/main.ts", "run", `events/${name}.json`, "--action", action]),
      preload
    )
    for (const [index, result] of results.entries()) printed.set(part[index]?.name ?? "", result)
  }))
})

const outcomeOf = ({ status, stderr, stdout }: Printed) => {
  if (status === 0 && /\nSucceeded after /.test(stdout)) return "succeeds"
  if (status === 2 && stderr.startsWith("This is not the event of a CodePipeline job: ")) {
    return "is rejected: NotAJobEvent"
  }
  const [, type] = /\n +failed +(\w+): [^]*\nFailed after /.exec(stdout) ?? []
  return status === 1 && type !== undefined ? `fails: ${type}` : assert.fail(`${status}: ${stderr}${stdout}`)
}

describe("events/README.md", () => {
  it("the table of events has every event once, in order, with a description", () => {
    assert.deepStrictEqual(rows.map(({ name }) => name), eventNames.toSorted())
    for (const { about, name, target } of rows) {
      assert.strictEqual(target, name)
      assert.notStrictEqual(about, "")
    }
  })

  it.each(rows)("npm start has the outcome of the table: $name, $action, $outcome", ({ name, outcome }) => {
    assert.strictEqual(outcomeOf(printed.get(name) ?? assert.fail(name)), outcome)
  })
})
