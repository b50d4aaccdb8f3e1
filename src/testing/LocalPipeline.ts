// Plays CodePipeline for one action: invokes it with a job, and while it continues, with a new job and its token.
import * as Data from "effect/Data"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"
import { decodeJobId, JobId, type NotAJobEvent } from "../domain/job/Job.ts"
import type { JobOutcome } from "../domain/job/JobOutcome.ts"
import * as UserParameters from "../domain/job/UserParameters.ts"
import { CodePipelineMemory } from "./CodePipelineMemory.ts"

/** An artifact of the action: its name, or its name and the location of its zip. */
export type EventArtifact = string | { readonly name: string; readonly bucketName: string; readonly objectKey: string }

/** The parts of an event. */
export interface EventOptions {
  /** The id of the job. */
  readonly id?: string
  /** Default: 111122223333. */
  readonly accountId?: string
  /** The name of the function. Default: `local`. */
  readonly functionName?: string
  /** The action's `UserParameters`: a text, or an object for JSON. */
  readonly userParameters?: string | object
  readonly inputArtifacts?: ReadonlyArray<EventArtifact>
  readonly outputArtifacts?: ReadonlyArray<EventArtifact>
  /** The token that the previous job left. Default: none, for the first job of the action. */
  readonly continuationToken?: string | undefined
  /** The KMS key of the artifacts: its id, ARN or alias. */
  readonly encryptionKey?: string | undefined
}

/** The event of a job as Lambda receives it from CodePipeline, with placeholders for credentials. */
export const event = ({
  id = "11111111-2222-3333-4444-555555555555",
  accountId = "111122223333",
  continuationToken,
  encryptionKey,
  functionName = "local",
  inputArtifacts = [],
  outputArtifacts = [],
  userParameters = ""
}: EventOptions = {}): unknown => ({
  "CodePipeline.job": {
    id,
    accountId,
    data: {
      actionConfiguration: {
        configuration: {
          FunctionName: functionName,
          UserParameters: textOf(userParameters)
        }
      },
      inputArtifacts: inputArtifacts.map(artifact),
      outputArtifacts: outputArtifacts.map(artifact),
      artifactCredentials: { accessKeyId: "local", secretAccessKey: "local", sessionToken: "local" },
      ...(continuationToken !== undefined && { continuationToken }),
      ...(encryptionKey !== undefined && { encryptionKey: { id: encryptionKey, type: "KMS" } })
    }
  }
})

const textOf = (userParameters: string | object) =>
  typeof userParameters === "string" ? userParameters : JSON.stringify(userParameters)

/** As {@link event}, for an action. Fails if the action does not accept the `UserParameters`. */
export const eventFor = <Params>(
  action: { readonly parameters: Schema.Codec<Params, string> },
  options: EventOptions
): Effect.Effect<unknown, UserParameters.UserParametersInvalid> =>
  Effect.as(UserParameters.decode(action.parameters, textOf(options.userParameters ?? "")), event(options))

const artifact = (given: EventArtifact) => {
  const { name, ...s3Location } = typeof given === "string"
    ? { name: given, bucketName: "local-pipeline", objectKey: `local/${given}.zip` }
    : given
  return { name, revision: null, location: { type: "S3", s3Location } }
}

/** The function returned without a report. */
export class NoResult extends Schema.TaggedError<NoResult>()("NoResult", { jobId: JobId }) {
  override get message() {
    return `The function ended without a result for job ${this.jobId}. CodePipeline would wait 20 minutes and fail the action`
  }
}

/** The action still continues after the maximum number of invocations. */
export class TooManyInvocations extends Schema.TaggedError<TooManyInvocations>()("TooManyInvocations", {
  invocations: Schema.Int
}) {
  override get message() {
    return `The action did not complete within ${this.invocations} invocations`
  }
}

/** What happens in the pipeline, in order. */
export type Happening = Data.TaggedEnum<{
  Invoked: { readonly jobId: JobId; readonly invocation: number }
  Reported: { readonly jobId: JobId; readonly invocation: number; readonly outcome: JobOutcome }
}>
/** Its constructors, `$is` and `$match`. */
export const Happening = Data.taggedEnum<Happening>()

/** Options of {@link run}. */
export interface LocalPipelineOptions<E, R, R2 = never> {
  /** The event of the first job. */
  readonly event: unknown
  /** The function, such as `JobRunner.run` of an action. It must report to {@link CodePipelineMemory}. */
  readonly invoke: (event: unknown) => Effect.Effect<unknown, E, R>
  /** The time between two invocations. Default: 30 seconds. */
  readonly interval?: Duration.Input
  /** Default: 1,000. */
  readonly maxInvocations?: number
  /** Receives each happening when it happens. */
  readonly observe?: (happening: Happening) => Effect.Effect<void, never, R2>
}

/** Runs the action to its end, and returns the outcome of its last job. It waits by Effect's `Clock`. */
export const run = Effect.fn("LocalPipeline.run")(function*<E, R, R2 = never>(
  options: LocalPipelineOptions<E, R, R2>
): Effect.fn.Return<
  Exclude<JobOutcome, { readonly _tag: "Continued" }>,
  E | NotAJobEvent | NoResult | TooManyInvocations,
  R | R2 | CodePipelineMemory
> {
  const { interval = "30 seconds", invoke, maxInvocations = 1_000, observe = () => Effect.void } = options
  const { outcomes } = yield* CodePipelineMemory
  let event = options.event
  for (let invocation = 1; invocation <= maxInvocations; invocation++) {
    const jobId = yield* decodeJobId(event)
    yield* observe(Happening.Invoked({ jobId, invocation }))
    yield* invoke(event)
    const outcome = outcomes.get(jobId)
    if (outcome === undefined) return yield* new NoResult({ jobId })
    yield* observe(Happening.Reported({ jobId, invocation, outcome }))
    if (outcome._tag !== "Continued") return outcome
    yield* Effect.sleep(interval)
    event = nextEvent(event, yield* newJobId, outcome.continuationToken)
  }
  return yield* new TooManyInvocations({ invocations: maxInvocations })
})

const uuid = /(.{8})(.{4})(.{4})(.{4})(.{12})/

/** A UUID, as CodePipeline's ids are. */
const newJobId = Effect.map(
  Effect.replicateEffect(Random.nextIntBetween(0, 0x10000), 8),
  (parts) => parts.map((part) => part.toString(16).padStart(4, "0")).join("").replace(uuid, "$1-$2-$3-$4-$5")
)

/** Each continuation is a new job with a new id and the same data otherwise. */
const nextEvent = (event: unknown, id: string, continuationToken: string) => {
  const { "CodePipeline.job": job, ...rest } = event as { readonly "CodePipeline.job": { readonly data?: object } }
  return { ...rest, "CodePipeline.job": { ...job, id, data: { ...job.data, continuationToken } } }
}
