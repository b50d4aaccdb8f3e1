// The text of a CloudFormation template, and the two ways to pass it to CloudFormation.
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

/** The text of a template, or the URL from which CloudFormation fetches it. */
export type Template = { readonly templateBody: string } | { readonly templateUrl: string }

/**
 * CloudFormation's maximum sizes of a template, in bytes: in a call (TemplateBody), and in a bucket (TemplateURL).
 *
 * "AWS CloudFormation quotas" in the CloudFormation User Guide says 51,200 bytes and 1 MB. That this is not 1 MiB is in
 * CloudFormation's own error: "Template may not exceed 1000000 bytes in size".
 */
export const templateLimits = { templateBody: 51_200, templateUrl: 1_000_000 } as const

/**
 * The bytes without a byte-order mark, and their text; or the reason why they cannot be a template, which continues a
 * sentence. JSON and YAML are not parsed.
 */
export const decode = (
  file: Uint8Array
): Result.Result<{ readonly bytes: Uint8Array; readonly text: string }, string> => {
  if (isUtf16(file)) return Result.fail("it is UTF-16 text, but CloudFormation requires UTF-8")
  const bytes = startsWith(file, [0xef, 0xbb, 0xbf]) ? file.subarray(3) : file
  return Result.try({
    try: () => ({ bytes, text: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes) }),
    catch: () => "it is not UTF-8 text"
  }).pipe(Result.filterOrFail(({ text }) => text.trim() !== "", () => blank(file)))
}

const blank = (file: Uint8Array) =>
  file.length === 0 ? "it is empty" : "it has no text, only white space or a byte-order mark"

/** A resource type in JSON or YAML. */
const nestedStack = /["']?Type["']?\s*:\s*["']?AWS::CloudFormation::Stack(?!\w)/

/** Whether a template may have nested stacks. In comments and other values it may look as if it had. */
export const hasNestedStacks = (text: string): boolean => nestedStack.test(text)

const Counted = Schema.fromJsonString(Schema.Struct({
  Resources: Schema.Record(Schema.String, Schema.Struct({ Condition: Schema.optionalKey(Schema.Never) })),
  Transform: Schema.optionalKey(Schema.Never)
}))

/**
 * The number of resources that a stack of this template has. None if only CloudFormation knows: with transforms or loops,
 * and if a resource has a condition. None for YAML in other than the plain block style, too.
 */
export const resourceCount = (text: string): Option.Option<number> =>
  Schema.decodeOption(Counted)(text).pipe(
    Option.map(({ Resources }) => Object.keys(Resources)),
    Option.filter((ids) => ids.every((id) => !id.startsWith("Fn::"))),
    Option.map((ids) => ids.length),
    Option.orElse(() => blockCount(text))
  )

/**
 * Counts resources of YAML without parsing it: names that stand alone on their line, each with a type. A parser would be
 * larger than all of the function.
 */
const blockCount = (text: string): Option.Option<number> => {
  const [, resources = "", ...others] = text.split(/^Resources: *(?:#.*)?\r?$/m)
  const [section = ""] = resources.split(/^[^\s#]/m)
  const names = new Set<string>()
  let [types, margin, inner] = [0, 0, 0]
  for (const line of section.split("\n")) {
    const at = line.search(/[^\s#]/)
    const rest = line.slice(at).trimEnd()
    if (at < 0 || line.trimStart().startsWith("#")) continue
    margin ||= at
    if (at === margin && /^[A-Za-z\d]+:(?: +#.*)?$/.test(rest)) {
      names.add(rest)
      inner = 0
    } else {
      inner ||= at
      const isOpen = rest.split(/[[{]/).length !== rest.split(/[\]}]/).length
      if (at <= margin || at < inner || isOpen || (at === inner && rest.startsWith("Condition:"))) return Option.none()
      if (at === inner && rest.startsWith("Type:")) types++
    }
  }
  return names.size === types && types > 0 && others.length === 0 && !/^Transform:|\r(?!\n)|[\u2028\u2029]/m.test(text)
    ? Option.some(types)
    : Option.none()
}

/** Detects the byte-order mark, or the zero byte of an ASCII letter: JSON and YAML start with one. */
const isUtf16 = (file: Uint8Array) =>
  startsWith(file, [0xff, 0xfe]) || startsWith(file, [0xfe, 0xff]) || file.subarray(0, 2).includes(0)

const startsWith = (file: Uint8Array, mark: ReadonlyArray<number>) => mark.every((byte, index) => file[index] === byte)
