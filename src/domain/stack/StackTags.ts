// The tags of a stack. CloudFormation passes them on to the stack's resources.
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { Scalar } from "./StackParameters.ts"

/** In characters. Source: API data type Tag, and page "CloudFormation quotas". */
export const tagLimits = { tags: 50, key: 128, value: 256 } as const

const length = (text: string) => Array.from(text).length

const problemsOf = ([key, value]: readonly [string, Scalar]): ReadonlyArray<string> => {
  const keyLength = length(key)
  if (keyLength === 0) return ["\"tags\" has an empty key: a key has 1 to 128 characters"]
  const name = `The tag "${Array.from(key).slice(0, tagLimits.key).join("")}"`
  if (keyLength > tagLimits.key) {
    return [`${name}… has a key of ${keyLength} characters: a key has 1 to ${tagLimits.key}`]
  }
  const valueLength = length(String(value))
  if (valueLength === 0) return [`${name} has an empty value: a value has 1 to ${tagLimits.value} characters`]
  return valueLength > tagLimits.value
    ? [`${name} has a value of ${valueLength} characters: a value has 1 to ${tagLimits.value}`]
    : []
}

const tooMany = (count: number) => `There are ${count} tags; CloudFormation accepts at most ${tagLimits.tags}`

/** Values by key. */
export const StackTags = Schema.Record(Schema.String, Scalar).check(
  Schema.makeFilter((tags: Readonly<Record<string, Scalar>>) => {
    const entries = Object.entries(tags)
    return entries.length > tagLimits.tags ? [tooMany(entries.length)] : entries.flatMap(problemsOf)
  })
)
export type StackTags = typeof StackTags.Type

/** The tags as text, or the problem with them. */
export const render = (tags: ReadonlyMap<string, Scalar>): Result.Result<ReadonlyMap<string, string>, string> =>
  tags.size > tagLimits.tags
    ? Result.fail(tooMany(tags.size))
    : Result.succeed(new Map(Array.from(tags, ([key, value]) => [key, String(value)])))
