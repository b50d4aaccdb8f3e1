// Makes the calls that start an operation on a stack, with everything that is checked before them.
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { AwsError } from "../../domain/job/AwsError.ts"
import { callerOf } from "../../domain/stack/Destination.ts"
import type { Stack, StackOptions } from "../../domain/stack/Stack.ts"
import { requestToken, type RollbackOperation, StackOperation } from "../../domain/stack/StackOperation.ts"
import * as StackParameters from "../../domain/stack/StackParameters.ts"
import type * as StackPlan from "../../domain/stack/StackPlan.ts"
import { isUnderWay } from "../../domain/stack/StackStatus.ts"
import * as Template from "../../domain/stack/Template.ts"
import { sentences } from "../../domain/text/sentences.ts"
import { optionalCall } from "../../runtime/optionalCall.ts"
import { CloudFormation, type OperationError } from "../../services/CloudFormation.ts"
import * as StackSettings from "../stackContent/settings.ts"
import * as StackTemplate from "../stackContent/template.ts"
import * as StackChangeSet from "./changeSet/create.ts"
import type { executeNamed } from "./changeSet/execute.ts"
import { redeliveryWindowStart } from "./observe.ts"
import * as Outputs from "./outputs.ts"
import {
  continuePreparing,
  continueWatching,
  continueWithFound,
  type Invocation,
  nameOf,
  namesOf,
  postpone,
  type Step,
  stillInProgress,
  type Timed,
  timed,
  type WatchState
} from "./State.ts"
import { check, summarize } from "./templateCheck.ts"

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

const participles = {
  create: "creating",
  update: "updating",
  delete: "deleting",
  execute: "updating",
  rollback: "rolling back",
  "continue-rollback": "continuing the rollback of"
} satisfies Record<StackOperation, string>

/** The stack is protected from deletion. */
export class StackProtected extends Schema.TaggedError<StackProtected>()("StackProtected", { stack: Schema.String }) {
  get problem() {
    return `Stack "${this.stack}" has termination protection and is not deleted`
  }
  get advice() {
    return "Switch the protection off, or let the action do so with \"terminationProtection\": false in UserParameters, " +
      "then retry the action"
  }
  override get message() {
    return sentences(this.problem, this.advice)
  }
}

/** The stack is not replaced, because its new parameters cannot be checked before it is deleted. */
export class ReplacementUnchecked extends Schema.TaggedError<ReplacementUnchecked>()("ReplacementUnchecked", {
  stack: Schema.String,
  /** The role of the call, in words. */
  role: Schema.String
}) {
  get problem() {
    return `Stack "${this.stack}" is not deleted, because its parameters cannot be checked first`
  }
  get advice() {
    return `Allow cloudformation:GetTemplateSummary (on all resources) for ${this.role}, then retry the action`
  }
  override get message() {
    return sentences(this.problem, this.advice)
  }
}

/** The stack changed between describing it and the call: describe it again. */
export class StackChanged extends Data.TaggedError("StackChanged")<{ readonly status: string }> {}

/** The template and the settings of the stack, in modes with a template. */
export interface Content {
  readonly template: StackTemplate.StackTemplate
  readonly settings: StackSettings.StackSettings
}

/** What is known when an operation starts. */
export interface StartContext {
  readonly invocation: Invocation
  /** None in a mode without a template. */
  readonly content: Option.Option<Content>
  readonly stack: Option.Option<Stack>
  /** What an earlier job found: the stack to delete or to replace, or the name of one to create. */
  readonly foundId: string | undefined
  /** How that job decided to roll the stack back. */
  readonly foundOperation: RollbackOperation | undefined
  /** The stack whose drift an earlier job has detected. */
  readonly checkedId: string | undefined
  /** The stack that is going to be replaced, or is deleted already. */
  readonly replaced: Option.Option<Stack>
}

/** The state of a watch that starts now. */
export type NewState = Omit<WatchState, "since">

