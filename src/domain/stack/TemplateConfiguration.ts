// The template configuration file of CodePipeline's own CloudFormation action: what a stack gets besides its template
// (page "CloudFormation artifacts" of the CloudFormation user guide).
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { problems } from "../text/problems.ts"
import { ParameterValues } from "./StackParameters.ts"
import { StackTags } from "./StackTags.ts"
import * as Template from "./Template.ts"

/** How many bytes of JSON CloudFormation takes as a stack policy. */
export const maxPolicyBytes = 16_384

const StackPolicy = Schema.Record(Schema.String, Schema.Json).check(
  Schema.makeFilter((policy) => new TextEncoder().encode(JSON.stringify(policy)).length <= maxPolicyBytes, {
    expected: `a stack policy of at most ${maxPolicyBytes} bytes`
  })
)

/** All of it is optional. In `Parameters` the functions of `parameters` work too: UserParameters hold few characters. */
export const TemplateConfiguration = Schema.Struct({
  Parameters: Schema.optionalKey(ParameterValues),
  Tags: Schema.optionalKey(StackTags),
  StackPolicy: Schema.optionalKey(StackPolicy)
})
export type TemplateConfiguration = typeof TemplateConfiguration.Type

const parse = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Unknown))
const decodeValue = Schema.decodeUnknownResult(TemplateConfiguration)

/** The configuration, or all that is wrong with the file. */
export const decode = (file: Uint8Array): Result.Result<TemplateConfiguration, ReadonlyArray<string>> =>
  Template.decode(file).pipe(
    Result.flatMap(({ text }) => Result.fromOption(parse(text), () => "it is not JSON")),
    Result.mapError((problem) => [problem]),
    Result.flatMap((value) =>
      decodeValue(value, { errors: "all", onExcessProperty: "error" }).pipe(
        Result.mapError(({ issue }) => problems("the file", issue, value))
      )
    )
  )
