// The stack in the account, before it is deployed.
import { type CloudFormationClient, GetTemplateCommand } from "@aws-sdk/client-cloudformation"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { AwsError } from "../../domain/job/AwsError.ts"
import type { Stack } from "../../domain/stack/Stack.ts"
import { startability } from "../../domain/stack/StackStatus.ts"
import { callAws } from "../../runtime/AwsClient.ts"
import { CloudFormation } from "../../services/CloudFormation.ts"
import { AccountNotReady, accountNotReady } from "./accountNotReady.ts"

/**
 * The existing stack. This is the first call of CloudFormation, so that missing permissions are known before anything is
 * done. Fails if the stack has another template, without this parameter: an update would delete its resources.
 */
export const findStack = Effect.fn("findStack")(function*(stack: string, parameter: string) {
  const cloudFormation = yield* CloudFormation
  const found = yield* Effect.mapError(cloudFormation.describe(stack), accountNotReady)
  // A stack that has only a change set has no resources yet.
  const isFree = Option.match(found, {
    onNone: () => true,
    onSome: ({ parameters, status }) => parameters.has(parameter) || startability(status) === "Shell"
  })
  return isFree
    ? found
    : yield* new AccountNotReady({
      message: `Stack "${stack}" exists with another template: it has no parameter ${parameter}. ` +
        "Choose another name with --stack"
    })
})

/** Reads the template of a stack as it was deployed. */
export type ReadTemplate = (stack: Stack) => Effect.Effect<string, AwsError>

export const makeReadTemplate = (client: Pick<CloudFormationClient, "send">): ReadTemplate => ({ id }) =>
  callAws(
    "cloudformation:GetTemplate",
    (options) => client.send(new GetTemplateCommand({ StackName: id, TemplateStage: "Original" }), options)
  ).pipe(Effect.map(({ TemplateBody = "" }) => TemplateBody))