/** When the stack last changed; CloudFormation's time in epoch milliseconds. */
export const changedAt = Option.match({ onNone: () => 0, onSome: ({ changedAt }: Stack) => changedAt })

/** Watches an operation that an earlier delivery started. */
export const adopt = ({ invocation: { execution } }: StartContext, state: NewState, operation: StackOperation): Step =>
  continueWatching(stillInProgress(operation), { ...state, operation, since: redeliveryWindowStart(execution) })

export const createOrUpdate = Effect.fn("DeployStack.createOrUpdate")(function*(
  context: StartContext,
  state: NewState,
  operation: "create" | "update"
) {
  const { foundId, invocation, stack } = context
  const { execution, parameters } = invocation
  const cloudFormation = yield* CloudFormation
  const content = yield* contentOf(context)
  const named = nameOf(parameters.stack)
  // The stack can be absent because a later job has just deleted it, to create it with its values.
  if (operation === "create" && parameters.mode === "REPLACE_ON_FAILURE" && foundId === undefined) {
    return continueWithFound("Stack create prepared: the next job creates it", named)
  }
  const { terminationProtection } = parameters
  const protectedStack = yield* Effect.cached(protectFirst(context))
  const call = (options: StackOptions): Effect.Effect<Timed<string>, OperationError, CloudFormation> => {
    const request = { ...options, ...content.template, clientRequestToken: requestToken(operation, execution) }
    return operation === "create"
      ? timed(cloudFormation.create({ ...request, stack: named, terminationProtection }))
      // An update is for the stack that was described: another one can have its name by now.
      : Effect.flatMap(protectedStack, () => timed(cloudFormation.update({ ...request, stack: state.stackId })))
  }
  const target = targetOf(context, operation === "create")
  return yield* StackSettings.callWithSettings(target, content, cloudFormation.templateSummary, call).pipe(
    Effect.map(({ answer: stackId, calledAt }) =>
      // Only CloudFormation knows how many resources an update changes.
      continueWatching(`Stack ${operation} started`, {
        ...state,
        operation,
        stackId,
        since: changedAt(stack),
        calledAt,
        ...(operation === "create" && Option.isSome(content.resources) && { resources: content.resources.value })
      }, 0)
    ),
    Effect.catchTags({
      NoUpdates: () => endWithoutUpdates(context, state.stackId),
      TokenUsed: () => Effect.succeed(adopt(context, state, operation)),
      StackExists: () => Effect.fail(new StackChanged({ status: "CREATE_IN_PROGRESS" })),
      StackNotReady: ({ status }) => Effect.fail(new StackChanged({ status })),
      AwsRejected: ({ detail }) => Effect.fail(new OperationRejected({ operation, stack: named, reason: detail }))
    })
  )
})

/** The stack may have changed since it was described, and a late read is even older. */
const endWithoutUpdates = Effect.fnUntraced(function*({ invocation, stack }: StartContext, stackId: string) {
  const { describe } = yield* CloudFormation
  const found = yield* describe(stackId)
  const status = Option.match(found, { onNone: () => "not found", onSome: ({ status }) => status })
  if (isUnderWay(status) || changedAt(found) < changedAt(stack)) return yield* new StackChanged({ status })
  return yield* Outputs.succeed(invocation, "There were no stack updates", found)
})

