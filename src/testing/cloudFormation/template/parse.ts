// Reads the text of a template as CloudFormation does: JSON or YAML 1.1, with the short forms of functions.
import * as Result from "effect/Result"
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, Scalar } from "yaml"
import * as Json from "../../../domain/text/json.ts"
import { isMapping, type TemplateMapping, type TemplateValue } from "./TemplateValue.ts"

export const formatError = (text: string) => `Template format error: ${text}`

/** The template as a tree, with the long forms of functions; or CloudFormation's message. */
export const parse = (template: string): Result.Result<TemplateMapping, string> => {
  const text = template.startsWith("\uFEFF") ? template.slice(1) : template
  return Result.flatMap(
    text.trimStart().startsWith("{") ? parseJson(text) : parseYaml(text),
    (value) => isMapping(value) ? Result.succeed(value) : Result.fail(formatError("unsupported structure."))
  )
}

const parseJson = (text: string): Result.Result<TemplateValue, string> =>
  Result.mapBoth(Json.parse(text, { values: Infinity, duplicateKeys: true, numbersAsText: () => true }), {
    onFailure: ({ place }) => formatError(`JSON not well-formed. (${place})`),
    onSuccess: (value) => value as TemplateValue
  })

/** The short forms of functions. `!Ref` and `!Condition` have no prefix in their long form. */
const shortForm =
  /^!(?:And|Base64|Cidr|Contains|EachMember(?:Equals|In)|Equals|FindInMap|GetA(?:tt|Zs)|If|ImportValue|Join|Length|Not|Or|RefAll|Select|Split|Sub|ToJsonString|Transform|ValueOf(?:All)?)$/

/** CloudFormation does not support the other tags of YAML 1.1, such as `!!timestamp` and `!!binary`. */
const standardTags = new Set(
  ["map", "seq", "str", "int", "float", "bool", "null"].map((type) => `tag:yaml.org,2002:${type}`)
)

const parseYaml = (text: string): Result.Result<TemplateValue, string> => {
  const lines = new LineCounter()
  // The schema "failsafe" keeps all scalars as text: dates, octal numbers and account ids stay as they are written.
  const document = parseDocument(text, {
    version: "1.1",
    schema: "failsafe",
    uniqueKeys: false,
    prettyErrors: false,
    logLevel: "error",
    lineCounter: lines
  })
  const problems: Array<string> = []
  const notWellFormed = (offset: number) => {
    const { col, line } = lines.linePos(offset)
    problems.push(formatError(`YAML not well-formed. (line ${line}, column ${col})`))
  }
  const valueOf = (node: unknown, path: string): TemplateValue => {
    if (isAlias(node)) {
      problems.push("Template error: YAML aliases are not allowed in CloudFormation templates")
      return null
    }
    const { range, tag } = node as { readonly range?: readonly [number, ...Array<number>]; readonly tag?: string }
    const isFunction = tag === "!Ref" || tag === "!Condition" || (tag !== undefined && shortForm.test(tag))
    if (tag !== undefined && !isFunction && !standardTags.has(tag)) notWellFormed(range?.[0] ?? 0)
    const value = untagged(node, path, tag)
    return isFunction ? { [tag.replace(/^!(?!Ref$|Condition$)/, "Fn::").replace("!", "")]: value } : value
  }
  const untagged = (node: unknown, path: string, tag: string | undefined): TemplateValue => {
    if (isScalar(node)) return scalarOf(node, tag)
    if (isSeq(node)) return node.items.map((item, index) => valueOf(item, `${path}/${index}`))
    return isMap(node)
      ? Object.fromEntries(node.items.map(({ key, value }) => {
        if (!isScalar(key)) {
          problems.push(formatError(`[${path || "/"}] map keys must be strings; received a map instead`))
        }
        const name = isScalar(key) ? String(key.value ?? "null") : ""
        return [name, value === null ? null : valueOf(value, `${path}/${name}`)]
      }))
      : null
  }
  const [error] = document.errors
  if (error !== undefined) notWellFormed(error.pos[0])
  else if (document.contents !== null) {
    const value = valueOf(document.contents, "")
    if (problems.length === 0) return Result.succeed(value)
  }
  return Result.fail(problems[0] ?? formatError("unsupported structure."))
}

/** YAML 1.1's words for null and the Booleans. */
const nothing = /^(?:~|null|Null|NULL|)$/
const yes = /^(?:true|True|TRUE|yes|Yes|YES|on|On|ON)$/
const no = /^(?:false|False|FALSE|no|No|NO|off|Off|OFF)$/

/** Numbers that JavaScript would write in another way stay text, as 012, 1_000 and 123456789012345678. */
const scalarOf = ({ type, value }: Scalar, tag: string | undefined): TemplateValue => {
  const text = String(value ?? "")
  if (type !== Scalar.PLAIN || tag !== undefined) return text
  if (nothing.test(text)) return null
  if (yes.test(text)) return true
  if (no.test(text)) return false
  return /^-?\d/.test(text) && String(Number(text)) === text ? Number(text) : text
}
