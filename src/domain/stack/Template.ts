// The text of a CloudFormation template, and the ways in which it can be given to CloudFormation.
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

/** A template in a call itself, or where CloudFormation can fetch it. */
export type Template = { readonly templateBody: string } | { readonly templateUrl: string }

/** How many bytes CloudFormation takes in a call (TemplateBody), and from a bucket (TemplateURL). */
export const templateLimits = { templateBody: 51_200, templateUrl: 1_048_576 } as const

/**
 * The bytes without a byte-order mark, and their text; or why they cannot be a template. JSON and YAML are left as they
 * are: CloudFormation knows best.
 */
export const decode = (
  file: Uint8Array
): Result.Result<{ readonly bytes: Uint8Array; readonly text: string }, string> => {
  if (isUtf16(file)) return Result.fail("it is UTF-16 text, CloudFormation takes UTF-8: save it as that")
  const bytes = startsWith(file, [0xef, 0xbb, 0xbf]) ? file.subarray(3) : file
  return Result.try({
    try: () => ({ bytes, text: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes) }),
    catch: () => "it is not UTF-8 text"
  })
}

const Counted = Schema.fromJsonString(Schema.Struct({
  Resources: Schema.Record(Schema.String, Schema.Struct({ Condition: Schema.optionalKey(Schema.Never) })),
  Transform: Schema.optionalKey(Schema.Never)
}))

/**
 * How many resources a stack of this template has. None where only CloudFormation knows: in YAML, with transforms or
 * loops, and where a resource has a condition.
 */
export const resourceCount = (text: string): Option.Option<number> =>
  Schema.decodeOption(Counted)(text).pipe(
    Option.map(({ Resources }) => Object.keys(Resources)),
    Option.filter((ids) => ids.every((id) => !id.startsWith("Fn::"))),
    Option.map((ids) => ids.length)
  )

/** With its byte-order mark, or by the zeros that every letter of JSON and YAML has beside it. */
const isUtf16 = (file: Uint8Array) =>
  startsWith(file, [0xff, 0xfe]) || startsWith(file, [0xfe, 0xff]) || file.subarray(0, 2).includes(0)

const startsWith = (file: Uint8Array, mark: ReadonlyArray<number>) => mark.every((byte, index) => file[index] === byte)
