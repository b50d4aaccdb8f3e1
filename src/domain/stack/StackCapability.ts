import * as Schema from "effect/Schema"

/** What the user has to allow a template to do (shape Capability of CloudFormation's API). */
export const StackCapability = Schema.Literals([
  "CAPABILITY_IAM",
  "CAPABILITY_NAMED_IAM",
  "CAPABILITY_AUTO_EXPAND"
])
export type StackCapability = typeof StackCapability.Type

/** All of `given` and `required`, once each, as they are written in UserParameters. The stronger of the two for IAM holds. */
export const option = (given: Iterable<string>, required: Iterable<string>): string => {
  const all = new Set([...given, ...required])
  if (all.has("CAPABILITY_NAMED_IAM")) all.delete("CAPABILITY_IAM")
  return `"capabilities": ${JSON.stringify([...all])}`
}
