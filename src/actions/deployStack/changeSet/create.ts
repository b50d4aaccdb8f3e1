// Creates change sets, and deletes those that are not executed.
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { AwsError } from "../../../domain/job/AwsError.ts"
import type { Execution } from "../../../domain/job/ContinuationToken.ts"
import { type ChangeSet, Readiness, readiness } from "../../../domain/stack/ChangeSet.ts"
import type { ChangeSetKey, ChangeSetRequest, StackOptions } from "../../../domain/stack/Stack.ts"
import * as StackFailure from "../../../domain/stack/StackFailure.ts"
import { requestToken } from "../../../domain/stack/StackOperation.ts"
import type * as StackPlan from "../../../domain/stack/StackPlan.ts"
import type { Template } from "../../../domain/stack/Template.ts"
import { optionalCall } from "../../../runtime/optionalCall.ts"
import {
  type ChangeSetNotReady,
  CloudFormation,
  type RequestError,
  type StackExists,
  type StackNotReady
} from "../../../services/CloudFormation.ts"
import { type Invocation, nameOf, type PrepareState } from "../State.ts"
import { isGuarded } from "./plan.ts"

/** CloudFormation could not create the change set. */
export class ChangeSetFailed extends Schema.TaggedError<ChangeSetFailed>()("ChangeSetFailed", {
  stack: Schema.String,
  changeSet: Schema.String,
  /** CloudFormation's own words. */
  reason: Schema.String,
  /** The causes that only DescribeEvents shows, oldest first, and those of nested change sets. */
  causes: Schema.Array(Schema.String),
  /** What to do. */
  advice: Schema.optionalKey(Schema.String)
}) {
  override get message() {
    const { advice, causes, changeSet, reason, stack } = this
    return StackFailure.message({
      head: `Error creating change set "${changeSet}" for CloudFormation stack "${stack}": ` +
        (causes.length === 0 ? reason : reason.replace(useDescribeEvents, "")),
      causes,
      remarks: advice === undefined ? [] : [advice]
    })
  }
}

/** CloudFormation's advice. It is redundant if the causes are known. */
const useDescribeEvents = /\s*To troubleshoot .*$/s

/** Marks the change set as one that a delivery of this event created. */
const descriptionOf = ({ firstJobId }: Execution) => `Made by effect-codepipeline for job ${firstJobId}`

/** Appended if CloudFormation created an empty stack for the change set. */
const newStackMark = ", with its stack"

export type ChangeSetFeatures = Pick<
  ChangeSetRequest,
  "includeNestedStacks" | "importExistingResources" | "deploymentMode"
>

export interface Request<E> {
  /** Its ARN, or its name if it does not exist. */
  readonly stack: string
  readonly changeSet: string
  readonly type: StackPlan.ChangeSetType
  readonly template: Template
  readonly options: StackOptions
  /** What only a change set can have. */
  readonly features: ChangeSetFeatures
  readonly execution: Execution
  /** Whether the stack does not exist yet. */
  readonly isNewStack: boolean
  /** Fails if CloudFormation would reject the change set. It runs before another one of the same name is deleted. */
  readonly check: Effect.Effect<void, E, CloudFormation>
}

/** The change set that is being created; none while a change set of the same name is being deleted. */
export type Prepared = Option.Option<PrepareState>

type PrepareError = ChangeSetFailed | ChangeSetNotReady | StackExists | StackNotReady | RequestError | AwsError

/** Starts to create a change set. One that an earlier delivery created is adopted; a foreign one is replaced. */
export const prepare = Effect.fn("StackChangeSet.prepare")(function*<E>(
  { changeSet, check, execution, features, isNewStack, options, stack, template, type }: Request<E>
): Effect.fn.Return<Prepared, E | PrepareError, CloudFormation> {
  const cloudFormation = yield* CloudFormation
  const own = descriptionOf(execution)
  const description = isNewStack && type === "CREATE" ? own + newStackMark : own
  const create = cloudFormation.createChangeSet({
    ...options,
    ...features,
    ...template,
    stack,
    changeSet,
    type,
    description
  }).pipe(
    Effect.map(({ id, stackId }) => Option.some({ changeSet: id, stackId })),
    Effect.catchTag(
      "AwsRejected",
      ({ detail }) => Effect.fail(new ChangeSetFailed({ stack: nameOf(stack), changeSet, reason: detail, causes: [] }))
    )
  )
  const adoptOrReplace = Effect.gen(function*() {
    const found = yield* cloudFormation.describeChangeSet({ stack, changeSet })
    if (Option.isSome(found)) {
      const { description: marked, id, stackId } = found.value
      if (marked === own || marked === own + newStackMark) return Option.some({ changeSet: id, stackId })
      yield* check
      yield* cloudFormation.deleteChangeSet({ stack, changeSet: id })
    }
    return yield* create.pipe(Effect.catchTag("ChangeSetExists", () => Effect.succeedNone))
  })
  return yield* create.pipe(Effect.catchTag("ChangeSetExists", () => adoptOrReplace))
})

/** Whether CloudFormation created an empty stack for this change set of ours. */
export const isWithStack = ({ description }: ChangeSet): boolean => description?.endsWith(newStackMark) ?? false

/** Deletes the empty stack that CloudFormation created for a change set which then failed. */
const discardStack = Effect.fnUntraced(function*(stackId: string, execution: Execution) {
  const cloudFormation = yield* CloudFormation
  const stack = Option.flatten(yield* optionalCall(cloudFormation.describe(stackId), withoutDelete))
  if (Option.isNone(stack) || stack.value.status !== "REVIEW_IN_PROGRESS") return
  const request = { stack: stackId, clientRequestToken: requestToken("delete", execution) }
  const deleted = cloudFormation.delete(request).pipe(
    Effect.catchTag(["TokenUsed", "StackNotReady"], () => Effect.void)
  )
  yield* optionalCall(deleted, withoutDelete)
})

const withoutDelete = "The empty stack of the failed change set is not deleted."

/** Deletes an unusable change set, so that these do not reach CloudFormation's limit. */
export const discardChangeSet = (key: ChangeSetKey) =>
  CloudFormation.use(({ deleteChangeSet }) =>
    optionalCall(
      Effect.catchTag(deleteChangeSet(key), ["ChangeSetNotReady", "StackNotReady"], () => Effect.void),
      "The change set is not deleted."
    )
  )

/**
 * Deletes what the failed action has created: a change set to deploy, or one that must not be executed, and the empty stack
 * that CloudFormation created for a change set. What is executed stays.
 */
export const cleanUp = Effect.fn("StackChangeSet.cleanUp")(function*(
  { execution, parameters }: Invocation,
  { changeSet, stackId: stack }: PrepareState
) {
  const { mode } = parameters
  if (mode === "CHANGE_SET_EXECUTE") return
  const { describeChangeSet } = yield* CloudFormation
  const key = { stack, changeSet }
  const found = Option.flatten(
    yield* optionalCall(describeChangeSet(key), "What the action has created is not deleted.")
  )
  if (Option.isNone(found) || Readiness.$is("Executed")(readiness(found.value))) return
  if (mode === "CHANGE_SET_DEPLOY" || isGuarded(parameters)) yield* discardChangeSet(key)
  if (isWithStack(found.value)) yield* discardStack(stack, execution)
})
