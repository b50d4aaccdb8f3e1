// Starts an operation: describes the stack and decides by its status.
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Action from "../../Action.ts"
import type { Job } from "../../domain/job/Job.ts"
import type { Stack } from "../../domain/stack/Stack.ts"
import { isRollback, StackOperation } from "../../domain/stack/StackOperation.ts"
import * as StackPlan from "../../domain/stack/StackPlan.ts"
import { advice, type AdviceContext, needsDisableRollback, phaseOf } from "../../domain/stack/StackStatus.ts"
import { sentences } from "../../domain/text/sentences.ts"
import type { ArtifactStore } from "../../services/ArtifactStore.ts"
import { CloudFormation } from "../../services/CloudFormation.ts"
import * as StackSettings from "../stackContent/settings.ts"
import * as StackTemplate from "../stackContent/template.ts"
import { executeNamed, stackNotFound } from "./changeSet/execute.ts"
import { type DriftError, startDetection } from "./drift.ts"
import { Events, observe, readOf, resolveDecision } from "./observe.ts"
import {
  adopt,
  createOrUpdate,
  type NewState,
  prepareChangeSet,
  type StackChanged,
  type StartContext,
  startDelete,
  type StartError
} from "./operations.ts"
import * as Outputs from "./outputs.ts"
import { hasTemplate, modesOf, type TemplateParameters } from "./Parameters.ts"
import { nothingToRollBack, startRollback } from "./rollback.ts"
import { continueWithFound, type FoundState, type Invocation, nameOf, postpone, type Step } from "./State.ts"

/** The stack's status forbids the operation. */
export class StackRefused extends Schema.TaggedError<StackRefused>()("StackRefused", {
  stack: Schema.String,
  status: Schema.String,
  /** What the stack's status forbids. */
  purpose: Schema.Literals(["updated", "deleted", "rolled back"]),
  /** What to do. */
  advice: Schema.String
}) {
  get problem() {
    return `Stack cannot be ${this.purpose} when status is: ${this.status}`
  }
  override get message() {
    return sentences(this.problem, this.advice)
  }
}

const refused = (parameters: Invocation["parameters"], status: string, found: Option.Option<Stack>) => {
  const stack = nameOf(parameters.stack)
  const isProtected = Option.exists(found, ({ terminationProtection }) => terminationProtection)
  return new StackRefused({
    stack,
    status,
    purpose: parameters.mode === "DELETE_ONLY" ? "deleted" : parameters.mode === "ROLLBACK" ? "rolled back" : "updated",
    advice: advice(status, adviceContext(parameters, stack, isProtected))
  })
}

/** What an advice about the stack of this name depends on. Only these modes update a stack that was not rolled back. */
export const adviceContext = (
  { disableRollback = false, mode, recover = false }: Invocation["parameters"],
  stack: string,
  isProtected: boolean
): AdviceContext => {
  const isReplaced = mode === "REPLACE_ON_FAILURE"
  const continues = disableRollback ? "yes" : "with disableRollback"
  const recovers = recover ? "first" : "with recover"
  return {
    stack,
    isProtected,
    isReplaced,
    isContinued: isReplaced || mode === "CREATE_UPDATE" ? continues : "never",
    isRolledBack: mode === "ROLLBACK" ? "only" : modesOf.recover.includes(mode) ? recovers : "never"
  }
}

/** How often the stack is described again because it changed. */
const retries = 2

/** Starts an action. */
export const start = (invocation: Invocation) => decideAndStart(invocation, undefined, Option.none())

/** What an earlier job found, and left for this one. */
type Found = Pick<FoundState, "stackId" | "operation" | "drifted">

/**
 * Deletes the stack that an earlier job found, or creates the stack again if it is deleted. `stackId` is known before the
 * delete, so that its values are not lost if the job that deletes it is not reported. Or rolls the stack back that an earlier
 * job found, or deploys it after that, or after its drift was detected.
 */
export const resumeWithFound = Effect.fn("DeployStack.resumeWithFound")(function*(
  invocation: Invocation,
  left: Found
) {
  const { operation, stackId } = left
  const { describe } = yield* CloudFormation
  const isId = nameOf(stackId) !== stackId
  const found = isId ? yield* describe(stackId) : Option.none()
  // It is readable for 90 days after its deletion.
  if (isId && Option.isNone(found)) return continueWithFound("Waiting for the stack to be visible", stackId)
  const step = yield* decideAndStart(invocation, left, found)
  return Action.Step.$is("StartAgain")(step) ? continueWithFound(step.message, stackId, operation) : step
})

