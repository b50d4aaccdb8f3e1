import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Result, Schema } from "effect"
import { withinLimits } from "../../../src/domain/job/JobOutcome.ts"
import { file, type StackWithOutputs, variables } from "../../../src/domain/stack/StackOutputs.ts"

const id = "arn:aws:cloudformation:us-east-1:123456789012:stack/S/0"
const stackWith = (outputs: Readonly<Record<string, string>>): StackWithOutputs => ({ id, name: "S", outputs })

const stack = stackWith({ Url: "https://a.example", Name: "b" })

const failureOf = (...input: Parameters<typeof variables>) => Result.getOrThrow(Result.flip(variables(...input)))
const variablesOf = (...input: Parameters<typeof variables>) => Result.getOrThrow(variables(...input))

describe("variables", () => {
  it("the output variables are all outputs and the stack's id", () => {
    assert.deepStrictEqual(variablesOf(stack), { StackId: id, Url: "https://a.example", Name: "b" })
    assert.deepStrictEqual(variablesOf(stackWith({})), { StackId: id })
  })

  it("the output variables are the selected outputs, and always the stack's id", () => {
    assert.deepStrictEqual(variablesOf(stack, ["Name"]), { StackId: id, Name: "b" })
    assert.deepStrictEqual(variablesOf(stack, ["Name", "StackId", "Name"]), { StackId: id, Name: "b" })
    assert.deepStrictEqual(variablesOf(stack, []), { StackId: id })
  })

  it("an output named StackId keeps the template's value", () => {
    assert.deepStrictEqual(variablesOf(stackWith({ StackId: "mine" })), { StackId: "mine" })
    assert.deepStrictEqual(variablesOf(stackWith({ StackId: "mine", Url: "u" }), ["Url"]), {
      StackId: "mine",
      Url: "u"
    })
  })

  it("other variables are always among them, and an output of the same name overrides one if it is selected", () => {
    const more = { HasChanges: "true", StackId: "other" }
    assert.deepStrictEqual(Result.getOrThrow(variables(stack, ["Name"], more)), {
      HasChanges: "true",
      StackId: id,
      Name: "b"
    })
    assert.deepStrictEqual(Result.getOrThrow(variables(stack, ["HasChanges"], more)), {
      HasChanges: "true",
      StackId: id
    })
    const own = stackWith({ HasChanges: "mine" })
    assert.deepStrictEqual(Result.getOrThrow(variables(own, undefined, more)), { HasChanges: "mine", StackId: id })
    assert.deepStrictEqual(Result.getOrThrow(variables(own, [], more)), { HasChanges: "true", StackId: id })
  })

  it.each<readonly [name: string, outputs: Readonly<Record<string, string>>, advice: string]>([
    ["url", { Url: "", Name: "" }, "Did you mean \"Url\"?"],
    ["Queue", { Url: "", Name: "" }, "Its outputs are: \"Url\", \"Name\""],
    ["Queue", {}, "Its outputs are: none"],
    ["toString", {}, "Its outputs are: none"]
  ])("the missing output %s is reported with the outputs that exist: %j", (name, outputs, advice) => {
    const failure = failureOf(stackWith(outputs), ["StackId", name])
    assert.deepInclude(failure, { _tag: "OutputMissing", output: name, stackId: id })
    assert.strictEqual(
      failure.message,
      `Stack "S" is deployed, but has no output "${name}", which "outputs" in UserParameters asks for. ${advice}`
    )
  })

  it("output variables of more than 122,880 bytes are refused, with the option that selects fewer", () => {
    const room = 122_880 - `StackId${id}Long`.length
    const fits = stackWith({ Long: "x".repeat(room) })
    assert.strictEqual(variablesOf(fits)["Long"]?.length, room)
    const tooMany = stackWith({ Long: "x".repeat(room - 1) + "é", Url: "" })
    const failure = failureOf(tooMany)
    assert.deepInclude(failure, { _tag: "OutputsTooLarge", bytes: 122_880 + "Url".length + 1 })
    assert.include(failure.message, "\"outputs\": [\"Url\"] in UserParameters")
    assert.deepStrictEqual(variablesOf(tooMany, ["Url"]), { StackId: id, Url: "" })
  })
})

describe("file", () => {
  it("the file of outputs is a JSON object of all outputs and the stack's id", () => {
    assert.deepStrictEqual(JSON.parse(file(stack)), { StackId: id, Url: "https://a.example", Name: "b" })
  })
})

/** Names and values that CloudFormation allows. */
const Outputs = Schema.Record(Schema.String.check(Schema.isPattern(/^[a-zA-Z0-9]{1,255}$/)), Schema.String)

/** Outputs and some of their names. */
const Chosen = Arbitrary.map(
  Arbitrary.schema(Schema.Struct({ outputs: Outputs, picks: Schema.Array(Schema.Boolean) })),
  ({ outputs, picks }) => ({ outputs, names: Object.keys(outputs).filter((_, index) => picks[index]) })
)

it.prop(
  "selected output variables have the stack's values and are valid for CodePipeline",
  [Chosen],
  ([{ names, outputs }]) => {
    const chosen = variablesOf(stackWith(outputs), names)
    for (const [name, value] of Object.entries(chosen)) assert.strictEqual(value, { StackId: id, ...outputs }[name])
    assert.deepStrictEqual(new Set(Object.keys(chosen)), new Set(["StackId", ...names]))
    const outcome = withinLimits({ _tag: "Succeeded", message: "", outputVariables: chosen })
    assert.isTrue(Result.isSuccess(outcome))
  }
)

it.prop("the file of outputs has every value unchanged", [Outputs], ([outputs]) => {
  assert.deepStrictEqual(JSON.parse(file(stackWith(outputs))), { StackId: id, ...outputs })
})
