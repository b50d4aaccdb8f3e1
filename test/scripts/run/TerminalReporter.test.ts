import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { PassThrough } from "node:stream"
import { stripVTControlCharacters } from "node:util"
import { makeTerminalReporter, type TerminalReporter } from "../../../scripts/run/TerminalReporter.ts"
import { JobOutcome } from "../../../src/domain/job/JobOutcome.ts"

const still = (words: string, percentComplete = 10) =>
  JobOutcome.Continued({
    message: `Stack update still in progress: ${words}`,
    percentComplete,
    continuationToken: words
  })

/** What comes out of a reporter, on a terminal or not. */
const written = (tell: (reporter: TerminalReporter) => Effect.Effect<void>, terminal = {}) =>
  Effect.gen(function*() {
    const out = Object.assign(new PassThrough(), terminal) as unknown as NodeJS.WriteStream & PassThrough
    yield* tell(yield* makeTerminalReporter(out))
    return String(out.read() ?? "")
  }).pipe(Effect.scoped)

describe("said", () => {
  it.effect("has a line for what is new, and none for what has only lasted longer", () =>
    Effect.gen(function*() {
      const text = yield* written(({ said }) =>
        Effect.forEach(
          [
            still("1 of 3 resources, waiting for A (AWS::S3::Bucket, 59 s)"),
            still("1 of 3 resources, waiting for A (AWS::S3::Bucket, 1 min)"),
            still("1 of 3 resources, waiting for A (AWS::S3::Bucket, 1 h 2 min)"),
            still("2 of 3 resources, waiting for B (AWS::S3::Bucket, 3 s)"),
            still("2 of 3 resources, waiting for B (AWS::S3::Bucket, 3 s)", 66),
            JobOutcome.Succeeded({ message: "Stack update complete" })
          ],
          said,
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
    [60, "    ⠋ Stack update still in progress: waiting for A (AWS::S"]
  ])(
    "shows on a terminal of %d columns how long it lasts, until it is over",
    ([columns, frame]) =>
      Effect.gen(function*() {
        const text = yield* written(({ said }) =>
          Effect.gen(function*() {
            yield* said(still("waiting for A (AWS::S3::Bucket, 3 s)"))
            yield* said(still("waiting for A (AWS::S3::Bucket, 6 s)"))
            yield* TestClock.adjust("1 second")
            yield* said(JobOutcome.Succeeded({ message: "Stack update complete" }))
            yield* TestClock.adjust("1 second")
          }), { isTTY: true, columns })
        const [first, ...rewritten] = stripVTControlCharacters(text).split(/[\r\n]+/)
        assert.match(first ?? "", /3 s\) \(10 %\)$/)
        assert.include(rewritten, frame)
        assert.match(rewritten.join("\n"), /Stack update complete\n$/)
      })
  )
})
