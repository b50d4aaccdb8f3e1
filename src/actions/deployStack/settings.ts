// What a stack gets besides its template: read out of UserParameters and artifacts, completed with what CloudFormation
// knows of the template and the stack.
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { AwsError } from "../../domain/job/AwsError.ts"
import type { Job } from "../../domain/job/Job.ts"
import type { Stack, StackOptions, TemplateSummary } from "../../domain/stack/Stack.ts"
import * as StackCapability from "../../domain/stack/StackCapability.ts"
import * as StackParameters from "../../domain/stack/StackParameters.ts"
import * as StackTags from "../../domain/stack/StackTags.ts"
import type { Template } from "../../domain/stack/Template.ts"
import * as TemplateConfiguration from "../../domain/stack/TemplateConfiguration.ts"
import { type ArtifactNotFound, ArtifactStore } from "../../services/ArtifactStore.ts"
import { CloudFormation, type InsufficientCapabilities, type UnknownParameters } from "../../services/CloudFormation.ts"
import type { DeployStackParameters } from "./Parameters.ts"

/** The template configuration is not what CodePipeline's own CloudFormation action takes. */
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

/** The parameters or the tags are not what the template or CloudFormation takes. No value is told. */
export class StackSettingsInvalid extends Schema.TaggedError<StackSettingsInvalid>()("StackSettingsInvalid", {
  problems: Schema.Array(Schema.String)
}) {
  override get message() {
    return this.problems.join("; ")
  }
}

/** The template does what UserParameters do not allow. */
export class CapabilitiesMissing extends Schema.TaggedError<CapabilitiesMissing>()("CapabilitiesMissing", {
  stack: Schema.String,
  /** CloudFormation's own words. */
  reason: Schema.String,
  given: Schema.Array(Schema.String),
  required: Schema.Array(Schema.String)
}) {
  override get message() {
    const option = StackCapability.option(this.given, this.required)
    return `CloudFormation does not take the template of stack "${this.stack}" as it is. ${this.reason}. ` +
      `If the template may do that, add ${option} to UserParameters`
  }
}

/** What UserParameters and the files that they name say; no function is left in it. */
export interface StackSettings {
  readonly values: ReadonlyMap<string, string>
  readonly options: StackOptions
  readonly terminationProtection: boolean | undefined
}

/** As many files are read at once. */
const concurrency = 4

/** Reads the files that UserParameters name; none where they name none. */
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

const readConfiguration = Effect.fnUntraced(function*(job: Job, place: string | undefined) {
  if (place === undefined) return none
  const [artifact = "", ...path] = place.split("::")
  const file = path.join("::")
  const store = yield* ArtifactStore
  const bytes = yield* store.read(job, { artifact, file })
  return yield* Effect.fromResult(TemplateConfiguration.decode(bytes)).pipe(
    Effect.mapError((problems) => new TemplateConfigurationInvalid({ artifact, file, problems }))
  )
})

