// Creates or updates a CloudFormation stack from a template in an input artifact, and watches it to the end. It takes the
// same UserParameters and says the same words as the function that AWS's user guide has for this.
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { AwsError } from "../domain/AwsError.ts"
import type { Execution } from "../domain/ContinuationToken.ts"
import * as StackEvents from "../domain/StackEvents.ts"
import { type Owner, requestToken, StackOperation } from "../domain/StackOperation.ts"
import * as StackPlan from "../domain/StackPlan.ts"
import { advice } from "../domain/StackStatus.ts"
import * as UserParameters from "../domain/UserParameters.ts"
import type { ArtifactStore, UploadFailed } from "../services/ArtifactStore.ts"
import { CloudFormation, type OperationError, type Stack } from "../services/CloudFormation.ts"
import * as Action from "./Action.ts"
import * as StackTemplate from "./StackTemplate.ts"

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

/** There is no stack to watch. */
export class StackMissing extends Schema.TaggedError<StackMissing>()("StackMissing", {
  stack: Schema.String,
  /** Whether the action has seen it before. */
  seen: Schema.Boolean
}) {
  override get message() {
    return `Update failed: stack "${this.stack}" does not exist` +
      (this.seen ? " any more. Somebody has deleted it; retry the action" : "")
  }
}

