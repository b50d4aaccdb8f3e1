import { FailureType as SdkFailureType } from "@aws-sdk/client-codepipeline"
import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Result, Schema } from "effect"
import {
  failed,
  FailureType,
  jobLimits,
  JobOutcome,
  mapTexts,
  OutputVariablesInvalid,
  truncate,
  withinLimits
} from "../../../src/domain/job/JobOutcome.ts"

/** Letters of one to four UTF-8 bytes, half of a letter's two units among them. */
const Letter = Schema.Literals(["a", "é", "→", "😀", "\uD83D", "\uDE00", "\n"])
const Text = Arbitrary.map(Arbitrary.schema(Schema.Array(Letter)), (letters) => letters.join(""))

/** Short, about as long as a limit, and far longer. */
const LongText = Arbitrary.map(
  Arbitrary.schema(
    Schema.Tuple([Letter, Schema.Literals([0, 1, 750, 1_024, 1_500, 2_049, 2_500, 5_001, 20_000]), Schema.String])
  ),
  ([letter, times, rest]) => letter.repeat(times) + rest
)

const isWellFormed = (text: string) => !/\p{Surrogate}/u.test(text)

describe("truncate", () => {
  const Limit = Schema.Int.check(Schema.isBetween({ minimum: 8, maximum: 40 }))

  it.prop("never exceeds the limit, and uses all of it except for half a character", [Text, Limit], ([text, limit]) => {
    const { length } = truncate(text, limit)
    assert.isAtMost(length, limit)
    assert.isAtLeast(length, Math.min(text.length, limit - 1))
  })

  it.prop("does not change a text within the limit", [Text], ([text]) => {
    assert.strictEqual(truncate(text, text.length), text)
  })

  it.prop("adds a mark at the cut and changes nothing before it", [Text, Limit], ([text, limit]) => {
    const cut = truncate(text, limit)
    if (cut === text) return
    assert.isTrue(cut.endsWith(" … (cut)"))
    assert.isTrue(text.startsWith(cut.slice(0, -" … (cut)".length)))
  })

  it("keeps a surrogate pair before the cut", () => {
    assert.strictEqual(truncate("😀aa and more", 12), "😀aa … (cut)")
  })

  it.prop("splits no surrogate pair", [Text, Limit], ([text, limit]) => {
    if (isWellFormed(text)) assert.isTrue(isWellFormed(truncate(text, limit)))
  })
})

const assertIdentifier = (id: string | undefined) => {
  if (id === undefined) return
  assert.isAtLeast(id.length, 1)
  assert.isAtMost(id.length, 1_500)
}

describe("withinLimits", () => {
  const progress = {
    message: LongText,
    externalExecutionId: LongText,
    percentComplete: Arbitrary.schema(Schema.Union([Schema.Finite, Schema.Literals([-0.4, 49.5, 99.5, 101])]))
  }
  const Succeeded = Arbitrary.map(Arbitrary.all(progress), JobOutcome.Succeeded)
  const Continued = Arbitrary.map(
    Arbitrary.all({ ...progress, continuationToken: Arbitrary.schema(Schema.NonEmptyString) }),
    JobOutcome.Continued
  )
  const Failed = Arbitrary.map(
    Arbitrary.all({ type: Arbitrary.schema(FailureType), message: LongText, externalExecutionId: LongText }),
    JobOutcome.Failed
  )

  it.prop("every text and number of a result is within CodePipeline's limits", [Succeeded, Continued], (outcomes) => {
    for (const outcome of outcomes) {
      const limited = Result.getOrThrow(withinLimits(outcome))
      assert.strictEqual(limited._tag, outcome._tag)
      assert.isAtMost(limited.message.length, 2_048)
      assertIdentifier(limited.externalExecutionId)
      if (limited._tag === "Failed" || limited.percentComplete === undefined) return
      assert.isTrue(Number.isInteger(limited.percentComplete))
      assert.isAtLeast(limited.percentComplete, 0)
      assert.isAtMost(limited.percentComplete, 100)
    }
  })

  it.prop("every text of a failure is within CodePipeline's limits", [Failed], ([outcome]) => {
    const limited = Result.getOrThrow(withinLimits(outcome))
    assert.isAtLeast(limited.message.length, 1)
    assert.isAtMost(limited.message.length, 5_000)
    assertIdentifier(limited.externalExecutionId)
  })

  it.prop("is idempotent", [Succeeded, Continued, Failed], (outcomes) => {
    for (const outcome of outcomes) {
      const once = Result.getOrThrow(withinLimits(outcome))
      assert.deepStrictEqual(Result.getOrThrow(withinLimits(once)), once)
    }
  })

  it.each([
    [undefined, undefined],
    [Number.NaN, undefined],
    [-3, 0],
    [49.5, 50],
    [100, 100],
    [Infinity, 100]
  ])("a progress of %s is %s percent", (percentComplete, expected) => {
    const limited = Result.getOrThrow(withinLimits(JobOutcome.Succeeded({ message: "", percentComplete })))
    assert.propertyVal(limited, "percentComplete", expected)
  })

  it("an outcome within the limits does not change", () => {
    const outcome = JobOutcome.Continued({
      message: "Stack update started",
      externalExecutionId: "arn:stack",
      percentComplete: 10,
      continuationToken: "{}"
    })
    assert.deepStrictEqual(Result.getOrThrow(withinLimits(outcome)), outcome)
  })
})

