// Deploys templates to the in-memory CloudFormation.
import { Effect, Option, Predicate } from "effect"
import { TestClock } from "effect/testing"
import type { StackCapability } from "../../../src/domain/stack/StackCapability.ts"
import { CloudFormation, type OperationError } from "../../../src/services/CloudFormation.ts"
import { CloudFormationMemory, type CloudFormationMemoryOptions } from "../../../src/testing/CloudFormationMemory.ts"

export const stack = "MyTestStack"

export interface Deployment {
  readonly stack?: string
  readonly parameters?: Readonly<Record<string, string>>
  readonly capabilities?: ReadonlyArray<StackCapability>
}

/** All capabilities. */
export const everything: ReadonlyArray<StackCapability> = ["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]

let tokens = 0

/** The message of CloudFormation. */
export const messageOf = (error: OperationError): string => {
  switch (error._tag) {
    case "AwsRejected":
      return error.detail
    case "InsufficientCapabilities":
      return error.reason
    default:
      return error.message
  }
}

/** A template as text. */
export const textOf = (template: string | object) => Predicate.isString(template) ? template : JSON.stringify(template)

/** What a stack has after an operation. */
export const describe = Effect.fnUntraced(function*(name: string) {
  const { describe } = yield* CloudFormation
  const { notChecked, resourcesOf } = yield* CloudFormationMemory
  const found = Option.getOrThrow(yield* describe(name))
  return {
    status: found.status,
    reason: found.reason,
    outputs: found.outputs,
    resources: (yield* resourcesOf(name)).map(({ logicalId }) => logicalId),
    notChecked: yield* notChecked
  }
})

const run = (operation: "create" | "update") =>
  Effect.fnUntraced(
    function*(template: string | object, { capabilities, parameters = {}, stack: name = stack }: Deployment = {}) {
      const cloudFormation = yield* CloudFormation
      const id = yield* cloudFormation[operation]({
        stack: name,
        templateBody: textOf(template),
        clientRequestToken: `${operation}-${tokens++}`,
        parameters: Object.entries(parameters).map(([name, value]) => ({ name, value })),
        capabilities
      })
      yield* TestClock.adjust("10 days")
      return yield* describe(id)
    }
  )

export const create = run("create")
export const update = run("update")

/** Why the template is refused, in CloudFormation's words. Nothing is begun. */
export const refusal = Effect.fnUntraced(function*(template: string | object, deployment: Deployment = {}) {
  const error = yield* Effect.flip(create(template, { capabilities: everything, ...deployment }))
  const { operationTokens } = yield* CloudFormationMemory
  const { describe } = yield* CloudFormation
  const isAbsent = Option.isNone(yield* describe(deployment.stack ?? stack))
  return operationTokens.length === 0 && isAbsent ? messageOf(error) : `begun, although ${messageOf(error)}`
})

/** The value of a template's output. */
export const outputOf = (Value: unknown, sections: object = {}, deployment: Deployment = {}) =>
  create({ Resources: { Topic: { Type: "AWS::SNS::Topic" } }, ...sections, Outputs: { Value: { Value } } }, {
    capabilities: everything,
    ...deployment
  }).pipe(Effect.map(({ outputs }) => outputs["Value"]))

export const withMemory = (options?: CloudFormationMemoryOptions) =>
  Effect.provide(CloudFormationMemory.layer({ resourceDuration: "1 second", ...options }))
