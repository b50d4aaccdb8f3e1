import { assert, it } from "@effect/vitest"
import { code, codeBlock, table } from "../../../scripts/docs/markdown.ts"

it("a table has its head above a line, and a bar in a cell ends no cell", () => {
  assert.strictEqual(table([["A", "B"], ["1", "x | y"]]), "| A | B |\n| --- | --- |\n| 1 | x \\| y |")
})

it("a block of code has its language and no empty last line", () => {
  assert.strictEqual(codeBlock("ts", `${code("x")}\n`), "```ts\n`x`\n```")
})
