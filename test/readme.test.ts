import { assert, describe, it } from "@effect/vitest"
import { existsSync, globSync, readFileSync } from "node:fs"
import { join, normalize } from "node:path"
import { fileURLToPath } from "node:url"
import { pages, userParameters } from "../scripts/docs/readme.ts"

const repository = fileURLToPath(new URL("..", import.meta.url))

it("the generated parts of the documents are up to date; otherwise run npm run readme", async () => {
  for (const { current, present } of await pages()) assert.strictEqual(present, current)
})

it("the interface of deploy-stack's UserParameters is up to date; otherwise run npm run readme", async () => {
  const { current, present } = await userParameters()
  assert.strictEqual(present, current)
})

it("no example in the documents imports a file of this repository", async () => {
  for (const { current, path } of await pages()) {
    assert.deepStrictEqual(current.match(/^(?:import|\} from) .*"\.\.\/.*$/gm) ?? [], [], path)
  }
})

/** Documents of others, and generated ones. */
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

/** The anchors of headings on GitHub and npm. Repeated headings get a number. */
const anchorsOf = (text: string): ReadonlySet<string> => {
  const anchors = new Set<string>()
  for (const [, heading = ""] of text.matchAll(/^#+ (.+)$/gm)) {
    const anchor = heading.toLowerCase().replaceAll(/[^\p{L}\p{N}\-_ ]/gu, "").replaceAll(" ", "-")
    let unique = anchor
    for (let count = 1; anchors.has(unique); count++) unique = `${anchor}-${count}`
    anchors.add(unique)
  }
  return anchors
}

/** The broken links of a document to files of the repository and to headings. */
const brokenLinks = (file: string, text: string): ReadonlyArray<string> =>
  Array.from(text.matchAll(/\]\(([^)\s]+)\)/g), ([, target = ""]) => target).filter((target) => {
    if (/^[a-z]+:/.test(target)) return false
    const [path = "", anchor] = target.split("#")
    const linked = path === "" ? file : normalize(join(file, "..", path))
    if (!existsSync(join(repository, linked))) return true
    return anchor !== undefined && !anchorsOf(linked === file ? text : prose(linked)).has(anchor)
  })

describe("links", () => {
  it.each(documents)("of %s are not broken", (file) => {
    assert.deepStrictEqual(brokenLinks(file, prose(file)), [])
  })

  it("are checked in all documents", () => {
    assert.includeMembers(documents, [
      "README.md",
      "AGENTS.md",
      "CONTRIBUTING.md",
      "docs/library/own-actions.md",
      "docs/check-webpage.md",
      "docs/operations/deploying.md",
      "docs/internals/measurements.md",
      "events/README.md"
    ])
  })

  it("to missing files and headings are reported as broken", () => {
    const text =
      "# One\n\n# A `b`, c\n\n[1](#one) [2](#two) [3](src/no.ts) [4](README.md#no) [5](https://x.test/#y) [6](#a-b-c)"
    assert.deepStrictEqual(brokenLinks("CHANGELOG.md", text), ["#two", "src/no.ts", "README.md#no"])
  })
})
