// How the deploying functions define their options in UserParameters.
import * as Schema from "effect/Schema"

/** The documentation of an option, in Markdown. */
export interface OptionText {
  /** The values that it accepts. */
  readonly values: string
  /** The default. */
  readonly otherwise: string
  readonly description: string
}

export const option = <S extends Schema.Constraint>(schema: S, text: OptionText) =>
  Schema.optionalKey(schema).pipe(Schema.annotateKey({ ...text }))

/** A required option; `what` names it in the words of AWS's sample. */
export const parameter = (what: string, text: OptionText) =>
  Schema.NonEmptyString.pipe(
    Schema.annotateKey({ ...text, messageMissingKey: `Your UserParameters JSON must include the ${what}` })
  )

export const matching = (pattern: RegExp, expected: string) =>
  Schema.String.check(Schema.isPattern(pattern, { expected }))

export const RoleArn = matching(/^arn:[^:\s]+:iam::\d{12}:role\/\S{1,512}$/, "the ARN of an IAM role")
