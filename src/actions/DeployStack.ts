// Creates or updates a CloudFormation stack from a template in an input artifact, and watches it to the end. It takes the
// same UserParameters and says the same words as the function that AWS's user guide has for this.
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { AwsError, AwsUnavailable } from "../domain/AwsError.ts"
import type { Execution } from "../domain/ContinuationToken.ts"
import * as StackEvents from "../domain/StackEvents.ts"
import { requestToken, StackOperation } from "../domain/StackOperation.ts"
import * as StackPlan from "../domain/StackPlan.ts"
import { advice } from "../domain/StackStatus.ts"
import * as Template from "../domain/Template.ts"
import * as UserParameters from "../domain/UserParameters.ts"
import { ArtifactStore, type UploadFailed } from "../services/ArtifactStore.ts"
import { CloudFormation, type OperationError, type Stack } from "../services/CloudFormation.ts"
import * as Action from "./Action.ts"

/** The template is no text that CloudFormation takes in a call. */
export class TemplateInvalid extends Schema.TaggedError<TemplateInvalid>()("TemplateInvalid", {
  artifact: Schema.String,
  file: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `The template "${this.file}" in artifact "${this.artifact}" cannot be used: ${this.reason}`
  }
}

/** The stack's status forbids the operation. */
export class StackRefused extends Schema.TaggedError<StackRefused>()("StackRefused", {
  stack: Schema.String,
  status: Schema.String
}) {
  override get message() {
    return `Stack cannot be updated when status is: ${this.status}. ${advice(this.status, this.stack)}`
  }
}

/** CloudFormation did not begin the operation. */
export class OperationRejected extends Schema.TaggedError<OperationRejected>()("OperationRejected", {
  operation: StackOperation,
  stack: Schema.String,
  /** CloudFormation's own words. */
  reason: Schema.String
}) {
  override get message() {
    return `Error ${participles[this.operation]} CloudFormation stack "${this.stack}": ${this.reason}`
  }
}

/** The operation has ended badly. */
export class OperationFailed extends Schema.TaggedError<OperationFailed>()("OperationFailed", {
  stackId: Schema.String,
  status: Schema.String,
  /** Why, oldest first. */
  causes: Schema.Array(Schema.String)
}) {
  override get message() {
    return [`Update failed: ${this.status}`, ...this.causes].join("\n")
  }
}

/** The stack went away while it was watched. */
export class StackMissing extends Schema.TaggedError<StackMissing>()("StackMissing", { stack: Schema.String }) {
  override get message() {
    return `Update failed: stack "${this.stack}" does not exist any more. Somebody has deleted it; retry the action`
  }
}

const participles = { create: "creating", update: "updating" } satisfies Record<StackOperation, string>

const parameter = (what: string) =>
  Schema.NonEmptyString.pipe(
    Schema.annotateKey({ messageMissingKey: `Your UserParameters JSON must include the ${what}` })
  )

const Parameters = UserParameters.json({
  /** Name or ARN of the stack. */
  stack: parameter("stack name").check(Schema.isPattern(/^(?:[a-zA-Z][-a-zA-Z0-9]{0,127}|arn:\S+)$/, {
    expected: "a stack's ARN or name (a letter, then letters, digits and hyphens, 128 characters at most)"
  })),
  /** Path of the template in the artifact. */
  file: parameter("template file name"),
  /** Name of the input artifact. */
  artifact: parameter("artifact name"),
  /** Name of a bucket for templates of more than 51,200 bytes. */
  templateBucket: Schema.optionalKey(Schema.NonEmptyString)
})

/** The stack that is watched, and the operation that was begun on it, unless another program did that. */
const Watching = Schema.Struct({ stackId: Schema.String, operation: Schema.optionalKey(StackOperation) })

type Watching = typeof Watching.Type
type Invocation = Action.Invocation<typeof Parameters.Type>
type Step = Action.Step<Watching>

/** The template as it is in the artifact, but for a byte-order mark. */
const readTemplate = Effect.fn("DeployStack.readTemplate")(
  function*({ job, parameters: { artifact, file } }: Invocation) {
    const store = yield* ArtifactStore
    const read = yield* store.read(job, { artifact, file, maxBytes: Template.limits.templateUrl })
    return yield* Effect.fromResult(Template.decode(read)).pipe(
      Effect.mapError((reason) => new TemplateInvalid({ artifact, file, reason }))
    )
  }
)

type ReadTemplate = Effect.Success<ReturnType<typeof readTemplate>>

