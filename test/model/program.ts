// The real program, JobRunner with an action, run up to its next call. A running fiber cannot be copied into a state, so
// a state holds its inputs instead: the event and the answers so far. Each step runs the program again from its start.
// Between two calls, the program's clock shows the time of the second one.
import { Clock, Deferred, Duration, Effect, Exit, Fiber, Layer, Logger } from "effect"
import type { Action, TaggedError } from "../../src/Action.ts"
import { type AwsError, AwsUnavailable } from "../../src/domain/job/AwsError.ts"
import { JobId } from "../../src/domain/job/Job.ts"
import type { JobOutcome } from "../../src/domain/job/JobOutcome.ts"
import * as JobRunner from "../../src/JobRunner.ts"
import type { ArtifactStore } from "../../src/services/ArtifactStore.ts"
import { AssumeRoleDenied, CloudFormation, type CloudFormationAt } from "../../src/services/CloudFormation.ts"
import { CodePipeline, JobNotOpen } from "../../src/services/CodePipeline.ts"
import { changeSetCalls } from "./changeSetCalls.ts"
import type * as ChangeSets from "./changeSets.ts"
import type * as Cloud from "./cloud.ts"
import type * as Drift from "./drift.ts"
import { driftCalls } from "./driftCalls.ts"
import { fail } from "./failure.ts"
import { stackCalls } from "./stackCalls.ts"

/** A call of the program to its environment. */
export type Call =
  | { readonly _tag: "describe" | "events"; readonly stack: string }
  | { readonly _tag: "summary" }
  | { readonly _tag: "create"; readonly token: string; readonly parameters: ReadonlyArray<string> }
  | {
    readonly _tag: "update" | "delete" | "rollback" | "continueRollback" | "cancelUpdate"
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
  | { readonly _tag: "detectDrift"; readonly stack: string }
  | { readonly _tag: "listDrifts"; readonly stack: string }
  | { readonly _tag: "describeDetection"; readonly detection: string }
  | { readonly _tag: "assumeRole" }
  | { readonly _tag: "report"; readonly outcome: JobOutcome }

/** The account in which a call is made: that of the function, or that of the role which it has assumed. */
export type Account = "own" | "other"

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
  | { readonly _tag: "Unavailable" | "Denied" | "Accepted" | "NotOpen" | "RoleAssumed" | "RoleDenied" }
  | { readonly _tag: "ChangeSet"; readonly changeSet: ChangeSets.Shown | undefined }
  | Cloud.Answer
  | ChangeSets.Answer
  | Drift.Answer

/** An answer, and the time of its call. */
export interface Answered {
  readonly at: number
  readonly answer: Answer
}

/** The program waits for the answer to a call, or its handler has returned, or rejected so that Lambda redelivers. */
export type Step = { readonly _tag: "Call"; readonly call: Call; readonly account: Account } | {
  readonly _tag: "Returned" | "Rejected"
}

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
    const pendingCall = yield* Deferred.make<Step>()
    let calls = 0
    const clock = clockOf(() => answers[calls]?.at ?? now)
    const answerIn = (account: Account) => (call: Call) =>
      Effect.suspend(() => {
        const answered = answers[calls++]
        return answered === undefined
          ? Effect.andThen(Deferred.succeed(pendingCall, { _tag: "Call", call, account }), Effect.never)
          : Effect.succeed(answered.answer)
      })
    const callsIn = (account: Account) => ({
      ...stackCalls(answerIn(account)),
      ...changeSetCalls(answerIn(account)),
      ...driftCalls(answerIn(account)),
      // It only adds causes to a failure that is already decided.
      failedEvents: () => Effect.succeed([])
    })
    const answerTo = answerIn("own")
    const cloudFormation = Layer.mock(CloudFormation, {
      ...callsIn("own"),
      at: ({ assumeRole: role = "" }) =>
        Effect.flatMap(answerTo({ _tag: "assumeRole" }), (answer): ReturnType<CloudFormationAt> => {
          switch (answer._tag) {
            case "RoleAssumed":
              return Effect.succeed({ cloudFormation: callsIn("other") as CloudFormation["Service"], access: {} })
            case "RoleDenied":
              return Effect.fail(new AssumeRoleDenied({ role, reason: "AccessDenied: not so" }))
            case "Unavailable":
              return Effect.fail(new AwsUnavailable({ operation: "sts:AssumeRole", code: "Code", detail: "detail" }))
            default:
              return Effect.die(answer)
          }
        })
    })
    const codePipeline = Layer.mock(CodePipeline, {
      report: (_, outcome) => Effect.flatMap(answerTo({ _tag: "report", outcome }), toReported)
    })
    const fiber = yield* JobRunner.run(action, event).pipe(
      Effect.provide([cloudFormation, codePipeline, artifacts]),
      Effect.provideService(Clock.Clock, clock),
      Effect.forkChild({ startImmediately: true })
    )
    const next = yield* Effect.raceFirst(
      Deferred.await(pendingCall),
      Effect.map(Fiber.await(fiber), (exit): Step => ({ _tag: Exit.isSuccess(exit) ? "Returned" : "Rejected" }))
    )
    yield* Fiber.interrupt(fiber)
    return next
  }).pipe(Effect.provide(Logger.layer([])))
