// The real program, JobRunner with an action, run up to its next call. A running fiber cannot be copied into a state, so
// a state holds its inputs instead: the event and the answers so far. Each step runs the program again from its start.
// Between two calls, the program's clock shows the time of the second one.
import { Clock, Deferred, Duration, Effect, Exit, Fiber, Layer, Logger, Option } from "effect"
import type { Action, TaggedError } from "../../src/Action.ts"
import { AwsDenied, type AwsError, AwsRejected, AwsUnavailable } from "../../src/domain/job/AwsError.ts"
import { JobId } from "../../src/domain/job/Job.ts"
import type { JobOutcome } from "../../src/domain/job/JobOutcome.ts"
import * as JobRunner from "../../src/JobRunner.ts"
import type { ArtifactStore } from "../../src/services/ArtifactStore.ts"
import { CloudFormation, NoUpdates, StackExists, StackNotReady, TokenUsed } from "../../src/services/CloudFormation.ts"
import { CodePipeline, JobNotOpen } from "../../src/services/CodePipeline.ts"
import { changeSetCalls } from "./changeSetCalls.ts"
import type * as ChangeSets from "./changeSets.ts"
import type * as Cloud from "./cloud.ts"

/** A call of the program to its environment. */
export type Call =
  | { readonly _tag: "describe" | "events"; readonly stack: string }
  | { readonly _tag: "summary" }
  | { readonly _tag: "create"; readonly token: string; readonly parameters: ReadonlyArray<string> }
  | {
    readonly _tag: "update" | "delete" | "rollback" | "continueRollback"
    readonly token: string
    readonly stack: string
  }
  | { readonly _tag: "describeChangeSet"; readonly stack: string; readonly changeSet: string }
  | { readonly _tag: "deleteChangeSet"; readonly stack: string; readonly changeSet: string }
  | ({ readonly _tag: "createChangeSet" } & ChangeSets.CreateRequest)
  | {
    readonly _tag: "executeChangeSet"
    readonly stack: string
    readonly changeSet: string
    readonly token: string
  }
  | { readonly _tag: "report"; readonly outcome: JobOutcome }

/** The answer of the environment to a call. */
export type Answer =
  | {
    readonly _tag: "Stack"
    readonly stack: Cloud.ModelStack | undefined
    /** The names of its parameters. */
    readonly parameters: ReadonlyArray<string>
  }
  | { readonly _tag: "Summary"; readonly parameters: ReadonlyArray<string>; readonly hasDefaults: boolean }
  | { readonly _tag: "Events"; readonly events: ReadonlyArray<Cloud.ModelEvent> }
  | { readonly _tag: "Unavailable" | "Denied" | "Accepted" | "NotOpen" }
  | { readonly _tag: "ChangeSet"; readonly changeSet: ChangeSets.Shown | undefined }
  | Cloud.Answer
  | ChangeSets.Answer

/** An answer, and the time of its call. */
export interface Answered {
  readonly at: number
  readonly answer: Answer
}

/** The program waits for the answer to a call, or its handler has returned, or rejected so that Lambda redelivers. */
export type Step = { readonly _tag: "Call"; readonly call: Call } | { readonly _tag: "Returned" | "Rejected" }

const fields = { operation: "cloudformation:Call", code: "Code", detail: "detail" }

/** An answer that every call may get. Any other is impossible. */
const fail = (answer: Answer): Effect.Effect<never, AwsError> => {
  switch (answer._tag) {
    case "Unavailable":
      return Effect.fail(new AwsUnavailable(fields))
    case "Denied":
      return Effect.fail(new AwsDenied(fields))
    case "Rejected":
      return Effect.fail(new AwsRejected(fields))
    default:
      return Effect.die(answer)
  }
}

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

const toReported = (answer: Answer): Effect.Effect<void, JobNotOpen | AwsError> => {
  switch (answer._tag) {
    case "Accepted":
      return Effect.void
    case "NotOpen":
      return Effect.fail(new JobNotOpen({ jobId: JobId.make("any"), code: "InvalidJobStateException" }))
    default:
      return fail(answer)
  }
}

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