/** The stack is at rest, and neither its events nor its times show the operation that was begun. */
export class OperationUnproven extends Schema.TaggedError<OperationUnproven>()("OperationUnproven", {
  stackId: Schema.String,
  status: Schema.String
}) {
  override get message() {
    return `Update failed: CloudFormation has taken the operation, and for 15 minutes the stack, in status ${this.status}, ` +
      "has not shown it. Look at the events of the stack, then retry the action"
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
const Watching = Schema.Struct({
  stackId: Schema.String,
  operation: Schema.optionalKey(StackOperation),
  /** Nothing older is of that operation; epoch milliseconds. */
  since: Schema.Int,
  /** Since when the stack is at rest and shows nothing of that operation; epoch milliseconds. */
  restingSince: Schema.optionalKey(Schema.Int)
})

type Watching = typeof Watching.Type
type Invocation = Action.Invocation<typeof Parameters.Type>
type Step = Action.Step<Watching>

/** Lambda keeps an event for six hours: so much earlier an earlier delivery of it may have begun the operation. */
const redelivery = Duration.toMillis("6 hours")

/** Whose operations are ours when they may have been begun by an earlier delivery. */
const anyDelivery = ({ firstJobId, startedAt }: Execution): Owner => ({ firstJobId, since: startedAt - redelivery })

const observe = (stack: Option.Option<Stack>, { since }: Owner): StackPlan.Observation =>
  Option.match(stack, {
    onNone: () => ({ _tag: "Absent" }),
    onSome: ({ changedAt, createdAt, status }) => ({
      _tag: "Present",
      status,
      changedSince: changedAt >= since,
      createdSince: createdAt >= since
    })
  })

/** The stack's newest events, all since that time; none where the role may not read them. */
const readEvents = Effect.fn("DeployStack.readEvents")(function*(stackId: string, since: number) {
  const cloudFormation = yield* CloudFormation
  return yield* cloudFormation.events(stackId, since).pipe(
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
  readSince: number,
  owner: Owner,
  operations: ReadonlyArray<StackOperation>
) {
  if (!isReadEvents(decision)) return { next: decision, events: [] }
  const events = yield* Option.match(stack, {
    onNone: () => Effect.succeedSome([]),
    onSome: ({ id }) => readEvents(id, readSince)
  })
  const evidence = Option.match(events, {
    onNone: () => StackEvents.Evidence.Denied(),
    onSome: (events) => StackEvents.evidence(events, owner, operations)
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
  template: StackTemplate.StackTemplate,
  stack: Option.Option<Stack>,
  now: number,
  triesLeft: number
): Effect.fn.Return<
  Step,
  StackRefused | OperationRejected | StackTemplate.TemplateInvalid | UploadFailed | AwsError,
  CloudFormation | ArtifactStore
> {
  const { execution, parameters: { stack: name, templateBucket } } = invocation
  const cloudFormation = yield* CloudFormation
  const owner = anyDelivery(execution)
  const decision = StackPlan.start("CREATE_UPDATE", observe(stack, owner))
  // The newest events do: while ours is under way, or was the last, they are ours.
  const { next } = yield* settle(decision, stack, now, owner, StackOperation.literals)
  const stackId = Option.match(stack, { onNone: () => name, onSome: ({ id }) => id })

  const adopt = (operation: StackOperation) => watching(inProgress, { operation, stackId, since: owner.since })
  const lookAgain = (status: string) =>
    triesLeft === 0
      ? Effect.succeed(postpone(status))
      : Effect.flatMap(
        cloudFormation.describe(name),
        (stack) => begin(invocation, template, stack, now, triesLeft - 1)
      )

  return yield* StackPlan.Start.$match(next, {
    Begin: Effect.fnUntraced(function*({ operation }) {
      const call: Effect.Effect<string, OperationError> = cloudFormation[operation]({
        stack: name,
        ...(yield* StackTemplate.give(template, templateBucket)),
        clientRequestToken: requestToken(operation, execution)
      })
      return yield* call.pipe(
        Effect.map((stackId) => watching(`Stack ${operation} started`, { operation, stackId, since: now }, 0)),
        Effect.catchTags({
          NoUpdates: () => Effect.succeed(Action.Step.Done({ message: "There were no stack updates" })),
          TokenUsed: () => Effect.succeed(adopt(operation)),
          StackExists: () => lookAgain("CREATE_IN_PROGRESS"),
          StackNotReady: ({ status }) => lookAgain(status),
          AwsRejected: ({ detail }) => Effect.fail(new OperationRejected({ operation, stack: name, reason: detail }))
        })
      )
    }),
    Adopt: ({ operation }) => Effect.succeed(adopt(operation)),
    Postpone: ({ status }) => Effect.succeed(postpone(status)),
    Refuse: ({ status }) => Effect.fail(new StackRefused({ stack: name, status }))
  })
})

const inProgress = "Stack update still in progress"

const postpone = (status: string) => Action.Step.StartAgain({ message: `Waiting for the stack: ${status}` })

const start = Effect.fn("DeployStack.start")(function*(invocation: Invocation) {
  const { job, parameters } = invocation
  const cloudFormation = yield* CloudFormation
  // Before the look and the reading, so that the clocks of Lambda and CloudFormation may differ by as much.
  const now = yield* epochMillis
  const [stack, template] = yield* Effect.all(
    [cloudFormation.describe(parameters.stack), StackTemplate.read(job, parameters)],
    { concurrency: 2 }
  )
  return yield* begin(invocation, template, stack, now, 2)
})

const epochMillis = Effect.map(Clock.currentTimeMillis, Math.floor)

/** How long a stack at rest may show nothing of our operation. */
const restLimit = Duration.toMillis("15 minutes")

const resume = Effect.fn("DeployStack.resume")(function*(
  { execution: { firstJobId }, parameters }: Invocation,
  state: Option.Option<Watching>
) {
  const cloudFormation = yield* CloudFormation
  const begun: Watching = Option.getOrElse(state, () => ({ stackId: parameters.stack, since: 0 }))
  const { operation, since } = begun
  const owner = { firstJobId, since }
  const found = yield* cloudFormation.describe(begun.stackId)
  const decision = StackPlan.watch(operation !== undefined, observe(found, owner))
  const { events, next } = yield* settle(decision, found, since, owner, operation === undefined ? [] : [operation])
  const { reason, stackId, status } = Option.match(found, {
    onNone: () => ({ stackId: begun.stackId, status: "", reason: undefined }),
    onSome: ({ id, reason, status }) => ({ stackId: id, status, reason })
  })

  return yield* StackPlan.Watch.$match(next, {
    Wait: Effect.fnUntraced(function*({ atRest }) {
      const watched = { since, stackId, ...(operation && { operation }) }
      const message = `${inProgress}: ${status}`
      if (!atRest) return watching(message, watched)
      const now = yield* epochMillis
      const { restingSince = now } = begun
      return now - restingSince < restLimit
        ? watching(message, { ...watched, restingSince })
        : yield* new OperationUnproven({ stackId, status })
    }),
    Succeed: () => Effect.succeed(Action.Step.Done({ message: "Stack update complete", externalExecutionId: stackId })),
    Miss: () => Effect.fail(new StackMissing({ stack: stackId, seen: operation !== undefined })),
    Fail: ({ status }) => {
      const causes = operation === undefined ? [] : StackEvents.causes(events, owner, operation)
      return Effect.fail(
        new OperationFailed({
          stackId,
          status,
          causes: causes.length > 0 || reason === undefined ? causes : [reason]
        })
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
    ...Action.artifactFailures,
    TemplateInvalid: ({ message }) => ({ type: "ConfigurationError", message }),
    UploadFailed: ({ denied, message }) => ({ type: denied ? "PermissionError" : "ConfigurationError", message }),
    StackRefused: ({ message }) => ({ type: "ConfigurationError", message }),
    OperationRejected: ({ message }) => ({ type: "ConfigurationError", message }),
    StackMissing: ({ message, stack }) => ({ type: "JobFailed", message, externalExecutionId: stack }),
    OperationUnproven: ({ message, stackId }) => ({ type: "JobFailed", message, externalExecutionId: stackId }),
    OperationFailed: ({ message, stackId }) => ({ type: "JobFailed", message, externalExecutionId: stackId })
  }
})