/** In the call itself where it is small enough, else by way of a bucket. */
const giveTemplate = Effect.fn("DeployStack.giveTemplate")(function*(
  { parameters: { artifact, file, templateBucket } }: Invocation,
  { bytes, text }: ReadTemplate
): Effect.fn.Return<Template.Template, TemplateInvalid | UploadFailed | AwsUnavailable, ArtifactStore> {
  if (bytes.length <= Template.limits.templateBody) return { templateBody: text }
  const bucket = templateBucket ?? Option.getOrUndefined(yield* environmentBucket)
  if (bucket === undefined) {
    const reason = `it has ${bytes.length} bytes, CloudFormation takes ${Template.limits.templateBody} in a call. ` +
      `Name a bucket to pass larger ones through: "templateBucket" in UserParameters, or TEMPLATE_BUCKET in the ` +
      "environment of the function"
    return yield* new TemplateInvalid({ artifact, file, reason })
  }
  const store = yield* ArtifactStore
  return { templateUrl: yield* store.upload(bucket, bytes) }
})

const environmentBucket = Effect.option(Config.NonEmptyString("TEMPLATE_BUCKET"))

const observe = (stack: Option.Option<Stack>, { startedAt }: Execution): StackPlan.Observation =>
  Option.match(stack, {
    onNone: () => ({ _tag: "Absent" }),
    onSome: ({ changedAt, status }) => ({ _tag: "Present", status, changedSince: changedAt >= startedAt })
  })

/** The stack's history since the action began; none where the role may not read it. */
const readEvents = Effect.fn("DeployStack.readEvents")(function*(stackId: string, { startedAt }: Execution) {
  const cloudFormation = yield* CloudFormation
  return yield* cloudFormation.events(stackId, startedAt).pipe(
    Effect.asSome,
    Effect.catchTag("AwsDenied", (error) =>
      Effect.as(
        Effect.logWarning(`The stack is judged by its status and its times alone. ${error.message}`),
        Option.none<ReadonlyArray<StackEvents.StackEvent>>()
      ))
  )
})

/** What the plan says in the end, and the events that were read to know it. */
const settle = Effect.fnUntraced(function*<Next extends Action.TaggedError>(
  decision: StackPlan.Decision<Next>,
  stack: Option.Option<Stack>,
  execution: Execution,
  operations: ReadonlyArray<StackOperation>
) {
  if (!isReadEvents(decision)) return { next: decision, events: [] }
  const events = yield* Option.match(stack, {
    onNone: () => Effect.succeedSome([]),
    onSome: ({ id }) => readEvents(id, execution)
  })
  const evidence = Option.match(events, {
    onNone: () => StackEvents.Evidence.Denied(),
    onSome: (events) => StackEvents.evidence(events, execution, operations)
  })
  return { next: decision.decide(evidence), events: Option.getOrElse(events, () => []) }
})

const isReadEvents = <Next extends Action.TaggedError>(
  decision: StackPlan.Decision<Next>
): decision is StackPlan.ReadEvents<Next> => decision._tag === "ReadEvents"

const watching = (message: string, state: Watching, percentComplete?: number): Step =>
  Action.Step.Continue({ message, externalExecutionId: state.stackId, state, percentComplete })

/** Looks at the stack, decides and begins. `triesLeft` is for a stack that changes between the look and the call. */
const begin = Effect.fn("DeployStack.begin")(function*(
  invocation: Invocation,
  template: ReadTemplate,
  stack: Option.Option<Stack>,
  triesLeft: number
): Effect.fn.Return<
  Step,
  StackRefused | OperationRejected | TemplateInvalid | UploadFailed | AwsError,
  CloudFormation | ArtifactStore
> {
  const { execution, parameters: { stack: name } } = invocation
  const cloudFormation = yield* CloudFormation
  const decision = StackPlan.start("CREATE_UPDATE", observe(stack, execution))
  const { next } = yield* settle(decision, stack, execution, StackOperation.literals)
  const stackId = Option.match(stack, { onNone: () => name, onSome: ({ id }) => id })

  const lookAgain = (status: string) =>
    triesLeft === 0
      ? Effect.fail(new StackRefused({ stack: name, status }))
      : Effect.flatMap(
        cloudFormation.describe(name),
        (stack) => begin(invocation, template, stack, triesLeft - 1)
      )

  return yield* StackPlan.Start.$match(next, {
    Begin: Effect.fnUntraced(function*({ operation }) {
      const call: Effect.Effect<string, OperationError> = cloudFormation[operation]({
        stack: name,
        ...(yield* giveTemplate(invocation, template)),
        clientRequestToken: requestToken(operation, execution)
      })
      return yield* call.pipe(
        Effect.map((stackId) => watching(`Stack ${operation} started`, { operation, stackId }, 0)),
        Effect.catchTags({
          NoUpdates: () => Effect.succeed(Action.Step.Done({ message: "There were no stack updates" })),
          TokenUsed: () => Effect.succeed(watching(inProgress, { operation, stackId })),
          StackExists: () => lookAgain("CREATE_IN_PROGRESS"),
          StackNotReady: ({ status }) => lookAgain(status),
          AwsRejected: ({ detail }) => Effect.fail(new OperationRejected({ operation, stack: name, reason: detail }))
        })
      )
    }),
    Adopt: ({ operation }) => Effect.succeed(watching(inProgress, { operation, stackId })),
    Postpone: ({ status }) => Effect.succeed(Action.Step.StartAgain({ message: `Waiting for the stack: ${status}` })),
    Refuse: ({ status }) => Effect.fail(new StackRefused({ stack: name, status }))
  })
})