const withVariables = (outputVariables: Readonly<Record<string, string>>) =>
  withinLimits(JobOutcome.Succeeded({ message: "", outputVariables }))

it.each<readonly [outcome: JobOutcome, changed: object]>([
  [
    JobOutcome.Succeeded({ message: "a", externalExecutionId: "b", outputVariables: { c: "c" } }),
    { message: "A", externalExecutionId: "B", outputVariables: { c: "C" } }
  ],
  [JobOutcome.Succeeded({ message: "a" }), { message: "A" }],
  [JobOutcome.Succeeded({ message: "a", outputVariables: undefined }), { message: "A" }],
  [JobOutcome.Continued({ message: "a", continuationToken: "d" }), { message: "A", continuationToken: "d" }],
  [JobOutcome.Failed({ type: "JobFailed", message: "a" }), { type: "JobFailed", message: "A" }]
])("mapTexts changes the texts for people, and nothing else: %j", (outcome, changed) => {
  assert.deepInclude(mapTexts(outcome, (text) => text.toUpperCase()), changed as never)
})

describe("output variables", () => {
  it.each([
    [{}],
    [{ StackId: "arn", "a@b-c_9": "" }],
    [{ a: "x".repeat(122_879) }],
    [{ ab: "é".repeat(61_439) }]
  ])("are taken (case %#)", (variables) => {
    assert.deepInclude(Result.getOrThrow(withVariables(variables)), { outputVariables: variables })
  })

  it.each([
    [{ a: "x".repeat(122_880) }, "they have 122881 bytes, CodePipeline allows 122880"],
    [{ a: "é".repeat(61_440) }, "they have 122881 bytes, CodePipeline allows 122880"],
    [{ good: "", "not good": "" }, "the name \"not good\" may only have letters, digits, \"@\", \"-\" and \"_\""],
    [{ "": "" }, "the name \"\" may only have letters, digits, \"@\", \"-\" and \"_\""],
    [{ "a\n": "" }, "the name \"a\n\" may only have letters, digits, \"@\", \"-\" and \"_\""]
  ])("are refused with the reason (case %#)", (variables, reason) => {
    const result = withVariables(variables)
    assert.deepStrictEqual(result, Result.fail(new OutputVariablesInvalid({ reason })))
    if (Result.isFailure(result)) assert.include(result.failure.message, reason)
  })
})

it("the failure types are those of CodePipeline", () => {
  assert.sameMembers([...FailureType.literals], Object.values(SdkFailureType))
})

it("a failure always has a message and never an empty identifier", () => {
  assert.deepStrictEqual(
    failed({ type: "JobFailed", message: "", externalExecutionId: "" }),
    JobOutcome.Failed({
      type: "JobFailed",
      message: "The action failed without a message",
      externalExecutionId: undefined
    })
  )
})

it("the limits are those of CodePipeline's API", () => {
  assert.deepStrictEqual(jobLimits, {
    continuationToken: 2_048,
    summary: 2_048,
    externalExecutionId: 1_500,
    failureMessage: 5_000,
    outputVariables: 122_880
  })
})
