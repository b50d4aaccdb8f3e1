import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { helpOf, readCommandLine, type Script } from "../../scripts/commandLine.ts"

const script: Script<"bucket" | "dry-run" | "tag"> = {
  command: "npm run ship",
  purpose: "Ships.\n\nIt takes a while.",
  options: {
    bucket: {
      kind: "value",
      value: "BUCKET",
      text:
        "The bucket that all of it goes to, in a sentence so long that it needs more than the one line it begins on.",
      otherwise: "the only one"
    },
    "dry-run": { text: "Does nothing." },
    tag: { kind: "values", value: "KEY=VALUE", text: "A tag." }
  },
  examples: ["npm run ship -- --bucket mine"],
  status: "0 shipped, 1 failed, 2 the command line is wrong"
}

describe("readCommandLine", () => {
  it.effect("reads flags, values and repeated values", () =>
    Effect.gen(function*() {
      const { flags, values } = yield* readCommandLine(script, [
        "--dry-run",
        "--tag",
        "a=1",
        "--tag=b=2",
        "--bucket=--x"
      ])
      assert.deepStrictEqual([...flags], ["dry-run"])
      assert.deepStrictEqual(values, { tag: ["a=1", "b=2"], bucket: ["--x"] })
    }))

  it.effect.each<readonly [args: ReadonlyArray<string>, message: string]>([
    [["--buckt", "x"], "--buckt is not an option; did you mean --bucket?"],
    [["--zzzzzzzzz"], "--zzzzzzzzz is not an option; known are --bucket, --dry-run, --tag, --help"],
    [["--bucket", "--dry-run"], "--bucket needs a value; if it is \"--dry-run\", write --bucket=--dry-run"],
    [["--bucket"], "--bucket needs a value"],
    [["--bucket", "a", "--bucket", "b"], "--bucket is given twice"],
    [["--dry-run=yes"], "--dry-run takes no value"],
    [["here"], "\"here\" is not expected: npm run ship takes only options; see --help"]
  ])("rejects %j: %s", ([args, message]) =>
    Effect.gen(function*() {
      assert.strictEqual((yield* Effect.flip(readCommandLine(script, args))).message, message)
    }))
})

it("the help has the purpose, every option with its default, examples and the exit status", () => {
  assert.strictEqual(
    helpOf(script),
    `Usage: npm run ship -- [options]

Ships.

It takes a while.

  --bucket BUCKET  The bucket that all of it goes to, in a sentence so long that it needs more than the one line it
                   begins on. Default: the only one.
  --dry-run        Does nothing.
  --tag KEY=VALUE  A tag. Can be repeated.
  --help           Print this text.

Examples:
  npm run ship -- --bucket mine

Exit status: 0 shipped, 1 failed, 2 the command line is wrong.
`
  )
})

it("the help fits a narrow terminal", () => {
  assert.strictEqual(
    helpOf({ ...script, examples: ["npm run ship -- --bucket a-long-name --tag a=1 --tag b=2 --dry-run > log"] }, 60),
    `Usage: npm run ship -- [options]

Ships.

It takes a while.

  --bucket BUCKET  The bucket that all of it goes to, in a
                   sentence so long that it needs more than
                   the one line it begins on. Default: the
                   only one.
  --dry-run        Does nothing.
  --tag KEY=VALUE  A tag. Can be repeated.
  --help           Print this text.

Examples:
  npm run ship -- --bucket a-long-name --tag a=1 \\
      --tag b=2 --dry-run > log

Exit status: 0 shipped, 1 failed, 2 the command line is
wrong.
`
  )
  assert.include(
    helpOf(script, 40),
    `  --tag KEY=VALUE
      A tag. Can be repeated.
`
  )
})
