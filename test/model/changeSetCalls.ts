// The program's calls on change sets, as calls to its environment.
import { Effect, Option } from "effect"
import { type AwsError } from "../../src/domain/job/AwsError.ts"
import type { ChangeSet } from "../../src/domain/stack/ChangeSet.ts"
import {
  ChangeSetExists,
  ChangeSetNotReady,
  type CloudFormation,
  StackExists,
  StackNotReady,
  TokenUsed
} from "../../src/services/CloudFormation.ts"
import type * as ChangeSets from "./changeSets.ts"
import { fail } from "./failure.ts"
import type { Answer, Call } from "./program.ts"

type Created = ReturnType<CloudFormation["Service"]["createChangeSet"]>
type Executed = ReturnType<CloudFormation["Service"]["executeChangeSet"]>
type Deleted = ReturnType<CloudFormation["Service"]["deleteChangeSet"]>

const stack = "MyTestStack"
const changeSet = "Next"

/** Every change set replaces a table. */
const changes = [{
  action: "Modify",
  logicalResourceId: "Table",
  resourceType: "AWS::DynamoDB::Table",
  replacement: "True"
}]

/** A change set of a template with a nested stack changes that only. */
const changesOf = (nestedChangeSet: string | undefined) =>
  nestedChangeSet === undefined ? changes : [{
    action: "Modify",
    logicalResourceId: "Nested",
    resourceType: "AWS::CloudFormation::Stack",
    ...(nestedChangeSet !== "" && { nestedChangeSet })
  }]

const toChangeSet = (
  { nested, shown: [status, executionStatus, reason], ...changeSet }: ChangeSets.Shown
): ChangeSet => ({
  ...changeSet,
  status,
  executionStatus,
  changes: changesOf(nested),
  ...(reason !== undefined && { reason })
})

const refusal = (answer: Answer): Effect.Effect<never, ChangeSetNotReady | StackNotReady | AwsError> => {
  switch (answer._tag) {
    case "ChangeSetNotReady":
      return Effect.fail(new ChangeSetNotReady({ stack, changeSet, reason: "not ready" }))
    case "StackNotReady":
      return Effect.fail(new StackNotReady({ stack, status: answer.status }))
    default:
      return fail(answer)
  }
}

/** `answerTo` makes the call and returns its answer. */
export const changeSetCalls = (
  answerTo: (call: Call) => Effect.Effect<Answer>
): Partial<CloudFormation["Service"]> => ({
  describeChangeSet: ({ changeSet, stack = "" }) =>
    Effect.flatMap(answerTo({ _tag: "describeChangeSet", stack, changeSet }), (answer) =>
      answer._tag === "ChangeSet"
        ? Effect.succeed(Option.map(Option.fromUndefinedOr(answer.changeSet), toChangeSet))
        : fail(answer)),
  createChangeSet: (
    { changeSet, deploymentMode, description, importExistingResources, includeNestedStacks, stack, type }
  ) => {
    const features = { deploymentMode, importExistingResources, includeNestedStacks }
    return Effect.flatMap(
      answerTo({ _tag: "createChangeSet", changeSet, description, stack, type, ...features }),
      (answer): Created => {
        switch (answer._tag) {
          case "ChangeSetCreated":
            return Effect.succeed(answer)
          case "ChangeSetExists":
            return Effect.fail(new ChangeSetExists({ stack, changeSet }))
          case "StackExists":
            return Effect.fail(new StackExists({ stack }))
          case "StackNotReady":
            return Effect.fail(new StackNotReady({ stack, status: answer.status }))
          default:
            return fail(answer)
        }
      }
    )
  },
  executeChangeSet: ({ changeSet, clientRequestToken: token, stack }) =>
    Effect.flatMap(answerTo({ _tag: "executeChangeSet", changeSet, stack, token }), (answer): Executed => {
      switch (answer._tag) {
        case "Started":
          return Effect.void
        case "TokenUsed":
          return Effect.fail(new TokenUsed({ stack }))
        default:
          return refusal(answer)
      }
    }),
  deleteChangeSet: ({ changeSet, stack }) =>
    Effect.flatMap(
      answerTo({ _tag: "deleteChangeSet", changeSet, stack }),
      (answer): Deleted => answer._tag === "ChangeSetDeleted" ? Effect.void : refusal(answer)
    )
})
