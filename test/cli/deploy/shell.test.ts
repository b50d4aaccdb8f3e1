import { assert, it } from "@effect/vitest"
import { execFileSync } from "node:child_process"
import { quoted, word } from "../../../src/cli/deploy/shell.ts"

/** What a shell passes to a program. */
const echo = (argument: string) => execFileSync("sh", ["-c", `printf %s ${argument}`], { encoding: "utf8" })

it.each(["it's", "$(date) `date` \\ \"", "a b", "src/greet.ts", "*", ""])("a shell reads %j as it is", (text) => {
  assert.strictEqual(echo(quoted(text)), text)
  assert.strictEqual(echo(word(text)), text)
})

it("a path is not in quotes unless it has to be", () => {
  assert.strictEqual(word("src/greet.ts"), "src/greet.ts")
  assert.strictEqual(word("my actions/greet.ts"), "'my actions/greet.ts'")
})
