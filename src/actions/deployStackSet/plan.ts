// Decides on the next operation by what is there, and starts it.
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Action from "../../Action.ts"
import type { StackInstance } from "../../domain/stackSet/StackInstances.ts"
import type { StackSet, StackSetKey } from "../../domain/stackSet/StackSet.ts"
import {
  operationId,
  type OwnOperation,
  ownOperation,
  phaseOf,
  type Step as OperationStep
} from "../../domain/stackSet/StackSetOperation.ts"
import * as StackSetPlan from "../../domain/stackSet/StackSetPlan.ts"
import { atStart } from "../../domain/stackSet/StackSetProgress.ts"
import { sentences } from "../../domain/text/sentences.ts"
import { optionalCall } from "../../runtime/optionalCall.ts"
import { StackSets } from "../../services/StackSets.ts"
import * as Desired from "./desired.ts"
import { begin, createSet, rejectedAs } from "./operations.ts"
import { readAll } from "./pages.ts"
import * as Results from "./results.ts"
import {
  continuePlanning,
  type Invocation,
  keyOf,
  lastOf,
  type PlanState,
  type Step,
  type WatchState,
  withOperation
} from "./State.ts"

/** A foreign operation is in progress on the stack set. */
export class StackSetRefused extends Schema.TaggedError<StackSetRefused>()("StackSetRefused", {
  stackSet: Schema.String,
  operationId: Schema.String,
  status: Schema.String
}) {
  get problem() {
    return `Stack set "${this.stackSet}" cannot be changed while operation ${this.operationId} is ${this.status}`
  }
  get advice() {
    return "Retry the action when it has ended, or let the action wait with \"whenBusy\": \"wait\" in UserParameters"
  }
  override get message() {
    return sentences(this.problem, this.advice)
  }
}

/** The stack set does not exist, or does not exist any more. */
export class StackSetMissing extends Schema.TaggedError<StackSetMissing>()("StackSetMissing", {
  stackSet: Schema.String,
  /** Whether the action started an operation on it. */
  seen: Schema.Boolean
}) {
  get problem() {
    return `Stack set "${this.stackSet}" does not exist${this.seen ? " any more: it was deleted" : ""}`
  }
  get advice() {
    return this.seen
      ? "Retry the action"
      : "Check the name, the region of the function, and \"callAs\" in UserParameters"
  }
  override get message() {
    return sentences(this.problem, this.advice)
  }
}

/** A step was started again and again, and the instances do not show its work. */
export class OperationsEndless
  extends Schema.TaggedError<OperationsEndless>()("OperationsEndless", { stackSet: Schema.String, step: Schema.String })
{
  override get message() {
    return `Stack set "${this.stackSet}" is still not as requested after ${StackSetPlan.maxOperations} ` +
      `operations of the step "${this.step}": CloudFormation lists instances that need another one`
  }
}

/** The instances are still there after operations that were to delete them. */
export class InstancesLeft extends Schema.TaggedError<InstancesLeft>()("InstancesLeft", { stackSet: Schema.String }) {
  get problem() {
    return `Stack set "${this.stackSet}" is not deleted, because it still has instances`
  }
  get advice() {
    return "Look at the instances with status INOPERABLE: \"retainStacks\": true removes them from the stack set without " +
      "their stacks"
  }
  override get message() {
    return sentences(this.problem, this.advice)
  }
}

/** How often the stack set is described again because it changed. */
const retries = 2

/** What the summary calls an operation. */
export const titles = {
  update: "Stack set update",
  create: "Creation of instances",
  override: "Update of instances",
  delete: "Deletion of instances",
  drift: "Drift detection"
} satisfies Record<OperationStep, string>

/** Watches an operation from now on. */
export const continueWith = (
  { execution }: Invocation,
  state: PlanState,
  operation: OwnOperation,
  message: string,
  { id, size }: { readonly id?: string; readonly size?: number | undefined } = {}
): Step => {
  const watched: WatchState = {
    stackSetId: state.stackSetId,
    ran: withOperation(state.ran, operation),
    watching: true,
    ...(id !== undefined && id !== operationId(execution, operation) && { operationId: id }),
    progress: atStart(size)
  }
  return Action.Step.Continue({
    message,
    externalExecutionId: state.stackSetId,
    state: watched,
    ...(id !== undefined && { percentComplete: 0 })
  })
}

