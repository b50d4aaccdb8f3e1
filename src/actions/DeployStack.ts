// Creates or updates a CloudFormation stack from a template in an input artifact, and watches it to the end. It takes the
// same UserParameters and says the same words as the function that AWS's user guide has for this.
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { AwsError } from "../domain/AwsError.ts"
import * as ChangeSet from "../domain/ChangeSet.ts"
import type { Execution } from "../domain/ContinuationToken.ts"
import * as StackEvents from "../domain/StackEvents.ts"
import * as StackFailure from "../domain/StackFailure.ts"
import { type Owner, requestToken, StackOperation } from "../domain/StackOperation.ts"
import * as StackPlan from "../domain/StackPlan.ts"
import * as StackProgress from "../domain/StackProgress.ts"
import { advice, adviceAfterFailure, type Fresh, fresh, goesOn } from "../domain/StackStatus.ts"
import * as Template from "../domain/Template.ts"
import type { ArtifactStore, UploadFailed } from "../services/ArtifactStore.ts"
import { ChangeSetNotReady, CloudFormation, type OperationError, type Stack } from "../services/CloudFormation.ts"
import * as Action from "./Action.ts"
import { DeployStackParameters } from "./DeployStackParameters.ts"
import * as StackChangeSet from "./StackChangeSet.ts"
import * as StackDiagnosis from "./StackDiagnosis.ts"
import { anyDelivery, newestEvents, observe, settle } from "./StackObservation.ts"
import * as StackSettings from "./StackSettings.ts"
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

/** The stack is protected from being deleted. */
export class StackProtected extends Schema.TaggedError<StackProtected>()("StackProtected", { stack: Schema.String }) {
  override get message() {
    return `Stack "${this.stack}" has termination protection and is not deleted. Switch that off, then retry the action`
  }
}

