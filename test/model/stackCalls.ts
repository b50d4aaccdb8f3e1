// The program's calls on stacks, as calls to its environment.
import { Effect, Option } from "effect"
import { type AwsError } from "../../src/domain/job/AwsError.ts"
import {
  type CloudFormation,
  NoUpdates,
  StackExists,
  StackNotReady,
  TokenUsed
} from "../../src/services/CloudFormation.ts"
import type * as Cloud from "./cloud.ts"
import { fail } from "./failure.ts"
import type { Answer, Call } from "./program.ts"

const stack = "MyTestStack"

const toCreated = (answer: Answer): Effect.Effect<string, StackExists | TokenUsed | AwsError> => {
  switch (answer._tag) {
    case "Started":
      return Effect.succeed(answer.stackId)
    case "StackExists":
      return Effect.fail(new StackExists({ stack }))
    case "TokenUsed":
      return Effect.fail(new TokenUsed({ stack }))
    default:
      return fail(answer)
  }
}

const toUpdated = (answer: Answer): Effect.Effect<string, NoUpdates | TokenUsed | StackNotReady | AwsError> => {
  switch (answer._tag) {
    case "Started":
      return Effect.succeed(answer.stackId)
    case "NoUpdates":
      return Effect.fail(new NoUpdates({ stack }))
    case "TokenUsed":
      return Effect.fail(new TokenUsed({ stack }))
    case "StackNotReady":
      return Effect.fail(new StackNotReady({ stack, status: answer.status }))
    default:
      return fail(answer)
  }
}

const toDeleted = (answer: Answer): Effect.Effect<void, TokenUsed | AwsError> => {
  switch (answer._tag) {
    case "Started":
      return Effect.void
    case "TokenUsed":
      return Effect.fail(new TokenUsed({ stack }))
    default:
      return fail(answer)
  }
}

const toRolledBack = (answer: Answer): Effect.Effect<void, TokenUsed | StackNotReady | AwsError> =>
  answer._tag === "StackNotReady"
    ? Effect.fail(new StackNotReady({ stack, status: answer.status }))
    : toDeleted(answer)

const toStack = (
  { changedAt, createdAt, id, revision, status }: Cloud.ModelStack,
  parameters: ReadonlyArray<string>
) => ({
  id,
  name: stack,
  status,
  reason: undefined,
  createdAt,
  changedAt,
  parameters: new Map(parameters.map((name) => [name, "value"])),
  terminationProtection: false,
  outputs: { Revision: String(revision) }
})

const toSummary = (parameters: ReadonlyArray<string>, hasDefault: boolean) => ({
  parameters: parameters.map((name) => ({ name, type: "String", hasDefault, noEcho: false, allowedValues: [] })),
  capabilities: [],
  capabilitiesReason: undefined,
  unrecognizedResourceTypes: []
})

const toEvents = (stackId: string, events: ReadonlyArray<Cloud.ModelEvent>) =>
  events.map(({ at, status, token }) => ({
    stackId,
    timestamp: at,
    logicalResourceId: stack,
    physicalResourceId: stackId,
    resourceType: "AWS::CloudFormation::Stack",
    status,
    ...(token !== "" && { clientRequestToken: token })
  })).toReversed()

/** `answerTo` makes the call and returns its answer. */
export const stackCalls = (
  answerTo: (call: Call) => Effect.Effect<Answer>
): Partial<CloudFormation["Service"]> => ({
  describe: (stack) =>
    Effect.flatMap(answerTo({ _tag: "describe", stack }), (answer) =>
      answer._tag === "Stack"
        ? Effect.succeed(
          Option.map(Option.fromUndefinedOr(answer.stack), (stack) => toStack(stack, answer.parameters))
        )
        : fail(answer)),
  events: (stack) =>
    Effect.flatMap(
      answerTo({ _tag: "events", stack }),
      (answer) => answer._tag === "Events" ? Effect.succeed(toEvents(stack, answer.events)) : fail(answer)
    ),
  templateSummary: () =>
    Effect.flatMap(
      answerTo({ _tag: "summary" }),
      (answer) =>
        answer._tag === "Summary" ? Effect.succeed(toSummary(answer.parameters, answer.hasDefaults)) : fail(answer)
    ),
  create: ({ clientRequestToken: token, parameters = [] }) =>
    Effect.flatMap(
      answerTo({
        _tag: "create",
        token,
        parameters: parameters.map(({ name }) => name)
      }),
      toCreated
    ),
  update: ({ clientRequestToken: token, stack }) =>
    Effect.flatMap(answerTo({ _tag: "update", token, stack }), toUpdated),
  delete: ({ clientRequestToken: token, stack }) =>
    Effect.flatMap(answerTo({ _tag: "delete", token, stack }), toDeleted),
  rollBack: ({ clientRequestToken: token, stack }) =>
    Effect.flatMap(answerTo({ _tag: "rollback", token, stack }), toRolledBack),
  cancelUpdate: ({ clientRequestToken: token, stack }) =>
    Effect.flatMap(answerTo({ _tag: "cancelUpdate", token, stack }), toRolledBack),
  continueRollback: ({ clientRequestToken: token, stack }) =>
    Effect.flatMap(answerTo({ _tag: "continueRollback", token, stack }), toRolledBack)
})