/** Describes the stack, reads what it gets, and starts the operation that the plan decides on. */
const decideAndStart = Effect.fn("DeployStack.start")(function*(
  invocation: Invocation,
  left: Found | undefined,
  found: Option.Option<Stack>
) {
  const foundId = left?.stackId
  const foundOperation = left?.operation
  const checkedId = left?.drifted === undefined ? undefined : foundId
  const { job, parameters } = invocation
  yield* Outputs.check(invocation)
  // Only a deleted stack can have a successor of the same name.
  let described = Option.filter(found, ({ status }) => phaseOf(status) !== "Deleted")
  const current = Effect.suspend(() => {
    const first = described
    described = Option.none()
    return Option.isSome(first) ? Effect.succeed(first) : find(parameters, foundId)
  })
  const replaced = parameters.mode === "REPLACE_ON_FAILURE" ? found : Option.none()
  const content = yield* Effect.cached(
    hasTemplate(parameters) ? Effect.asSome(readContent(job, parameters)) : Effect.succeedNone
  )
  return yield* Effect.all([current, content], { concurrency: 2 }).pipe(
    Effect.flatMap(([stack, content]) =>
      startOperation({ invocation, content, stack, foundId, foundOperation, checkedId, replaced })
    ),
    Effect.retry({ times: retries, while: (error) => error._tag === "StackChanged" }),
    Effect.catchTag("StackChanged", ({ status }) => refuseOrPostpone(parameters, status))
  )
})

const readContent = (job: Job, parameters: TemplateParameters) =>
  Effect.all(
    { template: StackTemplate.read(job, parameters), settings: StackSettings.read(job, parameters) },
    { concurrency: 2 }
  )

/**
 * The current stack. An ARN identifies one stack: if that one is deleted, the current stack of the same name is used,
 * which an earlier execution of the pipeline may have recreated. A delete or a rollback alone is only for the stack that is
 * named, or was found by an earlier job.
 */
const find = Effect.fnUntraced(function*({ mode, stack }: Invocation["parameters"], foundId = stack) {
  const { describe } = yield* CloudFormation
  if (mode === "DELETE_ONLY" || mode === "ROLLBACK") return yield* describe(foundId)
  const found = yield* describe(stack)
  const name = nameOf(stack)
  if (name === stack) return found
  return Option.exists(found, ({ status }) => phaseOf(status) !== "Deleted") ? found : yield* describe(name)
})

/**
 * The stack changed in every retry. CloudFormation can refuse an update without rollback every time: a stack created with OnFailure
 * DO_NOTHING stays in CREATE_FAILED.
 */
const refuseOrPostpone = (
  parameters: Invocation["parameters"],
  status: string
): Effect.Effect<Step, StackRefused> =>
  needsDisableRollback(status)
    ? Effect.fail(refused(parameters, status, Option.none()))
    : Effect.succeed(postpone(status))

const startOperation = Effect.fn("DeployStack.startOperation")(function*(
  context: StartContext
): Effect.fn.Return<Step, StackRefused | StackChanged | DriftError | StartError, CloudFormation | ArtifactStore> {
  const { invocation, stack } = context
  const { execution, parameters } = invocation
  const { disableRollback = false, mode, recover = false, whenBusy = "fail" } = parameters
  const options = { whenBusy, disableRollback, recover, isFound: context.foundId !== undefined }
  const decision = StackPlan.start(mode, options, observe(stack, execution, yield* Clock.currentTimeMillis))
  // The newest events are enough: if the own operation is in progress or was the last one, they are its events.
  const search = { stack, owner: execution, operations: StackOperation.literals }
  const { events, next } = yield* resolveDecision(decision, search)
  const state: NewState = {
    stackId: Option.match(stack, { onNone: () => nameOf(parameters.stack), onSome: ({ id }) => id }),
    ...(Events.$is("Denied")(events) && { eventsDenied: true })
  }
  if (isCheckedFirst(context, next)) {
    const detecting = yield* startDetection(invocation, state.stackId)
    if (Option.isSome(detecting)) return detecting.value
  }
  return yield* StackPlan.Start.$match(next, {
    Begin: ({ operation }) => {
      if (isRollback(operation)) return startRollback(context, state, operation, readOf(events))
      return operation === "delete" ? startDelete(context, state) : createOrUpdate(context, state, operation)
    },
    Prepare: ({ type }) => prepareChangeSet(context, type),
    Execute: () => executeNamed(invocation, state.stackId),
    Adopt: ({ operation }) => Effect.succeed(adopt(context, state, operation)),
    Postpone: ({ status }) => Effect.succeed(postpone(status)),
    Refuse: ({ status }) => Effect.fail(refused(parameters, status, stack)),
    NothingToDelete: () =>
      Effect.succeed(
        Action.Step.Done({ message: `Stack "${parameters.stack}" does not exist: there is nothing to delete` })
      ),
    NothingToRollBack: ({ status }) => Effect.succeed(nothingToRollBack(context, status)),
    StackNotFound: () => stackNotFound(invocation)
  })
})

/** Whether the drift of the stack is detected first: before an update, unless an earlier job has done it. */
const isCheckedFirst = ({ checkedId, invocation: { parameters }, stack }: StartContext, next: StackPlan.Start) => {
  const { $is } = StackPlan.Start
  const isUpdate = ($is("Begin")(next) && next.operation === "update") ||
    ($is("Prepare")(next) && next.type === "UPDATE")
  return isUpdate && parameters.detectDrift !== undefined && Option.exists(stack, ({ id }) => id !== checkedId)
}
