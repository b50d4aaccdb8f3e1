// What CloudFormation does with each template of this folder: the resources and outputs of its stack, or why it refuses the
// template. Written from CloudFormation's documentation and its published error messages. A regular expression is the part
// that is certain.
import { type Cases, read } from "./Case.ts"
import { formats } from "./formats.ts"
import { refusals } from "./refusals.ts"
import { requests } from "./requests.ts"

export const cases: Cases = { ...formats, ...requests, ...refusals }

/** The templates of nested stacks. */
export const nestedTemplates = Object.fromEntries(
  ["conditions.yaml", "nested-in-itself.yaml", "parameters-required.yaml"].map((
    file
  ) => [`https://templates.example/${file}`, read(file)])
)