/** Every file is read once, however many values are in it. */
const resolve = Effect.fnUntraced(function*(job: Job, named: ReadonlyMap<string, StackParameters.ParameterValue>) {
  const store = yield* ArtifactStore
  const files = new Map<string, { readonly artifact: string; readonly file: string }>()
  for (const value of named.values()) {
    StackParameters.match(value, {
      text: () => undefined,
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
      StackParameters.match<Effect.Effect<Result.Result<string, string>, ArtifactNotFound>>(value, {
        text: (text) => Effect.succeed(Result.succeed(text)),
        attribute: (artifact, attribute) =>
          Effect.map(store.locate(job, artifact), ({ bucket, key, url }) =>
            Result.succeed({ BucketName: bucket, ObjectKey: key, URL: url }[attribute])),
        param: (artifact, file, key) =>
          Effect.succeed(
            StackParameters.valueAt(contents.get(keyOf(artifact, file)) ?? new Uint8Array(), key).pipe(
              Result.mapError((reason) =>
                `The value of parameter "${name}" cannot be had from "${file}" in artifact "${artifact}": ${reason}`
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

/** What a call is for. */
export interface Target {
  readonly stack: string
  /** The stack that is updated; none where one is created. */
  readonly existing: Option.Option<Stack>
  readonly template: Template
}

/** What a call is given besides the template. */
export type CallOptions = StackOptions & { readonly terminationProtection?: boolean | undefined }

/**
 * Makes the call that begins an operation, with all that the settings say. CloudFormation is asked for the template's
 * parameters only where parameters are named or the stack has values of old, and to explain missing capabilities; a role
 * that may not ask does without.
 */
export const callWithSettings = Effect.fn("StackSettings.callWithSettings")(function*<A, E, R>(
  { options, terminationProtection, values }: StackSettings,
  { existing, stack, template }: Target,
  call: (options: CallOptions) => Effect.Effect<A, E | InsufficientCapabilities | UnknownParameters, R>
) {
  const cloudFormation = yield* CloudFormation
  const previous = Option.match(existing, { onNone: () => [], onSome: ({ parameters }) => [...parameters.keys()] })
  const summary = yield* Effect.cached(summarise(template))
  const declared = values.size === 0 && previous.length === 0
    ? Option.none<ReadonlyArray<string>>()
    : Option.map(yield* summary, ({ parameters }) => parameters.map(({ name }) => name))
  const parameters = yield* Effect.fromResult(StackParameters.assign({ values, declared, previous })).pipe(
    Effect.mapError((problems) => new StackSettingsInvalid({ problems }))
  )
  if (Option.isSome(existing)) {
    const { id, terminationProtection: present } = existing.value
    if (terminationProtection !== undefined && terminationProtection !== present) {
      yield* cloudFormation.setTerminationProtection(id, terminationProtection)
    }
  }
  const attempt = (parameters: ReadonlyArray<StackParameters.StackParameter>) =>
    call({
      ...options,
      ...(parameters.length > 0 && { parameters }),
      ...(Option.isNone(existing) && { terminationProtection })
    })
  return yield* attempt(parameters).pipe(
    // Where the role may not know the template, values were kept of parameters that the template no longer has.
    Effect.catchIf(isUnknownParameters, (error) =>
      error.names.some((name) => values.has(name))
        ? Effect.fail(error)
        : attempt(parameters.filter(({ name }) => !error.names.includes(name)))),
    Effect.catchIf(isUnknownParameters, ({ names }) =>
      Effect.fail(
        new StackSettingsInvalid({ problems: names.map((name) => `The template has no parameter "${name}"`) })
      )),
    Effect.catchIf(
      isInsufficientCapabilities,
      (error) => Effect.flatMap(summary, (known) => Effect.fail(capabilitiesMissing(stack, options, error, known)))
    )
  )
})

const isUnknownParameters = (error: unknown): error is UnknownParameters =>
  Predicate.isTagged(error, "UnknownParameters")

const isInsufficientCapabilities = (error: unknown): error is InsufficientCapabilities =>
  Predicate.isTagged(error, "InsufficientCapabilities")

const summarise = (template: Template): Effect.Effect<
  Option.Option<TemplateSummary>,
  Exclude<AwsError, { readonly _tag: "AwsDenied" }>,
  CloudFormation
> =>
  CloudFormation.use(({ templateSummary }) => templateSummary(template)).pipe(
    Effect.asSome,
    Effect.catchTag("AwsDenied", ({ message }) =>
      Effect.as(
        Effect.logWarning(
          "The template's parameters are not known before the call: a name that it does not have is found by " +
            `CloudFormation, and the stack keeps its values of all that are not named. ${message}`
        ),
        Option.none()
      ))
  )

/** With what the template needs in all, where that may be known: CloudFormation names one thing after another. */
const capabilitiesMissing = (
  stack: string,
  { capabilities = [] }: StackOptions,
  { reason, required }: InsufficientCapabilities,
  known: Option.Option<TemplateSummary>
) =>
  new CapabilitiesMissing({
    stack,
    given: capabilities,
    required: [...required, ...Option.match(known, { onNone: () => [], onSome: ({ capabilities }) => capabilities })],
    reason: Option.match(known, {
      onNone: () => reason,
      onSome: ({ capabilitiesReason }) => [reason, ...(capabilitiesReason ? [capabilitiesReason] : [])].join(". ")
    })
  })
