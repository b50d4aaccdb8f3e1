// The settings of a stack besides its template: reads them out of UserParameters and the files that they name, and gives
// them to the call that starts an operation.
import * as Arr from "effect/Array"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import { constFalse, constTrue } from "effect/Function"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { AwsError } from "../../domain/job/AwsError.ts"
import type { Job } from "../../domain/job/Job.ts"
import type { Stack, StackOptions, TemplateSummary } from "../../domain/stack/Stack.ts"
import * as StackCapability from "../../domain/stack/StackCapability.ts"
import * as StackParameters from "../../domain/stack/StackParameters.ts"
import type { InsufficientCapabilities, UnknownParameters } from "../../domain/stack/StackRequestErrors.ts"
import * as StackTags from "../../domain/stack/StackTags.ts"
import type { Template } from "../../domain/stack/Template.ts"
import * as TemplateConfiguration from "../../domain/stack/TemplateConfiguration.ts"
import { firstOf } from "../../domain/text/lists.ts"
import { sentences } from "../../domain/text/sentences.ts"
import { optionalCall } from "../../runtime/optionalCall.ts"
import { type ArtifactNotFound, ArtifactStore } from "../../services/ArtifactStore.ts"

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
    return `CloudFormation does not accept the template of stack "${this.stack}" as it is. ${this.reason}`
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
}

/** The number of files to read at the same time. */
const concurrency = 4

/** The UserParameters that have settings. */
export interface SettingsParameters extends
  Pick<
    StackOptions,
    "capabilities" | "disableRollback" | "notificationArns" | "onStackFailure" | "retainExceptOnCreate" | "roleArn"
  >
{
  readonly parameters?: StackParameters.ParameterValues | undefined
  readonly tags?: StackTags.StackTags | undefined
  readonly templateConfiguration?: string | undefined
  /** The region of the stack, if it is not that of the function. */
  readonly region?: string | undefined
}

/** Reads the files that UserParameters name, if any. */
export const read = Effect.fn("StackSettings.read")(function*(job: Job, parameters: SettingsParameters) {
  const { capabilities, disableRollback, notificationArns, onStackFailure, retainExceptOnCreate, roleArn } = parameters
  const { Parameters, StackPolicy, Tags } = yield* readConfiguration(job, parameters.templateConfiguration)
  const named = yield* toParameters(
    StackParameters.withinCount(StackParameters.merge(Parameters, parameters.parameters))
  )
  const tags = Tags === undefined && parameters.tags === undefined
    ? undefined
    : yield* Effect.fromResult(StackTags.render(StackParameters.merge(Tags, parameters.tags))).pipe(
      Effect.mapError((problem) => new StackSettingsInvalid({ problems: [problem] }))
    )
  yield* checkRegion(parameters.region, named)
  const values = yield* resolve(job, named)
  return {
    values,
    options: {
      capabilities,
      tags,
      roleArn,
      notificationArns,
      disableRollback,
      onStackFailure,
      retainExceptOnCreate,
      stackPolicy: StackPolicy && JSON.stringify(StackPolicy)
    }
  } satisfies StackSettings
})

/**
 * `Fn::GetArtifactAtt` locates an artifact, which is in the region of the function. CloudFormation and Lambda do not read
 * nested templates and code from another region.
 */
const checkRegion = Effect.fnUntraced(function*(
  region: string | undefined,
  named: ReadonlyMap<string, StackParameters.ParameterValue>
) {
  if (region === undefined) return
  const own = yield* functionRegion
  if (Option.isNone(own) || own.value === region) return
  const located = [...named].filter(([, value]) =>
    StackParameters.match(value, {
      text: constFalse,
      templateDefault: constFalse,
      attribute: constTrue,
      param: constFalse
    })
  )
  if (located.length === 0) return
  const problems = firstOf(
    located,
    ([name]) =>
      `The value of parameter "${name}" is Fn::GetArtifactAtt, but the artifact is in region ${own.value}, and a stack in ` +
      `region ${region} cannot use it from there: copy it to a bucket of that region, and pass the bucket and the key as texts`
  )
  return yield* new StackSettingsInvalid({ problems })
})

const functionRegion = Config.NonEmptyString("AWS_REGION").pipe(
  Config.orElse(() => Config.NonEmptyString("AWS_DEFAULT_REGION")),
  Effect.option
)

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

interface ParamFile {
  readonly artifact: string
  readonly file: string
  /** The name of each parameter whose value is in the file, and the value's key there. */
  readonly params: ReadonlyArray<readonly [name: string, key: string]>
}

