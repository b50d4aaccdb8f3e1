// The tags of a stack, which CloudFormation gives to its resources too.
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { Scalar } from "./StackParameters.ts"

/** What CloudFormation takes (API data type Tag). */
export const tagLimits = { tags: 50, key: 128, value: 256 } as const

const length = (text: string) => Array.from(text).length

const fits = ([key, value]: readonly [string, Scalar]) =>
  key !== "" && length(key) <= tagLimits.key && value !== "" && length(String(value)) <= tagLimits.value

/** Values by the keys of their tags. */
export const StackTags = Schema.Record(Schema.String, Scalar).check(
  Schema.makeFilter((tags) => Object.entries(tags).every(fits), {
    expected: `tags with a key of 1 to ${tagLimits.key} characters and a value of 1 to ${tagLimits.value}`
  })
)
export type StackTags = typeof StackTags.Type

/** The tags as text, or what is wrong with them. */
export const render = (tags: ReadonlyMap<string, Scalar>): Result.Result<ReadonlyMap<string, string>, string> =>
  tags.size > tagLimits.tags
    ? Result.fail(`There are ${tags.size} tags; CloudFormation takes ${tagLimits.tags}`)
    : Result.succeed(new Map(Array.from(tags, ([key, value]) => [key, String(value)])))
