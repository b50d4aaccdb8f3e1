// Begins what DeployStack is asked for: decides by what is there, and makes the call.
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Action from "../../Action.ts"
import type { AwsError } from "../../domain/job/AwsError.ts"
import { requestToken, StackOperation } from "../../domain/stack/StackOperation.ts"
import * as StackPlan from "../../domain/stack/StackPlan.ts"
import { advice, isUnrollable, phaseOf } from "../../domain/stack/StackStatus.ts"
import * as Template from "../../domain/stack/Template.ts"
import type { ArtifactStore, UploadFailed } from "../../services/ArtifactStore.ts"
import { ChangeSetNotReady, CloudFormation, type OperationError, type Stack } from "../../services/CloudFormation.ts"
import * as StackChangeSet from "./changeSet.ts"
import { observe, ownerOf, redeliveryWindowStart, resolveDecision } from "./observe.ts"
import * as StackSuccess from "./outputs.ts"
import * as StackSettings from "./settings.ts"
import {
  continuePreparing,
  continueWatching,
  epochMillis,
  eventsDeniedMark,
  type Invocation,
  modeOf,
  nameOf,
  postpone,
  type Step,
  stillInProgress
} from "./State.ts"
import * as StackTemplate from "./template.ts"

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

const participles = {
  create: "creating",
  update: "updating",
  delete: "deleting",
  execute: "updating"
} satisfies Record<StackOperation, string>

/** What begins an operation: what was asked for, what is there, and when that was looked at. */
interface StartContext {
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

/**
 * The stack as it is now. An ARN names one stack for ever; where that one is gone, the stack of its name is meant, which an
 * earlier run of the pipeline may have made anew. Only what is deleted is no other than the one that is named.
 */
const find = Effect.fnUntraced(function*(parameters: Invocation["parameters"]) {
  const { describe } = yield* CloudFormation
  const { stack } = parameters
  const found = yield* describe(stack)
  const name = nameOf(stack)
  if (name === stack || modeOf(parameters) === "DELETE_ONLY") return found
  return Option.exists(found, ({ status }) => phaseOf(status) !== "Deleted") ? found : yield* describe(name)
})

/** Looks at the stack, decides and begins. */
const startOperation = Effect.fn("DeployStack.begin")(function*(
  context: StartContext
): Effect.fn.Return<Step, StartError, CloudFormation | ArtifactStore> {
  const { invocation: { execution, parameters }, now, stack, triesLeft } = context
  const { disableRollback = false, whenBusy = "fail" } = parameters
  const named = nameOf(parameters.stack)
  const cloudFormation = yield* CloudFormation
  const since = redeliveryWindowStart(execution)
  const options = { whenBusy, disableRollback }
  const decision = StackPlan.start(modeOf(parameters), options, observe(stack, execution, since))
  // The newest events do: while ours is under way, or was the last, they are ours.
  const owner = ownerOf(execution, since)
  const search = { stack, since: now, owner, operations: StackOperation.literals, eventsDenied: false }
  const { events, next } = yield* resolveDecision(decision, search)
  const stackId = Option.match(stack, { onNone: () => named, onSome: ({ id }) => id })
  const toWatch = { stackId, ...Option.match(events, { onNone: () => eventsDeniedMark, onSome: () => ({}) }) }

  const adopt = (operation: StackOperation): Step =>
    continueWatching(stillInProgress(operation), { ...toWatch, operation, since })
  // An operation that does not roll back may be refused all the same: a stack that was made with the API's OnFailure
  // DO_NOTHING stays in CREATE_FAILED for good.
  const refuseOrPostpone = (status: string): Effect.Effect<Step, StackRefused> =>
    isUnrollable(status)
      ? Effect.fail(new StackRefused({ stack: named, status }))
      : Effect.succeed(postpone(status))
  const retry = (status: string): Effect.Effect<Step, StartError, CloudFormation | ArtifactStore> =>
    triesLeft === 0
      ? refuseOrPostpone(status)
      : Effect.flatMap(
        find(parameters),
        (stack) => startOperation({ ...context, stack, triesLeft: triesLeft - 1 })
      )

  const beginOperation = Effect.fnUntraced(function*(operation: "create" | "update") {
    const { settings, template } = yield* templateOf(context)
    const existing = operation === "create" ? Option.none() : stack
    const call = (options: StackSettings.CallOptions): Effect.Effect<string, OperationError> =>
      cloudFormation[operation]({
        ...options,
        ...template,
        // What is updated is the one that was looked at: another may have taken its name since.
        stack: operation === "create" ? named : stackId,
        clientRequestToken: requestToken(operation, execution)
      })
    return yield* StackSettings.callWithSettings(settings, { stack: named, existing, template }, call).pipe(
      Effect.map((stackId) =>
        continueWatching(`Stack ${operation} started`, {
          ...toWatch,
          operation,
          stackId,
          since: now,
          ...(operation === "create" && expected(context.content))
        }, 0)
      ),
      Effect.catchTags({
        NoUpdates: () => StackSuccess.succeed(context.invocation, "There were no stack updates", stack),
        TokenUsed: () => Effect.succeed(adopt(operation)),
        StackExists: () => retry("CREATE_IN_PROGRESS"),
        StackNotReady: ({ status }) => retry(status),
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
      Effect.as(continueWatching("Stack delete started", { ...toWatch, operation: "delete", since: now }, 0)),
      Effect.catchTags({
        TokenUsed: () => Effect.succeed(adopt("delete")),
        AwsRejected: ({ detail }) =>
          Effect.fail(new OperationRejected({ operation: "delete", stack: named, reason: detail }))
      })
    )
  })

  const prepare = Effect.fnUntraced(function*(type: StackPlan.ChangeSetType) {
    const { changeSet = StackChangeSet.ownName(execution) } = parameters
    const { settings, template } = yield* templateOf(context)
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
        onSome: (made) => continuePreparing(`Change set "${changeSet}" create started`, made)
      })),
      Effect.catchTags({
        StackNotReady: ({ status }) => retry(status),
        AwsRejected: ({ detail }) =>
          Effect.fail(new StackChangeSet.ChangeSetFailed({ stack: named, changeSet, reason: detail }))
      })
    )
  })

