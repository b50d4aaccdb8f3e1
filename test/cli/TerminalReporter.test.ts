import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { PassThrough } from "node:stream"
import { stripVTControlCharacters } from "node:util"
import { makeTerminalReporter, type TerminalReporter } from "../../src/cli/TerminalReporter.ts"
import { JobOutcome } from "../../src/domain/job/JobOutcome.ts"

const inProgress = (text: string, percentComplete = 10) =>
  JobOutcome.Continued({
    message: `Stack update still in progress: ${text}`,
    percentComplete,
    continuationToken: text
  })

/** What a reporter writes, to a terminal or to something else. */
const written = (show: (reporter: TerminalReporter) => Effect.Effect<void>, terminal = {}) =>
  Effect.gen(function*() {
    const out = Object.assign(new PassThrough(), terminal) as unknown as NodeJS.WriteStream & PassThrough
    yield* show(yield* makeTerminalReporter(out))
    return String(out.read() ?? "")
  }).pipe(Effect.scoped)

describe("showOutcome", () => {
  it.effect("writes a line when the outcome changes, and none when only the elapsed time does", () =>
    Effect.gen(function*() {
      const text = yield* written(({ showOutcome }) =>
        Effect.forEach(
          [
            inProgress("1 of 3 resources, waiting for A (AWS::S3::Bucket, 59 s)"),
            inProgress("1 of 3 resources, waiting for A (AWS::S3::Bucket, 1 min)"),
            inProgress("1 of 3 resources, waiting for A (AWS::S3::Bucket, 1 h 2 min)"),
            inProgress("2 of 3 resources, waiting for B (AWS::S3::Bucket, 3 s)"),
            inProgress("2 of 3 resources, waiting for B (AWS::S3::Bucket, 3 s)", 66),
            JobOutcome.Succeeded({ message: "Stack update complete" })
          ],
          showOutcome,
          { discard: true }
        )
      )
      assert.deepStrictEqual(stripVTControlCharacters(text).match(/\(AWS.*|complete$/gm), [
        "(AWS::S3::Bucket, 59 s) (10 %)",
        "(AWS::S3::Bucket, 3 s) (10 %)",
        "(AWS::S3::Bucket, 3 s) (66 %)",
        "complete"
      ])
    }))

  it.effect.each<readonly [columns: number, frame: string]>([
    [120, "    ⠋ Stack update still in progress: waiting for A (AWS::S3::Bucket, 6 s)"],
    [60, "    ⠋ …ll in progress: waiting for A (AWS::S3::Bucket, 6 s)"],
    [20, "    ⠋ …Bucket, 6 s)"]
  ])(
    "shows the elapsed time on a terminal of %d columns until the action ends",
    ([columns, frame]) =>
      Effect.gen(function*() {
        const text = yield* written(({ showOutcome }) =>
          Effect.gen(function*() {
            yield* showOutcome(inProgress("waiting for A (AWS::S3::Bucket, 3 s)"))
            yield* showOutcome(inProgress("waiting for A (AWS::S3::Bucket, 6 s)"))
            yield* TestClock.adjust("1 second")
            yield* showOutcome(JobOutcome.Succeeded({ message: "Stack update complete" }))
            yield* TestClock.adjust("1 second")
          }), { isTTY: true, columns })
        const [first, ...rewritten] = stripVTControlCharacters(text).split(/[\r\n]+/)
        assert.match(first ?? "", /3 s\) \(10 %\)$/)
        assert.include(rewritten, frame)
        assert.match(rewritten.join("\n"), /Stack update complete\n$/)
      })
  )
})
