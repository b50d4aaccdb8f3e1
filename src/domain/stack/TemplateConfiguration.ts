// The template configuration file of CodePipeline's own CloudFormation action: what a stack gets besides its template.
// Source: page "CloudFormation artifacts" of the CloudFormation user guide.
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { notJson, parse } from "../text/json.ts"
import { problems } from "../text/problems.ts"
import { ParameterValues } from "./StackParameters.ts"
import { StackTags } from "./StackTags.ts"
import * as Template from "./Template.ts"

/** The maximum size of a stack policy in bytes of JSON. Source: API action SetStackPolicy. */
export const maxPolicyBytes = 16_384

const StackPolicy = Schema.Record(Schema.String, Schema.Json).check(
  Schema.makeFilter((policy) => new TextEncoder().encode(JSON.stringify(policy)).length <= maxPolicyBytes, {
    expected: `a stack policy of at most ${maxPolicyBytes} bytes`
  })
)

/** `Parameters` can have the same functions as the option `parameters`. */
export const TemplateConfiguration = Schema.Struct({
  Parameters: Schema.optionalKey(ParameterValues),
  Tags: Schema.optionalKey(StackTags),
  StackPolicy: Schema.optionalKey(StackPolicy)
})
export type TemplateConfiguration = typeof TemplateConfiguration.Type

const decodeValue = Schema.decodeUnknownResult(TemplateConfiguration)

const numbersAsText = (key: string) => key === "Parameters" || key === "Tags"

/**
 * The configuration, or the first problems with the file and how many more there are. Numbers in `Parameters` and `Tags`
 * keep their text.
 */
export const decode = (file: Uint8Array): Result.Result<TemplateConfiguration, ReadonlyArray<string>> =>
  Template.decode(file).pipe(
    Result.flatMap(({ text }) => Result.mapError(parse(text, { numbersAsText }), notJson)),
    Result.mapError((problem) => [problem]),
    Result.flatMap((value) =>
      decodeValue(value, { errors: "all", onExcessProperty: "error" }).pipe(
        Result.mapError(({ issue }) => problems("the file", issue, value))
      )
    )
  )
