// The contract of an action: what it takes, what it remembers, how it begins and goes on, and what each of its failures
// means to CodePipeline. Everything around that is the work of JobRunner.
import * as Data from "effect/Data"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type * as Schema from "effect/Schema"
import type { AwsDenied, AwsRejected, AwsUnavailable } from "../domain/AwsError.ts"
import type { Execution } from "../domain/ContinuationToken.ts"
import type { Job } from "../domain/Job.ts"
import type { Failure, Progress, Success } from "../domain/JobOutcome.ts"
import type {
  ArtifactDenied,
  ArtifactNotFound,
  ArtifactUnreadable,
  ArtifactUnwritable,
  FileTooLarge
} from "../services/ArtifactStore.ts"

/** What an action is given each time that CodePipeline invokes it. */
export interface Invocation<Parameters> {
  readonly job: Job
  /** `UserParameters`, decoded. They may have changed since the action began. */
  readonly parameters: Parameters
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

/** The errors of an action are told apart by their tags. */
export interface TaggedError {
  readonly _tag: string
}

/** What each error means to CodePipeline. An error that is not listed does not compile. */
export type Failures<E extends TaggedError> = {
  readonly [Tag in E["_tag"]]: (error: Extract<E, { readonly _tag: Tag }>) => Failure
}

export interface Action<Parameters, State, E extends TaggedError, R> {
  /** Tells the tokens and the log lines of this action from those of others. */
  readonly name: string
  /** Decodes the text of `UserParameters`; `UserParameters.json` makes one for JSON. */
  readonly parameters: Schema.Codec<Parameters, string>
  /** What the action remembers between two jobs: about 1,800 characters of JSON at most. */
  readonly state: Schema.Codec<State, unknown>
  /**
   * Begins. The same event may arrive twice, also at the same time: whatever `start` begins has to be known again by
   * `execution.firstJobId`.
   */
  readonly start: (invocation: Invocation<Parameters>) => Effect.Effect<Step<State>, E, R>
  /** Goes on. None: the token was not written by this action, so that nothing is known but the job. */
  readonly resume: (
    invocation: Invocation<Parameters>,
    state: Option.Option<State>
  ) => Effect.Effect<Step<State>, E, R>
  /**
   * How long the action may take, over all its jobs. One that would go on after that fails instead, with what it waited
   * for. 23 hours and 30 minutes when left out, and at most: CodePipeline itself ends an action after 24 hours.
   */
  readonly timeout?: ((parameters: Parameters) => Duration.Duration | undefined) | undefined
  readonly failure: Failures<E>
}

/** Puts an action together. `start` and `resume` may fail with different errors; `failure` has to know all of them. */
export const make = <Parameters, State, E1 extends TaggedError, E2 extends TaggedError, R1, R2>(action: {
  readonly name: string
  readonly parameters: Schema.Codec<Parameters, string>
  readonly state: Schema.Codec<State, unknown>
  readonly start: (invocation: Invocation<Parameters>) => Effect.Effect<Step<State>, E1, R1>
  readonly resume: (
    invocation: Invocation<Parameters>,
    state: Option.Option<State>
  ) => Effect.Effect<Step<State>, E2, R2>
  readonly timeout?: (parameters: NoInfer<Parameters>) => Duration.Duration | undefined
  readonly failure: Failures<NoInfer<E1 | E2>>
}): Action<Parameters, State, E1 | E2, R1 | R2> => action

/** What the errors of ArtifactStore mean. */
export const artifactFailures: Failures<
  ArtifactNotFound | ArtifactUnreadable | ArtifactUnwritable | ArtifactDenied | FileTooLarge
> = {
  ArtifactNotFound: ({ message }) => ({ type: "RevisionUnavailable", message }),
  ArtifactUnreadable: ({ message }) => ({ type: "RevisionUnavailable", message }),
  ArtifactUnwritable: ({ message }) => ({ type: "JobFailed", message }),
  ArtifactDenied: ({ message }) => ({ type: "PermissionError", message }),
  FileTooLarge: ({ message }) => ({ type: "ConfigurationError", message })
}

/** What the errors of AWS calls mean, for actions that do not know better. */
export const awsFailures: Failures<AwsUnavailable | AwsDenied | AwsRejected> = {
  AwsUnavailable: ({ message }) => ({
    type: "SystemUnavailable",
    message: `${message.replace(/\.$/, "")}. Retry the action when AWS answers again`
  }),
  AwsDenied: ({ message, operation }) => ({
    type: "PermissionError",
    message: `${message.replace(/\.$/, "")}. The role of the Lambda function needs ${operation}`
  }),
  AwsRejected: ({ message }) => ({ type: "JobFailed", message })
}