export const adopt = (invocation: Invocation, state: PlanState, operation: OwnOperation): Step =>
  continueWith(invocation, state, operation, `${titles[operation.step]} still in progress`)

/** Waits for the foreign operation that kept an earlier job from starting one. */
export const planNext = Effect.fn("DeployStackSet.planNext")(function*(
  invocation: Invocation,
  state: PlanState,
  isFirst = false
) {
  const { waitingFor, ...rest } = state
  if (waitingFor !== undefined) {
    const stackSets = yield* StackSets
    const foreign = yield* stackSets.operation(keyOf(invocation, state.stackSetId), waitingFor).pipe(
      Effect.catchTag("StackSetNotFound", () => Effect.succeedNone)
    )
    if (Option.isSome(foreign) && phaseOf(foreign.value.status) === "Running") {
      return continuePlanning(`Waiting for operation ${waitingFor} on the stack set: ${foreign.value.status}`, state)
    }
  }
  return yield* decideAndStart(invocation, rest, isFirst).pipe(
    Effect.retry({ times: retries, while: (error) => error._tag === "StackSetExists" }),
    Effect.catchTag(
      "StackSetExists",
      () => Effect.succeed(continuePlanning("Waiting for the stack set to be visible", rest))
    )
  )
})

const decideAndStart = Effect.fn("DeployStackSet.decideAndStart")(function*(
  invocation: Invocation,
  state: PlanState,
  isFirst: boolean
) {
  const { job, parameters } = invocation
  const stackSets = yield* StackSets
  const key = keyOf(invocation, state.stackSetId)
  const [found, desired] = yield* Effect.all([stackSets.describe(key), Desired.read(job, parameters)], {
    concurrency: 2
  })
  yield* Desired.check(invocation, Desired.permissionModelOf(parameters, found))
  const context = { invocation, key, state, desired, isFirst }
  const decision = yield* decide(context, found, Option.isSome(found) ? "Present" : "Absent")
  if (!StackSetPlan.Decision.$is("CreateSet")(decision)) return yield* act(context, found, decision)
  // By its name: the state can have the id of one that was deleted.
  const stackSetId = yield* createSet(invocation, keyOf(invocation, parameters.stackSet))
  const created = { ...context, state: { ...state, stackSetId } }
  return yield* act(created, Option.none(), yield* decide(created, Option.none(), "Present"))
})

interface Context {
  readonly invocation: Invocation
  readonly key: StackSetKey
  readonly state: PlanState
  readonly desired: StackSetPlan.Desired
  /** Whether this is the first job of the action: it deletes nothing. */
  readonly isFirst: boolean
}

/** Reads what the decision needs: first the instances, then the own operations, which can have changed them. */
const decide = Effect.fnUntraced(function*(
  { desired, invocation: { execution }, key, state }: Context,
  found: Option.Option<StackSet>,
  set: StackSetPlan.Facts["set"]
) {
  const stackSets = yield* StackSets
  const last = lastOf(state.ran)
  const instances = StackSetPlan.needsInstances(desired, last, set)
    ? yield* readInstances(key)
    : []
  const open = Option.isNone(found) ? [] : StackSetPlan.candidates(desired, last)
  const looked = yield* Effect.forEach(
    open,
    (operation) =>
      Effect.map(stackSets.operation(key, operationId(execution, operation)), (found) => [operation, found] as const),
    { concurrency: open.length || 1 }
  ).pipe(Effect.catchTag("StackSetNotFound", () => Effect.succeed([])))
  const started = new Set(
    looked.flatMap(([operation, found]) => Option.isSome(found) ? [operationId(execution, operation)] : [])
  )
  return StackSetPlan.next(desired, last, {
    set,
    instances,
    isStarted: (operation) => started.has(operationId(execution, operation)),
    isOwnDeletion: (id) => Option.exists(ownOperation(execution, id), ({ step }) => step === "delete")
  })
})

const readInstances = Effect.fnUntraced(function*(key: StackSetKey) {
  const stackSets = yield* StackSets
  const instances = yield* readAll("cloudformation:ListStackInstances", (token) => stackSets.instances(key, { token }))
    .pipe(Effect.catchTag("StackSetNotFound", (): Effect.Effect<ReadonlyArray<StackInstance>> => Effect.succeed([])))
  yield* Effect.logInfo(`The stack set has ${instances.length} instances`)
  return instances
})