  return yield* StackPlan.Start.$match(next, {
    Begin: ({ operation }) => operation === "delete" ? beginDelete() : beginOperation(operation),
    Prepare: ({ type }) => prepare(type),
    Execute: () => StackChangeSet.executeNamed(context, { ...toWatch, since }),
    Adopt: ({ operation }) => Effect.succeed(adopt(operation)),
    Postpone: ({ status }) => Effect.succeed(postpone(status)),
    Refuse: ({ status }) => Effect.fail(new StackRefused({ stack: named, status })),
    NothingToDelete: () =>
      Effect.succeed(Action.Step.Done({ message: `There is no stack "${parameters.stack}" to delete` })),
    StackNotFound: () => {
      const reason = "there is no such stack"
      return Effect.fail(new ChangeSetNotReady({ stack: named, changeSet: parameters.changeSet ?? "", reason }))
    }
  })
})

/** What the stack is to have, as CloudFormation takes it. The modes that need a template have read one. */
const templateOf = Effect.fnUntraced(function*({ content, invocation: { parameters } }: StartContext) {
  const { settings, template } = yield* Effect.orDie(Effect.fromOption(content))
  return { settings, template: yield* StackTemplate.toTemplateInput(template, parameters.templateBucket) }
})

/** Of an update only CloudFormation knows how many resources it changes. */
const expected = (content: StartContext["content"]) =>
  Option.flatMap(content, ({ template: { text } }) => Template.resourceCount(text)).pipe(
    Option.match({ onNone: () => ({}), onSome: (resources) => ({ resources }) })
  )

const noPolicy = "A change set holds no stack policy: that of the template configuration is not given to the stack"

const withoutTemplate: ReadonlySet<StackPlan.Mode> = new Set<StackPlan.Mode>(["DELETE_ONLY", "CHANGE_SET_EXECUTE"])

/** Looks at the stack and reads what it is to have, then begins. */
export const start = Effect.fn("DeployStack.start")(function*(invocation: Invocation) {
  const { job, parameters } = invocation
  yield* StackSuccess.check(invocation)
  // Where the mode needs a template, the parameters name one.
  const { artifact = "", file = "" } = parameters
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
  const [stack, content] = yield* Effect.all([find(parameters), read], { concurrency: 2 })
  return yield* startOperation({ invocation, content, stack, now, triesLeft: 2 })
})
