// Starts what DeployStack is asked for: decides by the stack's status, and makes the call.
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Action from "../../Action.ts"
import type { AwsError } from "../../domain/job/AwsError.ts"
import type { Job } from "../../domain/job/Job.ts"
import type { Stack } from "../../domain/stack/Stack.ts"
import { requestToken, StackOperation } from "../../domain/stack/StackOperation.ts"
import * as StackPlan from "../../domain/stack/StackPlan.ts"
import { advice, needsDisableRollback, phaseOf } from "../../domain/stack/StackStatus.ts"
import * as Template from "../../domain/stack/Template.ts"
import { sentences } from "../../domain/text/sentences.ts"
import type { ArtifactStore, UploadFailed } from "../../services/ArtifactStore.ts"
import { type ChangeSetNotReady, CloudFormation, type OperationError } from "../../services/CloudFormation.ts"
import * as StackChangeSet from "./changeSet.ts"
import { observe, ownerOf, redeliveryWindowStart, resolveDecision } from "./observe.ts"
import * as StackSuccess from "./outputs.ts"
import { hasTemplate, type TemplateParameters } from "./Parameters.ts"
import * as StackSettings from "./settings.ts"
import {
  continuePreparing,
  continueWatching,
  epochMillis,
  type Invocation,
  nameOf,
  postpone,
  type Step,
  stillInProgress,
  type WatchState
} from "./State.ts"
import * as StackTemplate from "./template.ts"

/** The stack's status forbids the operation. */
export class StackRefused extends Schema.TaggedError<StackRefused>()("StackRefused", {
  stack: Schema.String,
  status: Schema.String
}) {
  get problem() {
    return `Stack cannot be updated when status is: ${this.status}`
  }
  get advice() {
    return advice(this.status, this.stack)
  }
  override get message() {
    return sentences(this.problem, this.advice)
  }
}

/** CloudFormation rejected the operation. */
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

/** The stack is protected from deletion. */
export class StackProtected extends Schema.TaggedError<StackProtected>()("StackProtected", { stack: Schema.String }) {
  get problem() {
    return `Stack "${this.stack}" has termination protection and is not deleted`
  }
  get advice() {
    return "Switch the protection off, then retry the action"
  }
  override get message() {
    return sentences(this.problem, this.advice)
  }
}

const participles = {
  create: "creating",
  update: "updating",
  delete: "deleting",
  execute: "updating"
} satisfies Record<StackOperation, string>

/** The stack changed between describing it and the call: describe it again. */
class StackChanged extends Data.TaggedError("StackChanged")<{ readonly status: string }> {}

/** How often the stack is described again because it changed. */
const retries = 2

/** What a mode with a template gives to the stack. */
interface Content {
  readonly template: StackTemplate.StackTemplate
  readonly settings: StackSettings.StackSettings
}

/** What is known when an operation starts. */
interface StartContext {
  readonly invocation: Invocation
  /** None in a mode without a template. */
  readonly content: Option.Option<Content>
  readonly stack: Option.Option<Stack>
  /** When this start began; epoch milliseconds. */
  readonly now: number
}

type StartError =
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

/** The state of a watch that starts now. */
type NewState = Omit<WatchState, "since">

/** Describes the stack, reads what it gets, and starts the operation that the plan decides on. */
export const start = Effect.fn("DeployStack.start")(function*(invocation: Invocation) {
  const { job, parameters } = invocation
  yield* StackSuccess.check(invocation)
  // Before the reads, so that the clocks of Lambda and CloudFormation can differ by as much as these take.
  const now = yield* epochMillis
  const content = yield* Effect.cached(
    hasTemplate(parameters) ? Effect.asSome(readContent(job, parameters)) : Effect.succeedNone
  )
  return yield* Effect.all([find(parameters), content], { concurrency: 2 }).pipe(
    Effect.flatMap(([stack, content]) => startOperation({ invocation, content, stack, now })),
    Effect.retry({ times: retries, while: (error) => error._tag === "StackChanged" }),
    Effect.catchTag("StackChanged", ({ status }) => refuseOrPostpone(nameOf(parameters.stack), status))
  )
})

