// Creates or updates a CloudFormation stack from a template in an input artifact, and watches it to the end. It takes the
// same UserParameters and says the same words as the function that AWS's user guide has for this.
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { AwsError } from "../domain/AwsError.ts"
import * as StackEvents from "../domain/StackEvents.ts"
import * as StackFailure from "../domain/StackFailure.ts"
import { type Owner, requestToken, StackOperation } from "../domain/StackOperation.ts"
import * as StackPlan from "../domain/StackPlan.ts"
import * as StackProgress from "../domain/StackProgress.ts"
import { advice, adviceAfterFailure, goesOn } from "../domain/StackStatus.ts"
import * as Template from "../domain/Template.ts"
import type { ArtifactStore, UploadFailed } from "../services/ArtifactStore.ts"
import { CloudFormation, type OperationError, type Stack } from "../services/CloudFormation.ts"
import * as Action from "./Action.ts"
import { DeployStackParameters } from "./DeployStackParameters.ts"
import * as StackDiagnosis from "./StackDiagnosis.ts"
import { anyDelivery, newestEvents, observe, settle } from "./StackObservation.ts"
import * as StackSuccess from "./StackSuccess.ts"
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
  causes: Schema.Array(Schema.String),
  /** What the reader should know besides, and what to do next. */
  remarks: Schema.Array(Schema.String)
}) {
  override get message() {
    return StackFailure.message(this)
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

/** The stack that is watched, and the operation that was begun on it, unless another program did that. */
const Watching = Schema.Struct({
  stackId: Schema.String,
  operation: Schema.optionalKey(StackOperation),
  /** Nothing older is of that operation; epoch milliseconds. */
  since: Schema.Int,
  /** Since when the stack is at rest and shows nothing of that operation; epoch milliseconds. */
  restingSince: Schema.optionalKey(Schema.Int),
  /** As many resources the operation has to bring about, where that is known. */
  resources: Schema.optionalKey(Schema.Int),
  progress: Schema.optionalKey(StackProgress.StackProgress),
  /** The role may not read events; said once. */
  eventsDenied: Schema.optionalKey(Schema.Literal(true))
})

type Watching = typeof Watching.Type
type Invocation = Action.Invocation<DeployStackParameters>
type Step = Action.Step<Watching>

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
  | StackRefused
  | OperationRejected
  | StackTemplate.TemplateInvalid
  | UploadFailed
  | AwsError
  | StackSuccess.SuccessError,
  CloudFormation | ArtifactStore
> {
  const { execution, parameters: { stack: name, templateBucket, whenBusy = "fail" } } = invocation
  const cloudFormation = yield* CloudFormation
  const owner = anyDelivery(execution)
  const decision = StackPlan.start("CREATE_UPDATE", whenBusy, observe(stack, execution, owner.since))
  // The newest events do: while ours is under way, or was the last, they are ours.
  const search = { stack, since: now, owner, operations: StackOperation.literals, eventsDenied: false }
  const { events, next } = yield* settle(decision, search)
  const stackId = Option.match(stack, { onNone: () => name, onSome: ({ id }) => id })
  const watched = { stackId, ...Option.match(events, { onNone: () => blind, onSome: () => ({}) }) }

  const adopt = (operation: StackOperation) => watching(inProgress, { ...watched, operation, since: owner.since })
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
        Effect.map((stackId) =>
          watching(`Stack ${operation} started`, {
            ...watched,
            operation,
            stackId,
            since: now,
            ...(operation === "create" && expected(template))
          }, 0)
        ),
        Effect.catchTags({
          NoUpdates: () => StackSuccess.succeed(invocation, "There were no stack updates", stack),
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

const blind = { eventsDenied: true } as const

/** Of an update only CloudFormation knows how many resources it changes. */
const expected = ({ text }: StackTemplate.StackTemplate) =>
  Option.match(Template.resourceCount(text), { onNone: () => ({}), onSome: (resources) => ({ resources }) })

const inProgress = "Stack update still in progress"

const postpone = (status: string) => Action.Step.StartAgain({ message: `Waiting for the stack: ${status}` })

const start = Effect.fn("DeployStack.start")(function*(invocation: Invocation) {
  const { job, parameters } = invocation
  yield* StackSuccess.check(invocation)
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

/** What a job that goes on has seen so far. */
interface Pursuit {
  readonly begun: Watching
  readonly owner: Owner
  /** The newest events; none where they were not asked for, or may not be read. */
  readonly newest: ReadonlyArray<StackEvents.StackEvent>
  readonly eventsDenied: boolean
}

const oursIn = (events: ReadonlyArray<StackEvents.StackEvent>, { begun: { operation }, owner }: Pursuit) =>
  operation === undefined ? [] : StackEvents.ofOperation(events, owner, operation)

/** Goes on in the next job, and tells how far the resources have come. */
const wait = Effect.fnUntraced(function*(pursuit: Pursuit, stackId: string, status: string, restingSince?: number) {
  const { begun: { operation, progress: before, resources, since }, eventsDenied, newest } = pursuit
  const ours = oursIn(newest, pursuit)
  const progress = ours.length === 0 ? before : StackProgress.advance(before, ours, status, resources)
  const told = progress && StackProgress.summary(progress, status, yield* epochMillis, resources)
  return watching(told ? `${inProgress}: ${status}, ${told}` : `${inProgress}: ${status}`, {
    since,
    stackId,
    ...(operation && { operation }),
    ...(resources !== undefined && { resources }),
    ...(progress && { progress: StackProgress.remembered(progress) }),
    ...(eventsDenied && blind),
    ...(restingSince !== undefined && { restingSince })
  }, progress?.percent)
})

type Seen = Pick<Stack, "id" | "name" | "status" | "reason">

const unseen = (stack: string): Seen => ({ id: stack, name: stack, status: "not to be seen", reason: undefined })

/** The operation has ended with `ended`; what the stack is now may be another's doing. */
const fail = Effect.fnUntraced(function*(
  ended: string,
  { id, name, reason, status }: Seen,
  ours: ReadonlyArray<StackEvents.StackEvent>,
  eventsDenied: boolean
) {
  const causes = yield* StackDiagnosis.diagnose(ours)
  const next = adviceAfterFailure(status, name)
  return yield* new OperationFailed({
    stackId: id,
    status: ended,
    causes: causes.length > 0 || reason === undefined ? causes : [reason],
    remarks: [...(eventsDenied ? [eventsWouldTell] : []), ...(next === undefined ? [] : [next])]
  })
})

const eventsWouldTell =
  "cloudformation:DescribeStackEvents would tell more; the role of the Lambda function does not have it"

const resume = Effect.fn("DeployStack.resume")(function*(invocation: Invocation, state: Option.Option<Watching>) {
  const { execution, parameters } = invocation
  const begun = Option.filter(state, ({ stackId }) => isOf(stackId, parameters.stack)).pipe(
    Option.getOrElse((): Watching => ({ stackId: parameters.stack, since: 0 }))
  )
  const { eventsDenied = false, operation, since } = begun
  const owner = { firstJobId: execution.firstJobId, since }
  if (operation === undefined || eventsDenied || parameters.progress === false) {
    return yield* look(invocation, { begun, owner, newest: [], eventsDenied })
  }
  const newest = yield* newestEvents(begun.stackId, since)
  const pursuit = {
    begun,
    owner,
    newest: Option.getOrElse(newest, () => []),
    eventsDenied: Option.isNone(newest)
  }
  const underWay = StackEvents.underWay(pursuit.newest, owner, operation)
  return underWay !== undefined && goesOn(underWay.status, parameters.settle ?? true)
    ? yield* wait(pursuit, underWay.stackId, underWay.status)
    : yield* look(invocation, pursuit)
})

/** Looks at the stack: without that there is no verdict. */
const look = Effect.fn("DeployStack.look")(function*(invocation: Invocation, pursuit: Pursuit) {
  const { execution, parameters } = invocation
  const { begun, newest, owner } = pursuit
  const { operation, since } = begun
  const cloudFormation = yield* CloudFormation
  const found = yield* cloudFormation.describe(begun.stackId)
  const now = yield* epochMillis
  const { restingSince = now } = begun
  const known = {
    ours: operation !== undefined,
    settle: parameters.settle ?? true,
    rested: now - restingSince >= restLimit
  }
  const { events, next } = yield* settle(StackPlan.watch(known, observe(found, execution, since)), {
    stack: found,
    since,
    owner,
    operations: operation === undefined ? [] : [operation],
    eventsDenied: pursuit.eventsDenied,
    read: operation !== undefined && StackEvents.reachBack(newest, owner, operation) ? newest : undefined
  })
  const eventsDenied = Option.isNone(events) || pursuit.eventsDenied
  const stack = Option.getOrElse(found, () => unseen(begun.stackId))
  const stackId = stack.id

  return yield* StackPlan.Watch.$match(next, {
    Wait: ({ atRest }) => wait({ ...pursuit, eventsDenied }, stackId, stack.status, atRest ? restingSince : undefined),
    Succeed: () => StackSuccess.succeed(invocation, "Stack update complete", found),
    Miss: () => Effect.fail(new StackMissing({ stack: stackId, seen: operation !== undefined })),
    Unproven: ({ status }) => Effect.fail(new OperationUnproven({ stackId, status })),
    Fail: ({ status }) => fail(status, stack, oursIn(Option.getOrElse(events, () => []), pursuit), eventsDenied)
  })
})

/** Whether the stack of this id (or name, where no id was given) is the one that the parameters name. */
const isOf = (stackId: string, stack: string) =>
  stackId === stack || (stackId.startsWith("arn:") && stackId.split("/")[1] === stack)

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
  parameters: DeployStackParameters,
  state: Watching,
  start,
  resume,
  timeout: ({ timeoutMinutes }) => timeoutMinutes === undefined ? undefined : Duration.minutes(timeoutMinutes),
  failure: {
    ...Action.awsFailures,
    ...Action.artifactFailures,
    TemplateInvalid: ({ message }) => ({ type: "ConfigurationError", message }),
    UploadFailed: ({ denied, message }) => ({ type: denied ? "PermissionError" : "ConfigurationError", message }),
    OutputArtifactMissing: ({ message }) => ({ type: "ConfigurationError", message }),
    OutputMissing: ({ message, stackId }) => ({ type: "ConfigurationError", message, externalExecutionId: stackId }),
    OutputsTooLarge: ({ message, stackId }) => ({ type: "ConfigurationError", message, externalExecutionId: stackId }),
    StackRefused: ({ message }) => ({ type: "ConfigurationError", message }),
    OperationRejected: ({ message }) => ({ type: "ConfigurationError", message }),
    StackMissing: ({ message, stack }) => ({ type: "JobFailed", message, externalExecutionId: stack }),
    OperationUnproven: ({ message, stackId }) => ({ type: "JobFailed", message, externalExecutionId: stackId }),
    OperationFailed: ({ message, stackId }) => ({ type: "JobFailed", message, externalExecutionId: stackId })
  }
})