export const startDelete = Effect.fn("DeployStack.delete")(function*(context: StartContext, state: NewState) {
  const { invocation: { execution, parameters }, stack } = context
  const named = nameOf(parameters.stack)
  const isProtected = Option.exists(stack, ({ terminationProtection }) => terminationProtection)
  if (isProtected && parameters.terminationProtection !== false) return yield* new StackProtected({ stack: named })
  const { stackId } = state
  const replaces = parameters.mode === "REPLACE_ON_FAILURE"
  if (replaces) yield* checkReplacement(context)
  if (context.foundId !== stackId) {
    return continueWithFound(`Stack ${replaces ? "replacement" : "delete"} prepared: the next job deletes it`, stackId)
  }
  const cloudFormation = yield* CloudFormation
  const request = {
    stack: stackId,
    clientRequestToken: requestToken("delete", execution),
    roleArn: parameters.roleArn
  }
  // After all checks.
  const unprotect = isProtected ? protectFirst(context) : Effect.void
  return yield* Effect.andThen(unprotect, timed(cloudFormation.delete(request))).pipe(
    Effect.map(({ calledAt }) =>
      continueWatching("Stack delete started", { ...state, operation: "delete", since: changedAt(stack), calledAt }, 0)
    ),
    Effect.catchTags({
      TokenUsed: () => Effect.succeed(adopt(context, state, "delete")),
      StackNotReady: ({ status }) => Effect.fail(new StackChanged({ status })),
      AwsRejected: ({ detail }) =>
        Effect.fail(new OperationRejected({ operation: "delete", stack: named, reason: detail }))
    })
  )
})

/** Checks everything about the new stack that can be known before the old one is deleted. */
const checkReplacement = Effect.fnUntraced(function*(context: StartContext) {
  const { invocation: { parameters }, stack } = context
  const named = nameOf(parameters.stack)
  const { settings: { options, values }, template } = yield* contentOf(context)
  const replaced = StackSettings.parametersOf(stack)
  const toError = (reason: string) => new OperationRejected({ operation: "create", stack: named, reason })
  const answer = summarize(template, toError)
  // Values need the summary: an outage is waited for. Without any, its checks are optional.
  const summary = values.size + replaced.size > 0
    ? yield* answer.pipe(
      Effect.asSome,
      Effect.catchTag(
        "AwsDenied",
        () => Effect.fail(new ReplacementUnchecked({ stack: named, role: callerOf(parameters) }))
      )
    )
    : yield* optionalCall(answer, "The template is not checked before the stack is deleted.")
  if (Option.isNone(summary)) return
  const known = yield* Effect.fromResult(summary.value)
  yield* StackSettings.toParameters(StackParameters.carryOver(values, known.parameters, replaced))
  yield* check(named, options, known, toError)
})

/**
 * Checks everything about an update that can be known before something else is done for it: before another change set of
 * the same name is deleted, as long as which the new one cannot be created, or before the stack is rolled back. The check is
 * optional: a change set can be created again, a stack's data cannot.
 */
const checkUpdate = Effect.fnUntraced(function*<E>(
  context: StartContext,
  { settings: { options, values }, template }: Effect.Success<ReturnType<typeof contentOf>>,
  toError: (reason: string) => E,
  before: string
) {
  const summary = yield* optionalCall(summarize(template, toError), `The template is not checked before ${before}.`)
  if (Option.isNone(summary)) return
  const known = yield* Effect.fromResult(summary.value)
  const present = StackSettings.parametersOf(context.stack)
  // The stack keeps its values that CloudFormation hides.
  const declared = known.parameters.filter(({ name, noEcho }) => values.has(name) || !(noEcho && present.has(name)))
  yield* StackSettings.toParameters(StackParameters.carryOver(values, declared, present))
  yield* check(nameOf(context.invocation.parameters.stack), options, known, toError)
})

/** Checks what the action deploys after it has rolled the stack back. */
export const checkRecovery = Effect.fnUntraced(function*(context: StartContext) {
  if (Option.isNone(context.content)) return
  const named = nameOf(context.invocation.parameters.stack)
  const toError = (reason: string) => new OperationRejected({ operation: "update", stack: named, reason })
  yield* checkUpdate(context, yield* contentOf(context), toError, "the stack is rolled back")
})

