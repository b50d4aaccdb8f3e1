import * as Schema from "effect/Schema"

/** What the user allows a template to do. Source: shape Capability of CloudFormation's API. */
export const StackCapability = Schema.Literals([
  "CAPABILITY_IAM",
  "CAPABILITY_NAMED_IAM",
  "CAPABILITY_AUTO_EXPAND"
])
export type StackCapability = typeof StackCapability.Type

/** The option in UserParameters with all given and required capabilities. Of the two for IAM, only the stronger. */
export const option = (given: Iterable<string>, required: Iterable<string>): string => {
  const all = new Set([...given, ...required])
  if (all.has("CAPABILITY_NAMED_IAM")) all.delete("CAPABILITY_IAM")
  return `"capabilities": ${JSON.stringify([...all])}`
}

/** The required capabilities that are not given. The stronger of the two for IAM includes the other. */
export const missing = (given: Iterable<string>, required: Iterable<string>): ReadonlyArray<string> => {
  const all = new Set(given)
  if (all.has("CAPABILITY_NAMED_IAM")) all.add("CAPABILITY_IAM")
  return Array.from(required).filter((capability) => !all.has(capability))
}
