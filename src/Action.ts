// The contract of an action: what it takes, what it remembers, how it begins and goes on, and what each of its failures
// means to CodePipeline. Everything around that is the work of JobRunner.
import * as Data from "effect/Data"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { AwsDenied, AwsRejected, AwsUnavailable } from "./domain/job/AwsError.ts"
import type { Execution } from "./domain/job/ContinuationToken.ts"
import type { Job } from "./domain/job/Job.ts"
import type { Failure, FailureType, Progress, Success } from "./domain/job/JobOutcome.ts"
import type {
  ArtifactDenied,
  ArtifactNotFound,
  ArtifactUnreadable,
  ArtifactUnwritable,
  FileTooLarge
} from "./services/ArtifactStore.ts"

/** What an action is given each time that CodePipeline invokes it. */
export interface Invocation<Params> {
  readonly job: Job
  /** `UserParameters`, decoded. They may have changed since the action began. */
  readonly parameters: Params
  /** What stays the same from the first job of the action to its last. */
  readonly execution: Execution
}

/** How one invocation ends well. */
export type Step<State> = Data.TaggedEnum<{
  /** The action is over. */
  Done: Success
  /** The action goes on in another job, with this state. */
  Continue: Progress & { readonly state: State }
  /** Nothing was begun yet: another job starts the action again. */
  StartAgain: Progress
}>
interface StepDefinition extends Data.TaggedEnum.WithGenerics<1> {
  readonly taggedEnum: Step<this["A"]>
}
export const Step = Data.taggedEnum<StepDefinition>()

/** The errors of an action, told apart by their tags: those of `Schema.TaggedError` and `Data.TaggedError` are. */
export interface TaggedError {
  readonly _tag: string
  /** For the person who reads it in the console: what happened, to which thing, and what to do about it. */
  readonly message: string
}

/**
 * What each error means to CodePipeline: a type of failure, told in the error's own message, or a function that says
 * more. An error that is not listed does not compile.
 */
export type Failures<E extends TaggedError> = {
  readonly [Tag in E["_tag"]]: FailureType | ((error: Extract<E, { readonly _tag: Tag }>) => Failure)
}

/** What every action has. */
export interface ActionDefinition<Params> {
  /** Tells the tokens, log lines, spans and metrics of this action from those of others. */
  readonly name: string
  /** Decodes the text of `UserParameters`; `UserParameters.json` makes one for JSON. */
  readonly parameters: Schema.Codec<Params, string>
  /**
   * What its log lines and spans say of the job besides its id and the action: the stack, the machine, … that it is
   * about. Whoever may see logs and traces sees it.
   */
  readonly annotations?: ((parameters: Params) => Readonly<Record<string, string>>) | undefined
  /**
   * How long the action may take, over all its jobs. One that would go on after that fails instead, with what it waited
   * for. 23 hours and 30 minutes when left out, and at most: CodePipeline itself ends an action after 24 hours.
   */
  readonly timeout?: ((parameters: Params) => Duration.Duration | undefined) | undefined
}

/** Begins an action, or begins again where nothing is known. */
export type Start<Params, State, E, R> = (invocation: Invocation<Params>) => Effect.Effect<Step<State>, E, R>

/** Goes on with an action from the state that it has left. */
export type Resume<Params, State, E, R> = (
  invocation: Invocation<Params>,
  state: State
) => Effect.Effect<Step<State>, E, R>

/** An action, as {@link make} and {@link makeStateless} put it together and `JobRunner` runs it. */
export interface Action<Params, State, E extends TaggedError, R> extends ActionDefinition<Params> {
  readonly state: Schema.Codec<State, unknown>
  readonly start: Start<Params, State, E, R>
  readonly resume: Resume<Params, State, E, R>
  readonly recover?: Start<Params, State, E, R> | undefined
  readonly failures: Failures<E>
}

/**
 * An action that may go on over several jobs: `Action.make({ … })({ … })`. Its functions may fail with different errors;
 * the second call says what each of them means to CodePipeline. It is a call of its own so that TypeScript knows all
 * errors by then, also of functions that are written in place.
 */
export const make = <
  Params,
  State,
  E1 extends TaggedError,
  E2 extends TaggedError,
  R1,
  R2,
  E3 extends TaggedError = never,
  R3 = never
>(
  action: ActionDefinition<Params> & {
    /**
     * What the action remembers between two jobs. As JSON it may have 1,853 characters less those of the action's name: a
     * continuation token has 2,048, and the rest is for what the runner keeps beside the state. A longer one fails the job
     * when the action first wants to go on with it.
     */
    readonly state: Schema.Codec<State, unknown>
    /**
     * Begins. The same event may arrive twice, also at the same time: whatever `start` begins has to be known again by
     * `execution.firstJobId`.
     */
    readonly start: Start<Params, NoInfer<State>, E1, R1>
    /** Goes on from the state that the job before has left. */
    readonly resume: (
      invocation: Invocation<Params>,
      state: State
    ) => Effect.Effect<Step<NoInfer<State>>, E2, R2>
    /**
     * Goes on where there is no state: the token was written by another function, or by a version of this one with
     * another state. `execution` begins anew. The job fails when this is left out.
     */
    readonly recover?: Start<Params, NoInfer<State>, E3, R3>
  }
) =>
(failures: Failures<E1 | E2 | E3>): Action<Params, State, E1 | E2 | E3, R1 | R2 | R3> => ({ ...action, failures })

/**
 * An action that remembers nothing between two jobs: `Action.makeStateless({ … })({ … })`, as {@link make} without `state`
 * and `resume`. It is over in one job, or `Step.StartAgain` has another job start it again.
 */
export const makeStateless = <Params, E extends TaggedError, R>(
  action: ActionDefinition<Params> & {
    /** Does it. The same event may arrive twice, also at the same time; `execution.firstJobId` is the same then. */
    readonly start: Start<Params, never, E, R>
  }
) =>
(failures: Failures<E>): Action<Params, never, E, R> => ({
  ...action,
  state: Schema.Never,
  resume: (_, state) => state,
  failures
})

/** What the errors of ArtifactStore mean. */
export const artifactFailures: Failures<
  ArtifactNotFound | ArtifactUnreadable | ArtifactUnwritable | ArtifactDenied | FileTooLarge
> = {
  ArtifactNotFound: "RevisionUnavailable",
  ArtifactUnreadable: "RevisionUnavailable",
  ArtifactUnwritable: "JobFailed",
  ArtifactDenied: "PermissionError",
  FileTooLarge: "ConfigurationError"
}

/** What the errors of AWS calls mean, for actions that do not know better. */
export const awsFailures: Failures<AwsUnavailable | AwsDenied | AwsRejected> = {
  AwsUnavailable: ({ message }) => ({
    type: "SystemUnavailable",
    message: `${message.replace(/\.$/, "")}. Retry the action when AWS answers again`
  }),
  AwsDenied: ({ message, needed }) => ({
    type: "PermissionError",
    message: `${message.replace(/\.$/, "")}. The role of the Lambda function needs ${needed}`
  }),
  AwsRejected: "JobFailed"
}