export const prepareChangeSet = Effect.fn("DeployStack.prepareChangeSet")(function*(
  context: StartContext,
  type: StackPlan.ChangeSetType
) {
  const { invocation: { execution, parameters }, stack } = context
  const { deploymentMode, importExistingResources, mode } = parameters
  const { changeSet, stack: named } = namesOf(context.invocation)
  const { templateSummary } = yield* CloudFormation
  const content = yield* contentOf(context)
  const { includeNestedStacks = content.hasNestedStacks ? true : undefined } = parameters
  if (mode === "CHANGE_SET_REPLACE" && content.settings.options.stackPolicy !== undefined) {
    yield* Effect.logWarning(noPolicy)
  }
  const isNewStack = !Option.exists(stack, ({ status }) => status === "REVIEW_IN_PROGRESS")
  const toError = (reason: string) =>
    new StackChangeSet.ChangeSetFailed({ stack: named, changeSet, reason, causes: [] })
  const request = {
    // An update is for the stack that was described: another one can have its name by now.
    stack: type === "UPDATE" ? Option.match(stack, { onNone: () => named, onSome: ({ id }) => id }) : named,
    changeSet,
    type,
    template: content.template,
    // A new stack has no drift.
    features: {
      includeNestedStacks,
      importExistingResources,
      deploymentMode: type === "UPDATE" ? deploymentMode : undefined
    },
    execution,
    isNewStack,
    check: checkUpdate(context, content, toError, "the change set of the same name is deleted")
  }
  return yield* StackSettings.callWithSettings(
    targetOf(context, type === "CREATE"),
    content,
    templateSummary,
    (options) => {
      const prepare = StackChangeSet.prepare({ ...request, options })
      return mode === "CHANGE_SET_DEPLOY" && type === "UPDATE"
        ? Effect.andThen(protectFirst(context), prepare)
        : prepare
    }
  ).pipe(
    Effect.map(Option.match({
      onNone: () => postpone(`change set "${changeSet}" is being deleted`),
      onSome: (prepared) => continuePreparing(`Change set "${changeSet}" create started`, prepared)
    })),
    Effect.catchTags({
      ChangeSetNotReady: ({ reason }) => Effect.succeed(postpone(`change set "${changeSet}": ${reason}`)),
      StackExists: () => Effect.fail(new StackChanged({ status: "CREATE_IN_PROGRESS" })),
      StackNotReady: ({ status }) => Effect.fail(new StackChanged({ status })),
      AwsRejected: ({ detail }) => Effect.fail(toError(detail))
    })
  )
})

const noPolicy =
  "A change set has no stack policy: the action that executes it sets the policy, if it has the template " +
  "configuration"

/** Sets the termination protection of the existing stack before a call changes it: a missing permission stops the job. */
const protectFirst = ({ invocation: { parameters }, stack }: StartContext) =>
  Effect.transposeOption(Option.map(stack, (stack) => Outputs.protect(stack, parameters)))

/** The stack that a call creates or updates. */
const targetOf = ({ invocation, replaced, stack }: StartContext, isNew: boolean): StackSettings.Target => ({
  stack: nameOf(invocation.parameters.stack),
  existing: isNew ? Option.none() : stack,
  replaced: isNew ? replaced : Option.none()
})

/** The template as CloudFormation accepts it, and the settings. The plan uses them only in modes with a template. */
const contentOf = Effect.fnUntraced(function*({ content, invocation: { parameters } }: StartContext) {
  const { settings, template } = yield* Effect.orDie(Effect.fromOption(content))
  return {
    settings,
    template: yield* StackTemplate.toTemplateInput(template, parameters),
    resources: Template.resourceCount(template.text),
    hasNestedStacks: Template.hasNestedStacks(template.text)
  }
})

/** Why an operation was not started. */
export type StartError =
  | Effect.Error<ReturnType<typeof createOrUpdate>>
  | Effect.Error<ReturnType<typeof startDelete>>
  | Effect.Error<ReturnType<typeof prepareChangeSet>>
  | Effect.Error<ReturnType<typeof executeNamed>>
  | AwsError