/** Reads each file once, however many values are in it, and keeps only the values. */
const resolve = Effect.fnUntraced(function*(job: Job, named: ReadonlyMap<string, StackParameters.ParameterValue>) {
  const store = yield* ArtifactStore
  const files = new Map<string, ParamFile>()
  const texts = yield* Effect.forEach(named, ([name, value]) =>
    Effect.map(
      StackParameters.match<Effect.Effect<string | null, ArtifactNotFound>>(value, {
        text: Effect.succeed,
        templateDefault: () => Effect.succeed(null),
        attribute: (artifact, attribute) =>
          Effect.map(
            store.locate(job, artifact),
            ({ bucket, key, url }) => ({ BucketName: bucket, ObjectKey: key, URL: url }[attribute])
          ),
        param: (artifact, file, key) => {
          const place = JSON.stringify([artifact, file])
          const { params } = files.get(place) ?? { params: [] }
          files.set(place, { artifact, file, params: [...params, [name, key]] })
          // For the order of the parameters.
          return Effect.succeed(null)
        }
      }),
      (text) => [name, text] as const
    ))
  const read = yield* Effect.forEach(
    files.values(),
    ({ artifact, file, params }) =>
      Effect.map(store.read(job, { artifact, file }), (bytes) => {
        const valueAt = StackParameters.valueAt(bytes)
        return params.map(([name, key]) =>
          Result.mapBoth(valueAt(key), {
            onFailure: (reason) => () =>
              `The value of parameter "${name}" cannot be read from "${file}" in artifact "${artifact}": ${reason()}`,
            onSuccess: (text) => [name, text] as const
          })
        )
      }),
    { concurrency }
  )
  const [values, problems] = Arr.separate(read.flat())
  return problems.length > 0
    ? yield* new StackSettingsInvalid({ problems: StackParameters.firstSentences(problems) })
    : new Map([...texts, ...values])
})

/** The stack that a call creates or updates. */
export interface Target {
  /** Its name. */
  readonly stack: string
  /** The stack to update; none to create one. */
  readonly existing: Option.Option<WithParameters>
  /** The deleted stack that the new one replaces. */
  readonly replaced: Option.Option<WithParameters>
}

type WithParameters = Pick<Stack, "parameters">

/** The values of the stack's parameters. */
export const parametersOf = (stack: Option.Option<WithParameters>): ReadonlyMap<string, string> =>
  Option.match(stack, { onNone: () => new Map<string, string>(), onSome: ({ parameters }) => parameters })

/** Fails with the problems. */
export const toParameters = <A>(result: Result.Result<A, ReadonlyArray<string>>) =>
  Effect.mapError(
    Effect.fromResult(result),
    (problems) => new StackSettingsInvalid({ problems })
  )

/**
 * Makes the call that starts an operation, with all settings. The template's summary is read only if parameters matter,
 * and to explain missing capabilities; it is optional.
 */
export const callWithSettings = Effect.fn("StackSettings.callWithSettings")(function*<A, E, R>(
  { existing, replaced, stack }: Target,
  { settings: { options, values }, template }: {
    readonly settings: StackSettings
    readonly template: Template
  },
  templateSummary: (template: Template) => Effect.Effect<TemplateSummary, AwsError>,
  call: (options: StackOptions) => Effect.Effect<A, E | InsufficientCapabilities | UnknownParameters, R>
) {
  const summary = yield* Effect.cached(
    optionalCall(Effect.suspend(() => templateSummary(template)), withoutSummary)
  )
  const previous = parametersOf(existing)
  const carried = parametersOf(replaced)
  const declared = values.size + previous.size + carried.size === 0
    ? Option.none()
    : Option.map(yield* summary, ({ parameters }) => parameters)
  const all = Option.isNone(declared)
    ? StackParameters.withShown(values, carried)
    : carried.size === 0
    ? values
    : yield* toParameters(StackParameters.carryOver(values, declared.value, carried))
  const parameters = yield* toParameters(
    StackParameters.assign({ values: all, declared, previous: [...previous.keys()] })
  )
  const attempt = (parameters: ReadonlyArray<StackParameters.StackParameter>) =>
    call({ ...options, ...(parameters.length > 0 && { parameters }) })
  return yield* attempt(parameters).pipe(
    // Without the summary, values can be kept of parameters that the template no longer has.
    Effect.catchIf(
      isTagged<UnknownParameters>("UnknownParameters"),
      (error) =>
        error.names.some((name) => values.has(name))
          ? Effect.fail(error)
          : attempt(parameters.filter(({ name }) => !error.names.includes(name)))
    ),
    Effect.catchIf(isTagged<UnknownParameters>("UnknownParameters"), ({ names }) =>
      Effect.fail(
        new StackSettingsInvalid({
          problems: firstOf(names, (name) => `The template has no parameter "${name}"`)
        })
      )),
    Effect.catchIf(
      isTagged<InsufficientCapabilities>("InsufficientCapabilities"),
      (error) =>
        Effect.flatMap(
          summary,
          (known) => Effect.fail(capabilitiesMissing(stack, options, error, known))
        )
    )
  )
})

const isTagged = <E extends { readonly _tag: string }>(tag: E["_tag"]) => (error: unknown): error is E =>
  Predicate.isTagged(error, tag)

const withoutSummary =
  "The template's parameters are unknown before the call: CloudFormation reports unknown names, and the stack keeps its " +
  "values of all parameters that are not given."

/** With all capabilities that the template requires, if they are known: CloudFormation reports them one after another. */
const capabilitiesMissing = (
  stack: string,
  { capabilities = [] }: StackOptions,
  { reason, required }: InsufficientCapabilities,
  known: Option.Option<TemplateSummary>
) => {
  const summary = Option.getOrUndefined(known)
  return new CapabilitiesMissing({
    stack,
    given: capabilities,
    required: [...required, ...summary?.capabilities ?? []],
    reason: [reason, summary?.capabilitiesReason ?? ""].filter(Boolean).join(". ")
  })
}