const act = Effect.fnUntraced(function*(
  context: Context,
  found: Option.Option<StackSet>,
  decision: StackSetPlan.Decision
) {
  const { invocation, isFirst, state } = context
  const { stackSet } = invocation.parameters
  const key = keyOf(invocation, Option.match(found, { onNone: () => state.stackSetId, onSome: ({ id }) => id }))
  const known = { ...state, stackSetId: key.stackSet }
  const prepared = (what: string) => Effect.succeed(continuePlanning(`${what} prepared: the next job starts it`, known))
  return yield* StackSetPlan.Decision.$match(decision, {
    CreateSet: () => Effect.die("the stack set was just created"),
    Begin: ({ operation, task }) =>
      isFirst && operation.step === "delete"
        ? prepared(titles.delete)
        : startOperation({ ...context, key, state: known }, found, operation, task),
    Adopt: ({ operation }) => Effect.succeed(adopt(invocation, known, operation)),
    DeleteSet: () => isFirst ? prepared("Deletion of the stack set") : deleteSet({ ...context, key, state: known }),
    Done: () => Results.succeed(invocation, known),
    NothingToDelete: () =>
      Effect.succeed(
        Action.Step.Done({ message: `Stack set "${stackSet}" does not exist: there is nothing to delete` })
      ),
    NotFound: () => Effect.fail(new StackSetMissing({ stackSet, seen: state.ran.length > 0 })),
    GiveUp: ({ step }) => Effect.fail(new OperationsEndless({ stackSet, step }))
  })
})

const startOperation = Effect.fnUntraced(function*(
  context: Context,
  found: Option.Option<StackSet>,
  operation: OwnOperation,
  task: StackSetPlan.Task
) {
  const { invocation, key, state } = context
  const { stackSet } = invocation.parameters
  const size = task.size === undefined ? "" : `: ${task.size} ${task.size === 1 ? "instance" : "instances"}`
  return yield* begin(invocation, key, found, operation, task).pipe(
    Effect.map((id) =>
      continueWith(invocation, state, operation, `${titles[operation.step]} started${size}`, { id, size: task.size })
    ),
    Effect.catchTags({
      OperationIdUsed: () => Effect.succeed(adopt(invocation, state, operation)),
      StackSetBusy: () => waitOrRefuse(context),
      StackSetNotFound: () => Effect.fail(new StackSetMissing({ stackSet, seen: true }))
    })
  )
})

const deleteSet = Effect.fnUntraced(function*(context: Context) {
  const { invocation, key } = context
  const { stackSet } = invocation.parameters
  const stackSets = yield* StackSets
  return yield* stackSets.delete(key).pipe(
    Effect.as(Action.Step.Done({ message: `Stack set "${stackSet}" is deleted`, externalExecutionId: key.stackSet })),
    Effect.catchTags({
      StackSetBusy: () => waitOrRefuse(context),
      StackSetNotEmpty: () => Effect.fail(new InstancesLeft({ stackSet })),
      ...rejectedAs("set", invocation)
    })
  )
})

/**
 * Watches the operation in progress if it is an own one. Refuses only if it is certainly foreign: failing our own deployment
 * is worse than waiting.
 */
const waitOrRefuse = Effect.fnUntraced(function*({ invocation, key, state }: Context) {
  const { execution, parameters: { stackSet, whenBusy = "fail" } } = invocation
  const stackSets = yield* StackSets
  const operations = yield* optionalCall(
    stackSets.operations(key).pipe(Effect.catchTag("StackSetNotFound", () => Effect.succeed([]))),
    "It is unknown which operation is in progress on the stack set."
  )
  const running = Option.getOrElse(operations, () => []).filter(({ status }) => phaseOf(status) === "Running")
  const [own] = running.flatMap(({ id }) => Option.toArray(ownOperation(execution, id)))
  if (own !== undefined) return adopt(invocation, state, own)
  const [foreign] = running
  if (foreign === undefined) return continuePlanning("Waiting for the stack set: it was changed a moment ago", state)
  const { id, status } = foreign
  if (whenBusy === "fail") return yield* new StackSetRefused({ stackSet, operationId: id, status })
  return continuePlanning(`Waiting for operation ${id} on the stack set: ${status}`, { ...state, waitingFor: id })
})
