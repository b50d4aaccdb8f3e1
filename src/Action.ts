// The contract of an action: its parameters, its state, how it starts and resumes, and how each of its errors fails the
// job. JobRunner does everything else.
import * as Data from "effect/Data"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import type { AwsDenied, AwsRejected, AwsUnavailable } from "./domain/job/AwsError.ts"
import type { Execution } from "./domain/job/ContinuationToken.ts"
import type { Job } from "./domain/job/Job.ts"
import type { Failure, FailureType, Progress, Success } from "./domain/job/JobOutcome.ts"
import { sentences } from "./domain/text/sentences.ts"
import type {
  ArtifactDenied,
  ArtifactNotFound,
  ArtifactUnreadable,
  ArtifactUnwritable,
  FileTooLarge
} from "./services/ArtifactStore.ts"

/** The input of an action in each invocation. */
export interface Invocation<Params> {
  /** The job of this invocation. Each job of an action has its own id. */
  readonly job: Job
  /** The decoded `UserParameters`. They may have changed since the action's first job. */
  readonly parameters: Params
  /** What all jobs of the action share. */
  readonly execution: Execution
}

/** The action succeeded. */
export interface Done extends Success {
  readonly _tag: "Done"
}

/** The action continues in another job, with this state. */
export interface Continue<State> extends Progress {
  readonly _tag: "Continue"
  /** What the next job resumes from. */
  readonly state: State
}

/** No operation was started yet: another job starts the action again. */
export interface StartAgain extends Progress {
  readonly _tag: "StartAgain"
}

/** The result of one invocation. */
export type Step<State> = Done | Continue<State> | StartAgain
interface StepDefinition extends Data.TaggedEnum.WithGenerics<1> {
  readonly taggedEnum: Step<this["A"]>
}
/** Its constructors, `$is` and `$match`. */
export const Step = Data.taggedEnum<StepDefinition>()

/** An error of an action, identified by its tag, such as one of `Schema.TaggedError` or `Data.TaggedError`. */
export interface TaggedError {
  readonly _tag: string
  /** For readers of the console: what happened, to which thing, and what to do about it. */
  readonly message: string
}

/**
 * How each error fails the job: a failure type, reported with the error's own message, or a function that returns the
 * whole failure. Omitting an error is a compile-time error.
 */
export type Failures<E extends TaggedError> = {
  readonly [Tag in E["_tag"]]: FailureType | ((error: Extract<E, { readonly _tag: Tag }>) => Failure)
}

/** The properties that every action has. */
export interface ActionDefinition<Params> {
  /** Identifies the action in continuation tokens, log lines, spans and metrics. */
  readonly name: string
  /** Decodes the text of `UserParameters`; `UserParameters.json` makes one for JSON. */
  readonly parameters: Schema.Codec<Params, string>
  /**
   * Annotations of log lines and spans besides the job's id and the action's name: the stack, the machine, … that the job
   * is about. They are visible to everyone who may read logs and traces.
   */
  readonly annotations?: ((parameters: Params) => Readonly<Record<string, string>>) | undefined
  /**
   * The maximum duration of the action, over all its jobs. An action that would continue afterwards fails with the
   * message of what it was waiting for. Default and maximum: 23 hours and 30 minutes, as CodePipeline itself ends an
   * action after 24 hours.
   */
  readonly timeout?: ((parameters: Params) => Duration.Duration | undefined) | undefined
}

/** Starts an action, or recovers one whose state is unknown. */
export type Start<Params, State, E, R> = (invocation: Invocation<Params>) => Effect.Effect<Step<State>, E, R>

/** Resumes an action from the state that it left. */
export type Resume<Params, State, E, R> = (
  invocation: Invocation<Params>,
  state: State
) => Effect.Effect<Step<State>, E, R>

/** How an action failed. */
export interface FailureContext {
  /** Whether the action reached its timeout. */
  readonly isTimeout: boolean
}