/** The operation has ended badly. */
export class OperationFailed extends Schema.TaggedError<OperationFailed>()("OperationFailed", {
  operation: Schema.UndefinedOr(StackOperation),
  stackId: Schema.String,
  status: Schema.String,
  /** Why, oldest first. */
  causes: Schema.Array(Schema.String),
  /** What the reader should know besides, and what to do next. */
  remarks: Schema.Array(Schema.String)
}) {
  override get message() {
    const { causes, operation, remarks, status } = this
    return StackFailure.message({
      head: `${operation === "delete" ? "Delete" : "Update"} failed: ${status}`,
      causes,
      remarks
    })
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

const participles = {
  create: "creating",
  update: "updating",
  delete: "deleting",
  execute: "updating"
} satisfies Record<StackOperation, string>

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

/** The change set that is being made. */
const Preparing = Schema.Struct({ stackId: Schema.String, changeSet: Schema.String })
type Preparing = typeof Preparing.Type

const State = Schema.Union([Preparing, Watching])
type State = typeof State.Type

type Invocation = Action.Invocation<DeployStackParameters>
type Step = Action.Step<State>

const watching = (message: string, state: Watching, percentComplete?: number): Step =>
  Action.Step.Continue({ message, externalExecutionId: state.stackId, state, percentComplete })

const modeOf = ({ mode = "CREATE_UPDATE" }: DeployStackParameters) => mode

/** What begins an operation: what was asked for, what is there, and when that was looked at. */
interface Beginning {
  readonly invocation: Invocation
  /** What the stack is to have; none in the modes that need no template. */
  readonly content: Option.Option<{
    readonly template: StackTemplate.StackTemplate
    readonly settings: StackSettings.StackSettings
  }>
  readonly stack: Option.Option<Stack>
  readonly now: number
  /** For a stack that changes between the look and the call. */
  readonly triesLeft: number
}

type BeginError =
  | StackRefused
  | StackProtected
  | OperationRejected
  | StackChangeSet.ChangeSetFailed
  | ChangeSetNotReady
  | StackTemplate.TemplateInvalid
  | StackSettings.StackSettingsInvalid
  | StackSettings.CapabilitiesMissing
  | UploadFailed
  | StackSuccess.SuccessError
  | AwsError

/** Looks at the stack, decides and begins. */
const begin = Effect.fn("DeployStack.begin")(function*(
  beginning: Beginning
): Effect.fn.Return<Step, BeginError, CloudFormation | ArtifactStore> {
  const { invocation: { execution, parameters }, now, stack, triesLeft } = beginning
  const { stack: named, disableRollback = false, whenBusy = "fail" } = parameters
  const cloudFormation = yield* CloudFormation
  const owner = anyDelivery(execution)
  const wishes = { whenBusy, disableRollback }
  const decision = StackPlan.start(modeOf(parameters), wishes, observe(stack, execution, owner.since))
  // The newest events do: while ours is under way, or was the last, they are ours.
  const search = { stack, since: now, owner, operations: StackOperation.literals, eventsDenied: false }
  const { events, next } = yield* settle(decision, search)
  const stackId = Option.match(stack, { onNone: () => named, onSome: ({ id }) => id })
  const watched = { stackId, ...Option.match(events, { onNone: () => blind, onSome: () => ({}) }) }

  const adopt = (operation: StackOperation): Step => watching(inProgress, { ...watched, operation, since: owner.since })
  // A stack that was made with the API's OnFailure DO_NOTHING stays in CREATE_FAILED for good.
  const giveUp = (status: string): Effect.Effect<Step, StackRefused> =>
    unrollable.has(fresh(status))
      ? Effect.fail(new StackRefused({ stack: named, status }))
      : Effect.succeed(postpone(status))
  const lookAgain = (status: string): Effect.Effect<Step, BeginError, CloudFormation | ArtifactStore> =>
    triesLeft === 0
      ? giveUp(status)
      : Effect.flatMap(
        cloudFormation.describe(named),
        (stack) => begin({ ...beginning, stack, triesLeft: triesLeft - 1 })
      )

  const beginOperation = Effect.fnUntraced(function*(operation: "create" | "update") {
    const { settings, template } = yield* templateOf(beginning)
    const existing = operation === "create" ? Option.none() : stack
    const call = (options: StackSettings.CallOptions): Effect.Effect<string, OperationError> =>
      cloudFormation[operation]({
        ...options,
        ...template,
        // A stack that is gone is made again under its name.
        stack: operation === "create" ? nameOf(named) : named,
        clientRequestToken: requestToken(operation, execution)
      })
    return yield* StackSettings.begin(settings, { stack: named, existing, template }, call).pipe(
      Effect.map((stackId) =>
        watching(`Stack ${operation} started`, {
          ...watched,
          operation,
          stackId,
          since: now,
          ...(operation === "create" && expected(beginning.content))
        }, 0)
      ),
      Effect.catchTags({
        NoUpdates: () => StackSuccess.succeed(beginning.invocation, noUpdates, stack),
        TokenUsed: () => Effect.succeed(adopt(operation)),
        StackExists: () => lookAgain("CREATE_IN_PROGRESS"),
        StackNotReady: ({ status }) => lookAgain(status),
        AwsRejected: ({ detail }) => Effect.fail(new OperationRejected({ operation, stack: named, reason: detail }))
      })
    )
  })

  const beginDelete = Effect.fnUntraced(function*() {
    if (Option.isSome(stack) && stack.value.terminationProtection) return yield* new StackProtected({ stack: named })
    const request = {
      stack: stackId,
      clientRequestToken: requestToken("delete", execution),
      roleArn: parameters.roleArn
    }
    return yield* cloudFormation.delete(request).pipe(
      Effect.as(watching("Stack delete started", { ...watched, operation: "delete", since: now }, 0)),
      Effect.catchTags({
        TokenUsed: () => Effect.succeed(adopt("delete")),
        AwsRejected: ({ detail }) =>
          Effect.fail(new OperationRejected({ operation: "delete", stack: named, reason: detail }))
      })
    )
  })

  const prepare = Effect.fnUntraced(function*(type: StackPlan.ChangeSetType) {
    const { changeSet = StackChangeSet.ownName(execution) } = parameters
    const { settings, template } = yield* templateOf(beginning)
    const request = { stack: nameOf(named), changeSet, type, template, execution }
    const existing = type === "CREATE" ? Option.none() : stack
    if (settings.options.stackPolicy !== undefined) yield* Effect.logWarning(noPolicy)
    return yield* StackSettings.begin(
      settings,
      { stack: named, existing, template },
      (options) => StackChangeSet.prepare({ ...request, options })
    ).pipe(
      Effect.map(Option.match({
        onNone: () => postpone(`change set "${changeSet}" is being deleted`),
        onSome: (made) => preparing(`Change set "${changeSet}" create started`, made)
      })),
      Effect.catchTag("StackNotReady", ({ status }) => lookAgain(status))
    )
  })

  return yield* StackPlan.Start.$match(next, {
    Begin: ({ operation }) => operation === "delete" ? beginDelete() : beginOperation(operation),
    Prepare: ({ type }) => prepare(type),
    Execute: () => executeNamed(beginning, { ...watched, since: owner.since }),
    Adopt: ({ operation }) => Effect.succeed(adopt(operation)),
    Postpone: ({ status }) => Effect.succeed(postpone(status)),
    Refuse: ({ status }) => Effect.fail(new StackRefused({ stack: named, status })),
    Gone: () => Effect.succeed(Action.Step.Done({ message: `There is no stack "${named}" to delete` })),
    Missing: () => {
      const reason = "there is no such stack"
      return Effect.fail(new ChangeSetNotReady({ stack: named, changeSet: parameters.changeSet ?? "", reason }))
    }
  })
})

/** What the stack is to have, as CloudFormation takes it. The modes that need a template have read one. */
const templateOf = Effect.fnUntraced(function*({ content, invocation: { parameters } }: Beginning) {
  const { settings, template } = yield* Effect.orDie(Effect.fromOption(content))
  return { settings, template: yield* StackTemplate.give(template, parameters.templateBucket) }
})

/** An operation that does not roll back may be refused all the same. */
const unrollable: ReadonlySet<Fresh> = new Set<Fresh>(["CreateFailed", "UpdatableWithoutRollback"])

/** Of an update only CloudFormation knows how many resources it changes. */
const expected = (content: Beginning["content"]) =>
  Option.flatMap(content, ({ template: { text } }) => Template.resourceCount(text)).pipe(
    Option.match({ onNone: () => ({}), onSome: (resources) => ({ resources }) })
  )

/** Executes the change set that the parameters name. */
const executeNamed = Effect.fnUntraced(function*({ invocation, now, stack }: Beginning, watched: Watching) {
  const { execution, parameters } = invocation
  const { changeSet = "", stack: named } = parameters
  const key = { stack: watched.stackId, changeSet }
  const { changes, readiness, resources } = yield* StackChangeSet.look(key)
  const refuse = (reason: string) =>
    adoptOr(new ChangeSetNotReady({ stack: named, changeSet, reason }), stack, execution, watched)
  return yield* ChangeSet.Readiness.$match(readiness, {
    Pending: () => Effect.succeed(postpone(`change set "${changeSet}" is being made`)),
    Ready: () =>
      StackChangeSet.execute(key, execution, parameters).pipe(
        Effect.as(executing(changes, { ...watched, resources, since: now })),
        Effect.catchTags({
          TokenUsed: () => Effect.succeed(watching(inProgress, { ...watched, operation: "execute" })),
          ChangeSetNotReady: ({ reason }) => refuse(reason)
        })
      ),
    Empty: () => StackSuccess.succeed(invocation, emptyChangeSet(changeSet), stack),
    Executed: () => refuse("it was executed before"),
    Unusable: ({ reason }) => refuse(reason)
  })
})

/** A change set that cannot be executed may have been by an earlier delivery: then the stack's events show it. */
const adoptOr = Effect.fnUntraced(function*(
  error: ChangeSetNotReady,
  stack: Option.Option<Stack>,
  execution: Execution,
  watched: Watching
): Effect.fn.Return<Step, ChangeSetNotReady | AwsError, CloudFormation> {
  const owner = anyDelivery(execution)
  const search = { stack, since: owner.since, owner, operations: ["execute"] as const, eventsDenied: false }
  const { next } = yield* settle(StackPlan.unlessOurs(StackPlan.Start.Refuse({ status: "" })), search)
  return next._tag === "Adopt" ? watching(inProgress, { ...watched, operation: "execute" }) : yield* error
})

const executing = (changes: string, watched: Watching) =>
  watching(`Stack update started: ${changes}`, { ...watched, operation: "execute" }, 0)

const preparing = (message: string, { changeSet, stackId }: Preparing, percentComplete?: number): Step =>
  Action.Step.Continue({
    message,
    externalExecutionId: stackId,
    state: { stackId, changeSet },
    percentComplete
  })

const blind = { eventsDenied: true } as const

const noUpdates = "There were no stack updates"

const emptyChangeSet = (changeSet: string) => `${noUpdates}: change set "${changeSet}" is empty`

const inProgress = "Stack update still in progress"

const noPolicy = "A change set holds no stack policy: that of the template configuration is not given to the stack"

const postpone = (status: string) => Action.Step.StartAgain({ message: `Waiting for the stack: ${status}` })

/** A stack's name, also out of its ARN. */
const nameOf = (stack: string) => stack.startsWith("arn:") ? stack.split("/")[1] ?? stack : stack

const withoutTemplate: ReadonlySet<StackPlan.Mode> = new Set<StackPlan.Mode>(["DELETE_ONLY", "CHANGE_SET_EXECUTE"])

const start = Effect.fn("DeployStack.start")(function*(invocation: Invocation) {
  const { job, parameters } = invocation
  yield* StackSuccess.check(invocation)
  // Where the mode needs a template, the parameters name one.
  const { artifact = "", file = "" } = parameters
  const cloudFormation = yield* CloudFormation
  // Before the look and the reading, so that the clocks of Lambda and CloudFormation may differ by as much.
  const now = yield* epochMillis
  const read = withoutTemplate.has(modeOf(parameters))
    ? Effect.succeedNone
    : Effect.asSome(
      Effect.all(
        { template: StackTemplate.read(job, { artifact, file }), settings: StackSettings.read(job, parameters) },
        { concurrency: 2 }
      )
    )
  const [stack, content] = yield* Effect.all([cloudFormation.describe(parameters.stack), read], { concurrency: 2 })
  return yield* begin({ invocation, content, stack, now, triesLeft: 2 })
})

const epochMillis = Effect.map(Clock.currentTimeMillis, Math.floor)

/** How long a stack at rest may show nothing of our operation. */
const restLimit = Duration.toMillis("15 minutes")

const resume = Effect.fn("DeployStack.resume")(function*(invocation: Invocation, state: Option.Option<State>) {
  const { parameters: { stack } } = invocation
  const known = Option.filter(state, ({ stackId }) => nameOf(stackId) === nameOf(stack))
  return yield* Option.match(known, {
    onNone: () => watch(invocation, { stackId: stack, since: 0 }),
    onSome: (state) => "changeSet" in state ? goOnPreparing(invocation, state) : watch(invocation, state)
  })
})

/** Waits for a change set, and then executes it or is done. */
const goOnPreparing = Effect.fn("DeployStack.prepare")(function*(invocation: Invocation, prepared: Preparing) {
  const { execution, parameters } = invocation
  const { stackId } = prepared
  const now = yield* epochMillis
  const { changeSet = StackChangeSet.ownName(execution) } = parameters
  const deploys = modeOf(parameters) === "CHANGE_SET_DEPLOY"
  const key = { stack: stackId, changeSet: prepared.changeSet }
  const { changes, readiness, resources } = yield* StackChangeSet.look(key)
  const cloudFormation = yield* CloudFormation
  const watched: Watching = { stackId, operation: "execute", since: anyDelivery(execution).since }
  const adopted = watching(inProgress, watched)
  const made = Action.Step.Done({
    message: `Change set "${changeSet}" created: ${changes}`,
    externalExecutionId: stackId,
    outputVariables: { ChangeSetName: changeSet, StackId: stackId }
  })
  const lost = Effect.fnUntraced(function*(reason: string) {
    if (!deploys) return yield* new StackChangeSet.ChangeSetFailed({ stack: parameters.stack, changeSet, reason })
    const stack = yield* cloudFormation.describe(stackId)
    return yield* adoptOr(
      new ChangeSetNotReady({ stack: parameters.stack, changeSet, reason }),
      stack,
      execution,
      watched
    )
  })
  return yield* ChangeSet.Readiness.$match(readiness, {
    Pending: () => Effect.succeed(preparing(`Change set "${changeSet}" is being made`, prepared)),
    Ready: () =>
      deploys
        ? StackChangeSet.execute(key, execution, parameters).pipe(
          Effect.as(executing(changes, { ...watched, resources, since: now })),
          Effect.catchTags({
            TokenUsed: () => Effect.succeed(adopted),
            ChangeSetNotReady: ({ reason }) => lost(reason)
          })
        )
        : Effect.succeed(made),
    Empty: () =>
      deploys
        ? Effect.andThen(StackChangeSet.clear(key), cloudFormation.describe(stackId)).pipe(
          Effect.flatMap((stack) => StackSuccess.succeed(invocation, emptyChangeSet(changeSet), stack))
        )
        : Effect.succeed(Action.Step.Done({ message: emptyChangeSet(changeSet), externalExecutionId: stackId })),
    // The name of a change set to deploy is made of the job's id: nobody else executes it.
    Executed: () => Effect.succeed(deploys ? adopted : made),
    Unusable: ({ reason }) => lost(reason)
  })
})

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
const wait = Effect.fnUntraced(function*(
  { parameters }: Invocation,
  pursuit: Pursuit,
  stackId: string,
  status: string,
  restingSince?: number
) {
  const { begun: { operation, progress: before, resources, since }, eventsDenied, newest } = pursuit
  const ours = oursIn(newest, pursuit)
  const progress = ours.length === 0 ? before : StackProgress.advance(before, ours, status, resources)
  const told = progress && StackProgress.summary(progress, status, yield* epochMillis, resources)
  // A create comes after it, and has the percentage for itself.
  const isPreliminary = operation === "delete" && modeOf(parameters) === "REPLACE_ON_FAILURE"
  return watching(told ? `${inProgress}: ${status}, ${told}` : `${inProgress}: ${status}`, {
    since,
    stackId,
    ...(operation && { operation }),
    ...(resources !== undefined && { resources }),
    ...(progress && { progress: StackProgress.remembered(progress) }),
    ...(eventsDenied && blind),
    ...(restingSince !== undefined && { restingSince })
  }, isPreliminary ? undefined : progress?.percent)
})

type Seen = Pick<Stack, "id" | "name" | "status" | "reason">

const unseen = (stack: string): Seen => ({ id: stack, name: stack, status: "not to be seen", reason: undefined })

/** The operation has ended with `ended`; what the stack is now may be another's doing. */
const fail = Effect.fnUntraced(function*(
  ended: string,
  { id, name, reason, status }: Seen,
  pursuit: Pursuit,
  events: ReadonlyArray<StackEvents.StackEvent>
) {
  const causes = yield* StackDiagnosis.diagnose(oursIn(events, pursuit))
  const next = adviceAfterFailure(status, name)
  return yield* new OperationFailed({
    operation: pursuit.begun.operation,
    stackId: id,
    status: ended,
    causes: causes.length > 0 || reason === undefined ? causes : [reason],
    remarks: [...(pursuit.eventsDenied ? [eventsWouldTell] : []), ...(next === undefined ? [] : [next])]
  })
})

const eventsWouldTell =
  "cloudformation:DescribeStackEvents would tell more; the role of the Lambda function does not have it"

/** Goes on while the stack's own newest event shows the operation under way: that needs no look at the stack. */
const watch = Effect.fn("DeployStack.watch")(function*(
  invocation: Invocation,
  begun: Watching
): Effect.fn.Return<Step, WatchError, CloudFormation | ArtifactStore> {
  const { execution, parameters } = invocation
  const { eventsDenied = false, operation, since } = begun
  const owner = { firstJobId: execution.firstJobId, since }
  if (operation === undefined || eventsDenied || parameters.progress === false) {
    return yield* look(invocation, { begun, owner, newest: [], eventsDenied })
  }
  const events = yield* newestEvents(begun.stackId, since)
  const newest = Option.getOrElse(events, () => [])
  const pursuit = { begun, owner, newest, eventsDenied: Option.isNone(events) }
  const underWay = StackEvents.underWay(newest, owner, operation)
  return underWay !== undefined && goesOn(underWay.status, parameters.settle ?? true)
    ? yield* wait(invocation, pursuit, underWay.stackId, underWay.status)
    : yield* look(invocation, pursuit)
})

/** Looks at the stack, and judges the operation: without a look there is no verdict. */
const look = Effect.fn("DeployStack.look")(function*(
  invocation: Invocation,
  before: Pursuit
): Effect.fn.Return<Step, WatchError, CloudFormation | ArtifactStore> {
  const { execution, parameters } = invocation
  const { begun: { operation, restingSince, since, stackId }, newest, owner } = before
  const cloudFormation = yield* CloudFormation
  const found = yield* cloudFormation.describe(stackId)
  const stack = Option.getOrElse(found, () => unseen(stackId))
  const now = yield* epochMillis
  const known = {
    operation,
    settle: parameters.settle ?? true,
    rested: now - (restingSince ?? now) >= restLimit
  }
  const { events, next } = yield* settle(StackPlan.watch(known, observe(found, execution, since)), {
    stack: found,
    since,
    owner,
    operations: operation === undefined ? [] : [operation],
    eventsDenied: before.eventsDenied,
    read: operation !== undefined && StackEvents.reachBack(newest, owner, operation) ? newest : undefined
  })
  const pursuit = { ...before, eventsDenied: before.eventsDenied || Option.isNone(events) }

  return yield* StackPlan.Watch.$match(next, {
    Wait: ({ atRest }) => wait(invocation, pursuit, stack.id, stack.status, atRest ? restingSince ?? now : undefined),
    Succeed: () => {
      if (operation === "delete" && modeOf(parameters) === "REPLACE_ON_FAILURE") return start(invocation)
      return StackSuccess.succeed(invocation, `Stack ${operation === "delete" ? "delete" : "update"} complete`, found)
    },
    Miss: () => Effect.fail(new StackMissing({ stack: stackId, seen: operation !== undefined })),
    Unproven: ({ status }) => Effect.fail(new OperationUnproven({ stackId, status })),
    Fail: ({ status }) => fail(status, stack, pursuit, Option.getOrElse(events, () => []))
  })
})

type WatchError = StackMissing | OperationUnproven | OperationFailed | StartError
type StartError = Effect.Error<ReturnType<typeof start>>

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
  state: State,
  start,
  resume: (invocation, state) => resume(invocation, Option.some(state)),
  recover: (invocation) => resume(invocation, Option.none()),
  annotations: ({ stack }) => ({ stack }),
  timeout: ({ timeoutMinutes }) => timeoutMinutes === undefined ? undefined : Duration.minutes(timeoutMinutes)
})({
  ...Action.awsFailures,
  ...Action.artifactFailures,
  TemplateInvalid: "ConfigurationError",
  TemplateConfigurationInvalid: "ConfigurationError",
  StackSettingsInvalid: "ConfigurationError",
  CapabilitiesMissing: "ConfigurationError",
  UploadFailed: ({ denied, message }) => ({ type: denied ? "PermissionError" : "ConfigurationError", message }),
  OutputArtifactMissing: "ConfigurationError",
  OutputMissing: ({ message, stackId }) => ({ type: "ConfigurationError", message, externalExecutionId: stackId }),
  OutputsTooLarge: ({ message, stackId }) => ({ type: "ConfigurationError", message, externalExecutionId: stackId }),
  StackRefused: "ConfigurationError",
  StackProtected: "ConfigurationError",
  ChangeSetFailed: "ConfigurationError",
  ChangeSetNotReady: "ConfigurationError",
  OperationRejected: "ConfigurationError",
  StackMissing: ({ message, stack }) => ({ type: "JobFailed", message, externalExecutionId: stack }),
  OperationUnproven: ({ message, stackId }) => ({ type: "JobFailed", message, externalExecutionId: stackId }),
  OperationFailed: ({ message, stackId }) => ({ type: "JobFailed", message, externalExecutionId: stackId })
})
