import { assert, it } from "@effect/vitest"
import { ArtifactNotFound } from "../../../src/domain/job/ArtifactErrors.ts"

it.each<readonly ["input" | "output", ReadonlyArray<string>, string]>([
  ["input", [], "Input artifact named \"Build\" not found in event. The action's input artifacts are: none"],
  [
    "output",
    ["X", "Y"],
    "Output artifact named \"Build\" not found in event. The action's output artifacts are: \"X\", \"Y\""
  ],
  ["input", ["X", "Built"], "Input artifact named \"Build\" not found in event. Did you mean \"Built\"?"]
])("an %s artifact that is not among %j is reported: %s", (direction, known, message) => {
  assert.strictEqual(new ArtifactNotFound({ artifact: "Build", direction, known }).message, message)
})
