import { assert, describe, it } from "@effect/vitest"
import { AwsRejected } from "../../../src/domain/job/AwsError.ts"
import { toRequestError } from "../../../src/domain/stack/StackRequestErrors.ts"

const error = (code: string, detail: string) =>
  new AwsRejected({ operation: "cloudformation:CreateStack", code, detail })

const messageOf = (code: string, detail: string) =>
  toRequestError({ stack: "S", parameters: [{ name: "A", value: "x" }] }, error(code, detail)).message

describe("what is wrong with a request", () => {
  it("are the capabilities that CloudFormation names", () => {
    const reason = "Requires capabilities : [CAPABILITY_IAM, CAPABILITY_AUTO_EXPAND]"
    const found = toRequestError({ stack: "S" }, error("InsufficientCapabilitiesException", reason))
    assert.deepInclude(found, { required: ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"], reason })
    assert.strictEqual(found.message, `The template of stack "S" requires more capabilities: ${reason}`)
    assert.deepInclude(toRequestError({ stack: "S" }, error("InsufficientCapabilitiesException", "No")), {
      required: []
    })
  })

  it("are the parameters that the template does not have", () => {
    assert.strictEqual(
      messageOf("ValidationError", "Parameters: [A, B] do not exist in the template"),
      "The template of stack \"S\" does not have the parameters A, B"
    )
    assert.strictEqual(
      messageOf("ValidationError", "Parameter values specified for a template which does not require them."),
      "The template of stack \"S\" does not have the parameters A"
    )
    const none = toRequestError(
      { stack: "S" },
      error("ValidationError", "Parameter values specified for a template which does not require them.")
    )
    assert.deepInclude(none, { names: [] })
  })

  it("is otherwise the error itself", () => {
    const other = error("ValidationError", "Template format error")
    assert.strictEqual(toRequestError({ stack: "S" }, other), other)
  })
})
