// The real program (JobRunner with DeployStack), run up to its next call. A run that is under way cannot be copied, so
// it is kept as what it was given: the event, and the answers so far. It is run again from the start for each next step.
import { Clock, Deferred, Effect, Exit, Fiber, type Layer, Logger, Option } from "effect"
import type { Action, TaggedError } from "../../src/Action.ts"
import { AwsDenied, AwsRejected, AwsUnavailable } from "../../src/domain/job/AwsError.ts"
import type { JobId } from "../../src/domain/job/Job.ts"
import type { JobOutcome } from "../../src/domain/job/JobOutcome.ts"
import * as JobRunner from "../../src/JobRunner.ts"
import type { ArtifactStore } from "../../src/services/ArtifactStore.ts"
import { CloudFormation, NoUpdates, StackExists, StackNotReady, TokenUsed } from "../../src/services/CloudFormation.ts"
import { CodePipeline, JobNotOpen } from "../../src/services/CodePipeline.ts"
import type * as Cloud from "./cloud.ts"

/** What the program asks the world for. */
export type Call =
  | { readonly _tag: "describe" | "events"; readonly stack: string }
  | { readonly _tag: "create"; readonly token: string }
  | { readonly _tag: "update" | "delete"; readonly token: string; readonly stack: string }
  | { readonly _tag: "report"; readonly outcome: JobOutcome }

/** What the world says to it. */
export type Answer =
  | { readonly _tag: "Stack"; readonly stack: Cloud.ModelStack | undefined }
  | { readonly _tag: "Events"; readonly events: ReadonlyArray<Cloud.ModelEvent> }
  | { readonly _tag: "Unavailable" | "Denied" | "Taken" | "NotOpen" }
  | Cloud.Answer

/** The program waits for an answer, or its handler has returned, or it has failed so that the event comes again. */
export type Next = { readonly _tag: "Call"; readonly call: Call } | { readonly _tag: "Returned" | "Rejected" }

const fields = { operation: "cloudformation:Call", code: "Code", detail: "detail" }

const exitOf = (answer: Answer): Exit.Exit<unknown, unknown> => {
  const stack = "MyTestStack"
  switch (answer._tag) {
    case "Stack":
      return Exit.succeed(Option.fromUndefinedOr(answer.stack).pipe(Option.map(toStack)))
    case "Events":
      return Exit.succeed(answer.events)
    case "Taken":
      return Exit.void
    case "Begun":
      return Exit.succeed(answer.stackId)
    case "Unavailable":
      return Exit.fail(new AwsUnavailable(fields))
    case "Denied":
      return Exit.fail(new AwsDenied(fields))
    case "Rejected":
      return Exit.fail(new AwsRejected(fields))
    case "NoUpdates":
      return Exit.fail(new NoUpdates({ stack }))
    case "TokenUsed":
      return Exit.fail(new TokenUsed({ stack }))
    case "StackExists":
      return Exit.fail(new StackExists({ stack }))
    case "StackNotReady":
      return Exit.fail(new StackNotReady({ stack, status: answer.status }))
    default:
      return Exit.fail(new JobNotOpen({ jobId: "any" as JobId, code: "InvalidJobStateException" }))
  }
}

const toStack = ({ changedAt, createdAt, id, status }: Cloud.ModelStack) => ({
  id,
  name: "MyTestStack",
  status,
  reason: undefined,
  createdAt,
  changedAt,
  parameterNames: [],
  terminationProtection: false,
  outputs: {}
})

const toEvents = (stackId: string, events: ReadonlyArray<Cloud.ModelEvent>) =>
  events.map(({ at, status, token }) => ({
    stackId,
    timestamp: at,
    logicalResourceId: "MyTestStack",
    physicalResourceId: stackId,
    resourceType: "AWS::CloudFormation::Stack",
    status,
    ...(token !== "" && { clientRequestToken: token })
  })).toReversed()

interface Tokened {
  readonly clientRequestToken: string
  readonly stack: string
}

const stoppedAt = (millis: number): Clock.Clock => {
  const nanos = BigInt(millis) * 1_000_000n
  return {
    currentTimeMillisUnsafe: () => millis,
    currentTimeMillis: Effect.succeed(millis),
    currentTimeNanosUnsafe: () => nanos,
    currentTimeNanos: Effect.succeed(nanos),
    monotonicTimeNanosUnsafe: () => nanos,
    monotonicTimeNanos: Effect.succeed(nanos),
    sleep: () => Effect.never
  }
}

/** What the program does next with this event, at this time, after these answers. */
export const next = <Parameters, State, E extends TaggedError>(
  action: Action<Parameters, State, E, ArtifactStore | CloudFormation>,
  artifacts: Layer.Layer<ArtifactStore>,
  event: unknown,
  now: number,
  answers: ReadonlyArray<Answer>
): Effect.Effect<Next> =>
  Effect.gen(function*() {
    const waiting = yield* Deferred.make<Call>()
    let calls = 0
    const ask = (call: Call) =>
      Effect.suspend(() => {
        const answer = answers[calls++]
        return answer === undefined
          ? Effect.andThen(Deferred.succeed(waiting, call), Effect.never)
          : exitOf(answer)
      })
    const cloudFormation: Partial<Record<keyof CloudFormation["Service"], unknown>> = {
      describe: (stack: string) => ask({ _tag: "describe", stack }),
      events: (stack: string) =>
        Effect.map(ask({ _tag: "events", stack }), (events) =>
          toEvents(stack, events as ReadonlyArray<Cloud.ModelEvent>)),
      create: ({ clientRequestToken: token }: Tokened) =>
        ask({ _tag: "create", token }),
      update: ({ clientRequestToken: token, stack }: Tokened) => ask({ _tag: "update", token, stack }),
      delete: ({ clientRequestToken: token, stack }: Tokened) => ask({ _tag: "delete", token, stack }),
      // It tells more of what is decided already.
      failedEvents: () => Effect.succeed([])
    }
    const codePipeline = {
      report: (_: JobId, outcome: JobOutcome) => ask({ _tag: "report", outcome })
    } as CodePipeline["Service"]
    const fiber = yield* JobRunner.run(action, event).pipe(
      Effect.provideService(CloudFormation, cloudFormation as CloudFormation["Service"]),
      Effect.provideService(CodePipeline, codePipeline),
      Effect.provide(artifacts),
      Effect.provideService(Clock.Clock, stoppedAt(now)),
      Effect.forkChild({ startImmediately: true })
    )
    const next = yield* Effect.raceFirst(
      Effect.map(Deferred.await(waiting), (call): Next => ({ _tag: "Call", call })),
      Effect.map(Fiber.await(fiber), (exit): Next => ({ _tag: Exit.isSuccess(exit) ? "Returned" : "Rejected" }))
    )
    yield* Fiber.interrupt(fiber)
    return next
  }).pipe(Effect.provide(Logger.layer([])))