const readContent = (job: Job, parameters: TemplateParameters) =>
  Effect.all(
    { template: StackTemplate.read(job, parameters), settings: StackSettings.read(job, parameters) },
    { concurrency: 2 }
  )

/**
 * The current stack. An ARN names one stack for ever: if that one is deleted, the current stack of the same name is used,
 * which an earlier execution of the pipeline may have recreated. A delete is only for the stack that is named.
 */
const find = Effect.fnUntraced(function*({ mode, stack }: Invocation["parameters"]) {
  const { describe } = yield* CloudFormation
  const found = yield* describe(stack)
  const name = nameOf(stack)
  if (name === stack || mode === "DELETE_ONLY") return found
  return Option.exists(found, ({ status }) => phaseOf(status) !== "Deleted") ? found : yield* describe(name)
})

/** An update without rollback can be refused for good: a stack created with OnFailure DO_NOTHING stays in CREATE_FAILED. */
const refuseOrPostpone = (stack: string, status: string): Effect.Effect<Step, StackRefused> =>
  needsDisableRollback(status)
    ? Effect.fail(new StackRefused({ stack, status }))
    : Effect.succeed(postpone(status))

const startOperation = Effect.fn("DeployStack.startOperation")(function*(
  context: StartContext
): Effect.fn.Return<Step, StartError | StackChanged, CloudFormation | ArtifactStore> {
  const { invocation, now, stack } = context
  const { execution, parameters } = invocation
  const { disableRollback = false, mode, whenBusy = "fail" } = parameters
  const named = nameOf(parameters.stack)
  const since = redeliveryWindowStart(execution)
  const decision = StackPlan.start(mode, { whenBusy, disableRollback }, observe(stack, execution, since))
  const owner = ownerOf(execution, since)
  // The newest events are enough: if the own operation is in progress or was the last one, they are its events.
  const search = { stack, since: now, owner, operations: StackOperation.literals }
  const { events, next } = yield* resolveDecision(decision, search)
  const state: NewState = {
    stackId: Option.match(stack, { onNone: () => named, onSome: ({ id }) => id }),
    ...(Option.isNone(events) && { eventsDenied: true })
  }
  return yield* StackPlan.Start.$match(next, {
    Begin: ({ operation }) =>
      operation === "delete" ? startDelete(context, state) : createOrUpdate(context, state, operation),
    Prepare: ({ type }) => prepareChangeSet(context, type),
    Execute: () => StackChangeSet.executeNamed(invocation, stack, { ...state, since }),
    Adopt: ({ operation }) => Effect.succeed(adopt(context, state, operation)),
    Postpone: ({ status }) => Effect.succeed(postpone(status)),
    Refuse: ({ status }) => Effect.fail(new StackRefused({ stack: named, status })),
    NothingToDelete: () =>
      Effect.succeed(
        Action.Step.Done({ message: `Stack "${parameters.stack}" does not exist: there is nothing to delete` })
      ),
    StackNotFound: () => StackChangeSet.stackNotFound(parameters)
  })
})

/** Watches an operation that an earlier delivery started. */
const adopt = ({ invocation: { execution } }: StartContext, state: NewState, operation: StackOperation): Step =>
  continueWatching(stillInProgress(operation), { ...state, operation, since: redeliveryWindowStart(execution) })