const inProgress = "Stack update still in progress"

const start = Effect.fn("DeployStack.start")(function*(invocation: Invocation) {
  const cloudFormation = yield* CloudFormation
  const [stack, template] = yield* Effect.all(
    [cloudFormation.describe(invocation.parameters.stack), readTemplate(invocation)],
    { concurrency: 2 }
  )
  return yield* begin(invocation, template, stack, 2)
})

const resume = Effect.fn("DeployStack.resume")(function*(
  { execution, parameters }: Invocation,
  state: Option.Option<Watching>
) {
  const { operation, stackId: known }: Watching = Option.getOrElse(state, () => ({ stackId: parameters.stack }))
  const cloudFormation = yield* CloudFormation
  const stack = yield* cloudFormation.describe(known)
  const decision = StackPlan.watch(operation !== undefined, observe(stack, execution))
  const { events, next } = yield* settle(decision, stack, execution, operation === undefined ? [] : [operation])
  const stackId = Option.match(stack, { onNone: () => known, onSome: ({ id }) => id })
  return yield* StackPlan.Watch.$match(next, {
    Wait: () => {
      const status = Option.match(stack, { onNone: () => "", onSome: ({ status }) => `: ${status}` })
      return Effect.succeed(watching(`${inProgress}${status}`, { stackId, ...(operation && { operation }) }))
    },
    Succeed: () => Effect.succeed(Action.Step.Done({ message: "Stack update complete", externalExecutionId: stackId })),
    Miss: () => Effect.fail(new StackMissing({ stack: stackId })),
    Fail: ({ status }) => {
      const causes = operation === undefined ? [] : StackEvents.causes(events, execution, operation)
      const reason = Option.flatMapNullishOr(stack, ({ reason }) => reason)
      return Effect.fail(
        new OperationFailed({ stackId, status, causes: causes.length > 0 ? causes : Option.toArray(reason) })
      )
    }
  })
})

/**
 * Creates a CloudFormation stack, or updates it where it exists, and waits for the end.
 *
 * UserParameters: `{"stack": …, "file": …, "artifact": …}`, the stack's name, the path of its template in the zip of an
 * input artifact, and the artifact's name. The template may have 1 MiB, as JSON or YAML; one of more than 51,200 bytes
 * is passed through the bucket that `templateBucket` names, or the environment variable `TEMPLATE_BUCKET`.
 *
 * A drop-in for the sample function of "Invoke an AWS Lambda function in a pipeline" in the CodePipeline user guide.
 */
export const DeployStack = Action.make({
  name: "deploy-stack",
  parameters: Parameters,
  state: Watching,
  start,
  resume,
  failure: {
    ...Action.awsFailures,
    ArtifactNotFound: ({ message }) => ({ type: "RevisionUnavailable", message }),
    ArtifactUnreadable: ({ message }) => ({ type: "RevisionUnavailable", message }),
    ArtifactDenied: ({ message }) => ({ type: "PermissionError", message }),
    FileTooLarge: ({ message }) => ({ type: "ConfigurationError", message }),
    TemplateInvalid: ({ message }) => ({ type: "ConfigurationError", message }),
    UploadFailed: ({ denied, message }) => ({ type: denied ? "PermissionError" : "ConfigurationError", message }),
    StackRefused: ({ message }) => ({ type: "ConfigurationError", message }),
    OperationRejected: ({ message }) => ({ type: "ConfigurationError", message }),
    StackMissing: ({ message, stack }) => ({ type: "JobFailed", message, externalExecutionId: stack }),
    OperationFailed: ({ message, stackId }) => ({ type: "JobFailed", message, externalExecutionId: stackId })
  }
})