/** Stops or removes what a failed action has begun. */
export type OnFailure<Params, State, R> = (
  invocation: Invocation<Params>,
  state: State,
  context: FailureContext
) => Effect.Effect<string | void, unknown, R>

/** An action as {@link make} and {@link makeStateless} return it and `JobRunner` runs it. */
export interface Action<Params, State, E extends TaggedError, R> extends ActionDefinition<Params> {
  /** What the action keeps between two jobs. */
  readonly state: Schema.Codec<State, unknown>
  /** Runs in the first job. */
  readonly start: Start<Params, State, E, R>
  /** Runs in each later job. */
  readonly resume: Resume<Params, State, E, R>
  /** Runs in a later job whose state cannot be decoded. Default: the job fails. */
  readonly recover?: Start<Params, State, E, R> | undefined
  /** Runs before a failure is reported. Default: nothing. */
  readonly onFailure?: OnFailure<Params, State, R> | undefined
  /** How each error fails the job. */
  readonly failures: Failures<E>
}

/**
 * Makes an action that may continue over several jobs: `Action.make({ … })({ … })`. Its functions may fail with different
 * errors; the second call maps each of them to a failure. It is a separate call so that TypeScript has inferred all
 * errors by then, also those of inline functions.
 */
export const make = <
  Params,
  State,
  E1 extends TaggedError,
  E2 extends TaggedError,
  R1,
  R2,
  E3 extends TaggedError = never,
  R3 = never,
  R4 = never
>(
  action: ActionDefinition<Params> & {
    /**
     * What the action keeps between two jobs. Maximum size as JSON: 1,853 characters less those of the action's name. A
     * continuation token has 2,048; the runner needs the rest. A larger state fails the job when the action first
     * continues with it. A state that does not satisfy this schema is a bug and fails the job; mark parts that only serve
     * messages with {@link bestEffort}.
     */
    readonly state: Schema.Codec<State, unknown>
    /**
     * Starts the action. Lambda may deliver the same event twice, also at the same time: make `start` idempotent, with
     * `execution.firstJobId` as the idempotency key.
     */
    readonly start: Start<Params, NoInfer<State>, E1, R1>
    /** Resumes from the state that the previous job left. */
    readonly resume: (
      invocation: Invocation<Params>,
      state: State
    ) => Effect.Effect<Step<NoInfer<State>>, E2, R2>
    /**
     * Resumes without a state: another function wrote the token, or a version of this one with another state schema.
     * `execution` is that of a first job. Default: the job fails.
     */
    readonly recover?: Start<Params, NoInfer<State>, E3, R3>
    /**
     * Stops or removes what the action has begun, when it fails or reaches its timeout. It gets the last state, and is not
     * called before there is one: `start` undoes its own work when it fails. It runs before the failure is reported,
     * within the deadline of the invocation, and may run again for a redelivered event: make it idempotent. If it fails
     * or takes too long, this is logged, and the action's own failure is reported all the same. A text that it returns is a
     * sentence of the reported message: what it has done, or could not do. Default: nothing.
     */
    readonly onFailure?: OnFailure<Params, NoInfer<State>, R4>
  }
) =>
(failures: Failures<E1 | E2 | E3>): Action<Params, State, E1 | E2 | E3, R1 | R2 | R3 | R4> => ({ ...action, failures })

/**
 * Makes an action without state: `Action.makeStateless({ … })({ … })`, as {@link make} without `state` and `resume`. It
 * ends in one job, or `Step.StartAgain` lets another job start it again.
 */
export const makeStateless = <Params, E extends TaggedError, R>(
  action: ActionDefinition<Params> & {
    /** Runs the action. Lambda may deliver the same event twice, also at the same time: make it idempotent. */
    readonly start: Start<Params, never, E, R>
  }
) =>
(failures: Failures<E>): Action<Params, never, E, R> => ({
  ...action,
  state: Schema.Never,
  resume: (_, state) => state,
  failures
})

