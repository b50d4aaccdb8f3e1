// The settings of a stack in memory, and the rules by which a request changes them.
import * as Effect from "effect/Effect"
import { AwsRejected } from "../../domain/job/AwsError.ts"
import type { StackOptions } from "../../domain/stack/Stack.ts"
import * as StackCapability from "../../domain/stack/StackCapability.ts"
import { InsufficientCapabilities, type RequestError, UnknownParameters } from "../../services/CloudFormation.ts"
import { capabilitiesOf } from "./template/capabilities.ts"
import type { MemoryTemplate } from "./template/MemoryTemplate.ts"
import { parameterValues } from "./template/parameters.ts"

/** The settings of a stack besides its template. */
export interface MemorySettings {
  /** The values of all parameters by name, including secret ones. */
  readonly parameters: ReadonlyMap<string, string>
  /** The parameters whose values CloudFormation hides (NoEcho). */
  readonly noEcho: ReadonlySet<string>
  readonly tags: ReadonlyMap<string, string>
  readonly roleArn: string | undefined
  readonly notificationArns: ReadonlyArray<string>
  /** JSON. */
  readonly stackPolicy: string | undefined
  readonly terminationProtection: boolean
}

export const noSettings: MemorySettings = {
  parameters: new Map(),
  noEcho: new Set(),
  tags: new Map(),
  roleArn: undefined,
  notificationArns: [],
  stackPolicy: undefined,
  terminationProtection: false
}

/** Whether CloudFormation sees nothing to update. Another role or stack policy alone is no update. */
export const isUnchanged = (before: MemorySettings, after: MemorySettings): boolean => {
  const compared = ({ notificationArns, parameters, tags }: MemorySettings) =>
    JSON.stringify([[...parameters].toSorted(), [...tags].toSorted(), notificationArns])
  return compared(before) === compared(after)
}

/** A ValidationError of CloudFormation. */
export const validationError = (operation: string, detail: string) =>
  new AwsRejected({ operation, code: "ValidationError", detail })

/** The names of the parameters whose values CloudFormation hides. */
export const hiddenParametersOf = ({ parameters }: MemoryTemplate): ReadonlySet<string> =>
  new Set(parameters.filter(({ noEcho }) => noEcho).map(({ name }) => name))

/** The settings after a request: omitted ones keep their value, omitted parameters get the template's default. */
export const settingsAfter = (
  operation: string,
  template: MemoryTemplate,
  request: StackOptions & { readonly stack: string },
  before: MemorySettings
): Effect.Effect<MemorySettings, RequestError | AwsRejected> => {
  const { capabilities = [], stack } = request
  const required = StackCapability.missing(capabilities, capabilitiesOf(template.tree).required)
  if (required.length > 0) {
    const reason = `Requires capabilities : [${required.join(", ")}]`
    return Effect.fail(new InsufficientCapabilities({ stack, required, reason }))
  }
  return Effect.fromResult(parameterValues(template.parameters, request.parameters ?? [], before.parameters)).pipe(
    Effect.map((parameters) => ({
      ...before,
      parameters,
      noEcho: hiddenParametersOf(template),
      tags: request.tags ?? before.tags,
      roleArn: request.roleArn ?? before.roleArn,
      notificationArns: request.notificationArns ?? before.notificationArns,
      stackPolicy: request.stackPolicy ?? before.stackPolicy
    })),
    Effect.mapError((problem) =>
      problem._tag === "UnknownParameters"
        ? new UnknownParameters({ stack, names: problem.names })
        : validationError(operation, problem.detail)
    )
  )
}
