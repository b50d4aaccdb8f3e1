import { assert, describe, it } from "@effect/vitest"
import { existsSync, globSync, readFileSync } from "node:fs"
import { join, normalize } from "node:path"
import { fileURLToPath } from "node:url"
import { pages } from "../scripts/docs/readme.ts"

const repository = fileURLToPath(new URL("..", import.meta.url))

it("the pages have what the code says; else: npm run readme", async () => {
  for (const { current, present } of await pages()) assert.strictEqual(present, current)
})

it("what is to be copied from the pages imports nothing that only this repository has", async () => {
  for (const { current, path } of await pages()) {
    assert.deepStrictEqual(current.match(/^(?:import|\} from) .*"\.\.\/.*$/gm) ?? [], [], path)
  }
})

/** Nobody else's, and nothing that is built. */
const exclude = [
  "**/node_modules",
  "coverage",
  "dist",
  "docs/api",
  "scripts/mutation/report",
  "scripts/mutation/sandbox"
]
const documents = globSync("**/*.md", { cwd: repository, exclude })

/** The text of a document without its code. */
const prose = (file: string) => readFileSync(join(repository, file), "utf8").replaceAll(/^( *)```.*?^\1```$/gms, "")

/** The anchors that GitHub and npm give to headings: another of the same words gets a number. */
const anchorsOf = (text: string): ReadonlySet<string> => {
  const anchors = new Set<string>()
  for (const [, heading = ""] of text.matchAll(/^#+ (.+)$/gm)) {
    const anchor = heading.toLowerCase().replaceAll(/[^\p{L}\p{N}\-_ ]/gu, "").replaceAll(" ", "-")
    let unique = anchor
    for (let again = 1; anchors.has(unique); again++) unique = `${anchor}-${again}`
    anchors.add(unique)
  }
  return anchors
}

/** What is wrong with the links of a document to files of the repository and to chapters. */
const brokenLinks = (file: string, text: string): ReadonlyArray<string> =>
  Array.from(text.matchAll(/\]\(([^)\s]+)\)/g), ([, target = ""]) => target).filter((target) => {
    if (/^[a-z]+:/.test(target)) return false
    const [path = "", anchor] = target.split("#")
    const linked = path === "" ? file : normalize(join(file, "..", path))
    if (!existsSync(join(repository, linked))) return true
    return anchor !== undefined && !anchorsOf(linked === file ? text : prose(linked)).has(anchor)
  })

describe("links", () => {
  it.each(documents)("of %s lead somewhere", (file) => {
    assert.deepStrictEqual(brokenLinks(file, prose(file)), [])
  })

  it("are looked at in all documents that are linked", () => {
    assert.includeMembers(documents, [
      "README.md",
      "AGENTS.md",
      "CONTRIBUTING.md",
      "docs/own-actions.md",
      "docs/check-webpage.md",
      "docs/deploying.md",
      "docs/measurements.md",
      "events/README.md"
    ])
  })

  it("to files and chapters that are not there are found", () => {
    const text =
      "# One\n\n# A `b`, c\n\n[1](#one) [2](#two) [3](src/no.ts) [4](README.md#no) [5](https://x.test/#y) [6](#a-b-c)"
    assert.deepStrictEqual(brokenLinks("CHANGELOG.md", text), ["#two", "src/no.ts", "README.md#no"])
  })
})