/** What {@link poll} learns of the operation: it goes on, or it is complete. */
export type Poll = Done | Pending

/** The operation goes on: the next job checks it again. */
export interface Pending extends Progress {
  readonly _tag: "Pending"
}
/** Its constructors, `$is` and `$match`. */
export const Poll = Data.taggedEnum<Poll>()

/**
 * Makes an action that begins one operation and polls it until it is complete: `Action.poll({ … })({ … })`, as
 * {@link make} with `begin` and `check`. One job begins, and each later job checks once. CodePipeline sends the next job
 * about 30 seconds after the last one, and ends an action after 24 hours.
 */
export const poll = <
  Params,
  State,
  E1 extends TaggedError,
  E2 extends TaggedError,
  R1,
  R2,
  R3 = never
>(
  { begin, check, ...action }: ActionDefinition<Params> & {
    /** What identifies the operation, such as its id. See `state` of {@link make} for its limits. */
    readonly state: Schema.Codec<State, unknown>
    /**
     * Begins the operation. Lambda may deliver the same event twice, also at the same time: make it idempotent, with
     * `execution.firstJobId` as the idempotency key.
     */
    readonly begin: (
      invocation: Invocation<Params>
    ) => Effect.Effect<Progress & { readonly state: NoInfer<State> }, E1, R1>
    /** Looks how far the operation is. It fails if the operation failed. */
    readonly check: (invocation: Invocation<Params>, state: State) => Effect.Effect<Poll, E2, R2>
    /** As of {@link make}: stops an operation that takes too long. */
    readonly onFailure?: OnFailure<Params, NoInfer<State>, R3>
  }
) =>
  make({
    ...action,
    start: (invocation) => Effect.map(begin(invocation), (begun) => Step.Continue(begun)),
    resume: (invocation, state) =>
      Effect.map(
        check(invocation, state),
        Poll.$match({
          Done: (done): Step<State> => done,
          Pending: ({ _tag, ...progress }) => Step.Continue({ ...progress, state })
        })
      )
  })

/**
 * An optional field of a state that only serves messages, such as progress. A value that does not satisfy the schema is
 * omitted and logged as a warning; it never fails the job.
 */
export const bestEffort = <S extends Schema.Constraint>(schema: S) =>
  Schema.optionalKey(
    Schema.catchDecoding<Schema.middlewareEncoding<S, S["EncodingServices"]>>(omit)(
      Schema.catchEncoding<S>(omit)(schema)
    )
  )

const format = SchemaIssue.makeFormatterDefault()

const omit = (issue: SchemaIssue.Issue) =>
  Effect.as(
    Effect.logWarning(
      `A part of the state that only serves messages is omitted: ${format(issue)}`
    ),
    Option.none()
  )

/** How the errors of ArtifactStore fail a job. */
export const artifactFailures: Failures<
  ArtifactNotFound | ArtifactUnreadable | ArtifactUnwritable | ArtifactDenied | FileTooLarge
> = {
  ArtifactNotFound: "RevisionUnavailable",
  ArtifactUnreadable: "RevisionUnavailable",
  ArtifactUnwritable: "JobFailed",
  ArtifactDenied: "PermissionError",
  FileTooLarge: "ConfigurationError"
}

/** How the errors of AWS calls fail a job. Permissions are those of the Lambda function's role. */
export const awsFailures: Failures<AwsUnavailable | AwsDenied | AwsRejected> = {
  AwsUnavailable: ({ problem }) => ({
    type: "SystemUnavailable",
    message: sentences(problem, "Retry the action when AWS answers again")
  }),
  AwsDenied: ({ needed, problem }) => ({
    type: "PermissionError",
    message: sentences(
      problem,
      needed === undefined
        ? "Check the credentials and the clock of the Lambda function"
        : `The role of the Lambda function needs ${needed}`
    )
  }),
  AwsRejected: "JobFailed"
}