const createOrUpdate = Effect.fnUntraced(function*(
  context: StartContext,
  state: NewState,
  operation: "create" | "update"
) {
  const { invocation, now, stack } = context
  const { execution, parameters } = invocation
  const cloudFormation = yield* CloudFormation
  const { resources, settings, template } = yield* contentOf(context)
  const named = nameOf(parameters.stack)
  const existing = operation === "create" ? Option.none() : stack
  const call = (options: StackSettings.CallOptions): Effect.Effect<string, OperationError> =>
    cloudFormation[operation]({
      ...options,
      ...template,
      // An update is for the stack that was described: another one can have its name by now.
      stack: operation === "create" ? named : state.stackId,
      clientRequestToken: requestToken(operation, execution)
    })
  return yield* StackSettings.callWithSettings(settings, { stack: named, existing, template }, call).pipe(
    Effect.map((stackId) =>
      // Only CloudFormation knows how many resources an update changes.
      continueWatching(`Stack ${operation} started`, {
        ...state,
        operation,
        stackId,
        since: now,
        ...(operation === "create" && Option.isSome(resources) && { resources: resources.value })
      }, 0)
    ),
    Effect.catchTags({
      NoUpdates: () => StackSuccess.succeed(invocation, "There were no stack updates", stack),
      TokenUsed: () => Effect.succeed(adopt(context, state, operation)),
      StackExists: () => Effect.fail(new StackChanged({ status: "CREATE_IN_PROGRESS" })),
      StackNotReady: ({ status }) => Effect.fail(new StackChanged({ status })),
      AwsRejected: ({ detail }) => Effect.fail(new OperationRejected({ operation, stack: named, reason: detail }))
    })
  )
})

const startDelete = Effect.fnUntraced(function*(context: StartContext, state: NewState) {
  const { invocation: { execution, parameters }, now, stack } = context
  const named = nameOf(parameters.stack)
  if (Option.exists(stack, ({ terminationProtection }) => terminationProtection)) {
    return yield* new StackProtected({ stack: named })
  }
  const cloudFormation = yield* CloudFormation
  const request = {
    stack: state.stackId,
    clientRequestToken: requestToken("delete", execution),
    roleArn: parameters.roleArn
  }
  return yield* cloudFormation.delete(request).pipe(
    Effect.as(continueWatching("Stack delete started", { ...state, operation: "delete", since: now }, 0)),
    Effect.catchTags({
      TokenUsed: () => Effect.succeed(adopt(context, state, "delete")),
      StackNotReady: ({ status }) => Effect.fail(new StackChanged({ status })),
      AwsRejected: ({ detail }) =>
        Effect.fail(new OperationRejected({ operation: "delete", stack: named, reason: detail }))
    })
  )
})

const prepareChangeSet = Effect.fnUntraced(function*(context: StartContext, type: StackPlan.ChangeSetType) {
  const { invocation: { execution, parameters }, stack } = context
  const { changeSet = StackChangeSet.ownName(execution) } = parameters
  const { settings, template } = yield* contentOf(context)
  const named = nameOf(parameters.stack)
  const request = { stack: named, changeSet, type, template, execution }
  const existing = type === "CREATE" ? Option.none() : stack
  if (settings.options.stackPolicy !== undefined) yield* Effect.logWarning(noPolicy)
  return yield* StackSettings.callWithSettings(
    settings,
    { stack: named, existing, template },
    (options) => StackChangeSet.prepare({ ...request, options })
  ).pipe(
    Effect.map(Option.match({
      onNone: () => postpone(`change set "${changeSet}" is being deleted`),
      onSome: (prepared) => continuePreparing(`Change set "${changeSet}" create started`, prepared)
    })),
    Effect.catchTags({
      StackNotReady: ({ status }) => Effect.fail(new StackChanged({ status })),
      AwsRejected: ({ detail }) =>
        Effect.fail(new StackChangeSet.ChangeSetFailed({ stack: named, changeSet, reason: detail }))
    })
  )
})

/** What the stack gets, as CloudFormation takes it. The plan starts these operations only in modes with a template. */
const contentOf = Effect.fnUntraced(function*({ content, invocation: { parameters } }: StartContext) {
  const { settings, template } = yield* Effect.orDie(Effect.fromOption(content))
  const { templateBucket, templateBucketEncryption } = parameters
  return {
    settings,
    template: yield* StackTemplate.toTemplateInput(template, templateBucket, templateBucketEncryption),
    resources: Template.resourceCount(template.text)
  }
})

const noPolicy = "A change set has no stack policy: the stack does not get the policy of the template configuration"