/** A clock that shows a time in epoch milliseconds. */
const clockOf = (millis: () => number): Clock.Clock => {
  const nanos = () => BigInt(millis()) * 1_000_000n
  return {
    currentTimeMillisUnsafe: millis,
    currentTimeMillis: Effect.sync(millis),
    currentTimeNanosUnsafe: nanos,
    currentTimeNanos: Effect.sync(nanos),
    monotonicTimeNanosUnsafe: nanos,
    monotonicTimeNanos: Effect.sync(nanos),
    // A retry without a delay sleeps for zero milliseconds.
    sleep: (duration) => Duration.isZero(duration) ? Effect.void : Effect.never
  }
}

/** The next step of the program with this event after these answers, if its next call is at this time. */
export const nextStep = <Parameters, State, E extends TaggedError>(
  action: Action<Parameters, State, E, ArtifactStore | CloudFormation>,
  artifacts: Layer.Layer<ArtifactStore>,
  event: unknown,
  now: number,
  answers: ReadonlyArray<Answered>
): Effect.Effect<Step> =>
  Effect.gen(function*() {
    const pendingCall = yield* Deferred.make<Call>()
    let calls = 0
    const clock = clockOf(() => answers[calls]?.at ?? now)
    const answerTo = (call: Call) =>
      Effect.suspend(() => {
        const answered = answers[calls++]
        return answered === undefined
          ? Effect.andThen(Deferred.succeed(pendingCall, call), Effect.never)
          : Effect.succeed(answered.answer)
      })
    const cloudFormation = Layer.mock(CloudFormation, {
      ...changeSetCalls(answerTo, fail),
      describe: (stack) =>
        Effect.flatMap(answerTo({ _tag: "describe", stack }), (answer) =>
          answer._tag === "Stack"
            ? Effect.succeed(
              Option.map(Option.fromUndefinedOr(answer.stack), (stack) => toStack(stack, answer.parameters))
            )
            : fail(answer)),
      events: (stack) =>
        Effect.flatMap(answerTo({ _tag: "events", stack }), (answer) =>
          answer._tag === "Events" ? Effect.succeed(toEvents(stack, answer.events)) : fail(answer)),
      templateSummary: () =>
        Effect.flatMap(answerTo({ _tag: "summary" }), (answer) =>
          answer._tag === "Summary" ? Effect.succeed(toSummary(answer.parameters, answer.hasDefaults)) : fail(answer)),
      create: ({ clientRequestToken: token, parameters = [] }) =>
        Effect.flatMap(
          answerTo({
            _tag: "create",
            token,
            parameters: parameters.map(({ name }) =>
              name
            )
          }),
          toCreated
        ),
      update: ({ clientRequestToken: token, stack }) =>
        Effect.flatMap(answerTo({ _tag: "update", token, stack }), toUpdated),
      delete: ({ clientRequestToken: token, stack }) =>
        Effect.flatMap(answerTo({ _tag: "delete", token, stack }), toDeleted),
      rollBack: ({ clientRequestToken: token, stack }) =>
        Effect.flatMap(answerTo({ _tag: "rollback", token, stack }), toRolledBack),
      continueRollback: ({ clientRequestToken: token, stack }) =>
        Effect.flatMap(answerTo({ _tag: "continueRollback", token, stack }), toRolledBack),
      // It only adds causes to a failure that is already decided.
      failedEvents: () =>
        Effect.succeed([])
    })
    const codePipeline = Layer.mock(CodePipeline, {
      report: (_, outcome) =>
        Effect.flatMap(answerTo({ _tag: "report", outcome }), toReported)
    })
    const fiber = yield* JobRunner.run(action, event).pipe(
      Effect.provide([cloudFormation, codePipeline, artifacts]),
      Effect.provideService(Clock.Clock, clock),
      Effect.forkChild({ startImmediately: true })
    )
    const next = yield* Effect.raceFirst(
      Effect.map(Deferred.await(pendingCall), (call): Step => ({ _tag: "Call", call })),
      Effect.map(Fiber.await(fiber), (exit): Step => ({ _tag: Exit.isSuccess(exit) ? "Returned" : "Rejected" }))
    )
    yield* Fiber.interrupt(fiber)
    return next
  }).pipe(Effect.provide(Logger.layer([])))
