// Reads the settings of a stack besides its template: out of UserParameters and the files that they name.
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { Job } from "../../domain/job/Job.ts"
import type { StackOptions } from "../../domain/stack/Stack.ts"
import * as StackCapability from "../../domain/stack/StackCapability.ts"
import * as StackParameters from "../../domain/stack/StackParameters.ts"
import * as StackTags from "../../domain/stack/StackTags.ts"
import * as TemplateConfiguration from "../../domain/stack/TemplateConfiguration.ts"
import { sentences } from "../../domain/text/sentences.ts"
import { type ArtifactNotFound, ArtifactStore } from "../../services/ArtifactStore.ts"
import type { DeployStackParameters } from "./Parameters.ts"

/** The template configuration file is invalid. */
export class TemplateConfigurationInvalid
  extends Schema.TaggedError<TemplateConfigurationInvalid>()("TemplateConfigurationInvalid", {
    artifact: Schema.String,
    file: Schema.String,
    problems: Schema.Array(Schema.String)
  })
{
  override get message() {
    return `The template configuration "${this.file}" in artifact "${this.artifact}" cannot be used: ` +
      this.problems.join("; ")
  }
}

/** Parameters or tags are invalid for the template or for CloudFormation. The message has no values. */
export class StackSettingsInvalid extends Schema.TaggedError<StackSettingsInvalid>()("StackSettingsInvalid", {
  problems: Schema.Array(Schema.String)
}) {
  override get message() {
    return this.problems.join("; ")
  }
}

/** The template requires capabilities that UserParameters do not have. */
export class CapabilitiesMissing extends Schema.TaggedError<CapabilitiesMissing>()("CapabilitiesMissing", {
  stack: Schema.String,
  /** CloudFormation's own words. */
  reason: Schema.String,
  given: Schema.Array(Schema.String),
  required: Schema.Array(Schema.String)
}) {
  get problem() {
    return `CloudFormation does not take the template of stack "${this.stack}" as it is. ${this.reason}`
  }
  get advice() {
    return `If the template may do that, add ${StackCapability.option(this.given, this.required)} to UserParameters`
  }
  override get message() {
    return sentences(this.problem, this.advice)
  }
}

/** The settings, with all references to files resolved. */
export interface StackSettings {
  readonly values: StackParameters.ResolvedValues
  readonly options: StackOptions
  readonly terminationProtection: boolean | undefined
}

/** The number of files to read at the same time. */
const concurrency = 4

/** Reads the files that UserParameters name, if any. */
export const read = Effect.fn("StackSettings.read")(function*(job: Job, parameters: DeployStackParameters) {
  const { capabilities, disableRollback, notificationArns, retainExceptOnCreate, roleArn, terminationProtection } =
    parameters
  const { Parameters, StackPolicy, Tags } = yield* readConfiguration(job, parameters.templateConfiguration)
  const named = StackParameters.merge(Parameters, parameters.parameters)
  const values = yield* resolve(job, named)
  const tags = Tags === undefined && parameters.tags === undefined
    ? undefined
    : yield* Effect.fromResult(StackTags.render(StackParameters.merge(Tags, parameters.tags))).pipe(
      Effect.mapError((problem) => new StackSettingsInvalid({ problems: [problem] }))
    )
  return {
    values,
    options: {
      capabilities,
      tags,
      roleArn,
      notificationArns,
      disableRollback,
      retainExceptOnCreate,
      stackPolicy: StackPolicy && JSON.stringify(StackPolicy)
    },
    terminationProtection
  } satisfies StackSettings
})

const none: TemplateConfiguration.TemplateConfiguration = {}

export const readConfiguration = Effect.fnUntraced(function*(job: Job, place: string | undefined) {
  if (place === undefined) return none
  const [artifact = "", ...path] = place.split("::")
  const file = path.join("::")
  const store = yield* ArtifactStore
  const bytes = yield* store.read(job, { artifact, file })
  return yield* Effect.fromResult(TemplateConfiguration.decode(bytes)).pipe(
    Effect.mapError((problems) => new TemplateConfigurationInvalid({ artifact, file, problems }))
  )
})

/** Reads each file once, however many values are in it. */
const resolve = Effect.fnUntraced(function*(job: Job, named: ReadonlyMap<string, StackParameters.ParameterValue>) {
  const store = yield* ArtifactStore
  const files = new Map<string, { readonly artifact: string; readonly file: string }>()
  for (const value of named.values()) {
    StackParameters.match(value, {
      text: () => undefined,
      templateDefault: () => undefined,
      attribute: () => undefined,
      param: (artifact, file) => void files.set(keyOf(artifact, file), { artifact, file })
    })
  }
  const contents = new Map(
    yield* Effect.forEach(
      files,
      ([key, file]) => Effect.map(store.read(job, file), (bytes) => [key, bytes] as const),
      { concurrency }
    )
  )
  const texts = yield* Effect.forEach(named, ([name, value]) =>
    Effect.map(
      StackParameters.match<Effect.Effect<Result.Result<string | null, string>, ArtifactNotFound>>(value, {
        text: (text) => Effect.succeed(Result.succeed(text)),
        templateDefault: () => Effect.succeed(Result.succeed(null)),
        attribute: (artifact, attribute) =>
          Effect.map(store.locate(job, artifact), ({ bucket, key, url }) =>
            Result.succeed({ BucketName: bucket, ObjectKey: key, URL: url }[attribute])),
        param: (artifact, file, key) =>
          Effect.succeed(
            StackParameters.valueAt(contents.get(keyOf(artifact, file)) ?? new Uint8Array(), key).pipe(
              Result.mapError((reason) =>
                `The value of parameter "${name}" cannot be read from "${file}" in artifact "${artifact}": ${reason}`
              )
            )
          )
      }),
      Result.map((text) =>
        [name, text] as const
      )
    ))
  const problems = texts.flatMap((text) => Result.isFailure(text) ? [text.failure] : [])
  if (problems.length > 0) return yield* new StackSettingsInvalid({ problems })
  return new Map(texts.flatMap((text) => Result.isSuccess(text) ? [text.success] : []))
})

const keyOf = (artifact: string, file: string) => JSON.stringify([artifact, file])
