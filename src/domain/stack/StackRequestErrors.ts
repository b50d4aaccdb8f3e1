// What is wrong with a request that has a template and settings, in CloudFormation's words.
import * as Schema from "effect/Schema"
import type { AwsError } from "../job/AwsError.ts"
import type { StackOptions } from "./Stack.ts"

/** The template requires capabilities that the request does not have. */
export class InsufficientCapabilities
  extends Schema.TaggedError<InsufficientCapabilities>()("InsufficientCapabilities", {
    stack: Schema.String,
    /** The capabilities that CloudFormation names. */
    required: Schema.Array(Schema.String),
    /** CloudFormation's own words. */
    reason: Schema.String
  })
{
  override get message() {
    return `The template of stack "${this.stack}" requires more capabilities: ${this.reason}`
  }
}

/** The request has parameters that the template does not declare. */
export class UnknownParameters extends Schema.TaggedError<UnknownParameters>()("UnknownParameters", {
  stack: Schema.String,
  names: Schema.Array(Schema.String)
}) {
  override get message() {
    return `The template of stack "${this.stack}" does not have the parameters ${this.names.join(", ")}`
  }
}

/** What is wrong with a request itself. */
export type RequestError = InsufficientCapabilities | UnknownParameters

const capability = /CAPABILITY_\w+/g

/** CloudFormation has no error codes for these either. */
const unknownParameters = /^Parameters: \[(.+)\] do not exist in the template/
const noParameters = "Parameter values specified for a template which does not require them."

export const toRequestError = (
  { parameters = [], stack }: StackOptions & { readonly stack: string },
  error: AwsError
): RequestError | AwsError => {
  const { code, detail } = error
  if (code === "InsufficientCapabilitiesException") {
    return new InsufficientCapabilities({ stack, required: detail.match(capability) ?? [], reason: detail })
  }
  const names = detail === noParameters
    ? parameters.map(({ name }) => name)
    : unknownParameters.exec(detail)?.[1]?.split(/,\s*/)
  return names === undefined ? error : new UnknownParameters({ stack, names })
}
