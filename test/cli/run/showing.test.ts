import { assert, it } from "@effect/vitest"
import { interruption } from "../../../src/cli/run/showing.ts"

it.each<readonly [stack: string | undefined, status: string | undefined, isStarting: boolean, text: string]>([
  [undefined, undefined, false, "nothing was started"],
  ["S", undefined, false, "nothing is in progress on stack \"S\""],
  ["S", "UPDATE_COMPLETE", false, "nothing is in progress on stack \"S\""],
  [
    "S",
    undefined,
    true,
    "CloudFormation may have started to change stack \"S\". Run the same command to see how it ends"
  ],
  [
    "S",
    "UPDATE_IN_PROGRESS",
    false,
    "CloudFormation continues with stack \"S\", which is in UPDATE_IN_PROGRESS. Run the same command to see how it ends"
  ]
])(
  "an interruption says what CloudFormation does with stack %s (%s, starting: %s): %s",
  (stack, status, isStarting, text) => {
    assert.strictEqual(interruption({ stack, status, isStarting }), text)
  }
)

it("an interruption says of a module without a stack that its operations continue", () => {
  const known = { stack: undefined, status: undefined, isStarting: false }
  assert.strictEqual(interruption(known, "./backup.ts"), "what ./backup.ts has started continues")
})
