// Finds the causes of a failed operation on a stack, as far as the role can read them.
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { AwsError } from "../../domain/job/AwsError.ts"
import { type ChangeSet, isFailed } from "../../domain/stack/ChangeSet.ts"
import { reachTime, type StackEvent } from "../../domain/stack/StackEvents.ts"
import * as StackFailure from "../../domain/stack/StackFailure.ts"
import { optionalCall, withTimeLimit } from "../../runtime/optionalCall.ts"
import { CloudFormation } from "../../services/CloudFormation.ts"
import { nameOf } from "./State.ts"

/** Maximum number of nested stacks to inspect. For any others, report the parent's error only. */
const maxNestedStacks = 20

/** Milliseconds for all calls of a diagnosis. */
const timeLimit = 20_000

/**
 * One line for each root cause, oldest first. `own` are the events of the operation, `all` those of the stack.
 * Nested stacks are inspected. If no failure explains itself, DescribeEvents is called, and then the stack's own reasons
 * count. The verdict stands without what cannot be read.
 */
export const diagnose = Effect.fn("StackDiagnosis.diagnose")(function*(
  own: ReadonlyArray<StackEvent>,
  all: ReadonlyArray<StackEvent>
) {
  if (StackFailure.isCancelledUpdate(own, all)) return [StackFailure.cancelledUpdate]
  const lines = StackFailure.lines(yield* withTimeLimit(timeLimit)(rootCauses(own)))
  return lines.length > 0 ? lines : StackFailure.ownReasons(own)
})

/** The ARN of a change set in CloudFormation's reason. */
const changeSetArn = /arn:[^:\s]+:cloudformation:\S+:changeSet\/[^\s:,]+/

/**
 * The causes that kept a change set from being created. DescribeEvents shows them, and the nested change sets that failed;
 * `isNested` if there are some.
 */
export const diagnoseChangeSet = Effect.fn("StackDiagnosis.diagnoseChangeSet")(function*(root: ChangeSet) {
  const { describeChangeSet, failedEvents } = yield* CloudFormation
  const inspected = new Set([root.id])
  const roots: Array<StackFailure.Cause> = []
  const open: Array<readonly [path: string, changeSet: ChangeSet]> = [["", root]]
  const diagnosed = Effect.gen(function*() {
    for (let next = open.shift(); next !== undefined; next = open.shift()) {
      const [path, { changes, id, reason = "" }] = next
      const causes = StackFailure.causes(yield* orNone(failedEvents({ changeSet: id })))
      for (const cause of causes) roots.push({ ...cause, resource: path + cause.resource })
      const nested = new Map<string, string>()
      for (const { logicalResourceId, nestedChangeSet } of changes) {
        if (nestedChangeSet !== undefined) nested.set(nestedChangeSet, logicalResourceId)
      }
      // CloudFormation need not list the changes of a change set that failed.
      const [named] = changeSetArn.exec(reason) ?? []
      if (named !== undefined && !nested.has(named)) nested.set(named, nameOf(named))
      let failures = 0
      for (const [changeSet, name] of nested) {
        if (inspected.size > maxNestedStacks || inspected.has(changeSet)) continue
        inspected.add(changeSet)
        const found = Option.flatten(yield* optionalCall(describeChangeSet({ changeSet }), withoutCauses))
        if (Option.isNone(found) || !isFailed(found.value)) continue
        failures++
        open.push([`${path}${name}/`, found.value])
      }
      if (path !== "" && causes.length === 0 && failures === 0) {
        roots.push({ timestamp: 0, resource: path.slice(0, -1), resourceType: "", reason, nestedStack: undefined })
      }
    }
  })
  yield* withTimeLimit(timeLimit)(diagnosed)
  return { causes: StackFailure.lines(roots), isNested: inspected.size > 1 }
})

const rootCauses = Effect.fnUntraced(function*(own: ReadonlyArray<StackEvent>) {
  const roots: Array<StackFailure.Cause> = []
  const open = [...(yield* causesOf(own))]
  /** Whether the causes of a nested stack are known, by its id. */
  const inspected = new Map<string, boolean>()
  for (let cause = open.shift(); cause !== undefined; cause = open.shift()) {
    const { nestedStack, resource } = cause
    if (nestedStack === undefined || (inspected.size === maxNestedStacks && !inspected.has(nestedStack))) {
      roots.push(cause)
      continue
    }
    // A nested stack can fail a second time, in the rollback.
    if (!inspected.has(nestedStack)) {
      const nested = yield* eventsOf(nestedStack, own)
      const causes = yield* causesOf(nested)
      inspected.set(nestedStack, causes.length > 0 || StackFailure.isCancelledWhole(nested))
      for (const inner of causes) open.push({ ...inner, resource: `${resource}/${inner.resource}` })
    }
    if (inspected.get(nestedStack) !== true) roots.push(cause)
  }
  return roots
})

const causesOf = Effect.fnUntraced(function*(events: ReadonlyArray<StackEvent>) {
  const causes = StackFailure.causes(events)
  const operationId = StackFailure.operationIdOf(events)
  const isExplained = StackFailure.areExplained(causes) || StackFailure.isCancelledWhole(events)
  if (operationId === undefined || isExplained) return causes
  const { failedEvents } = yield* CloudFormation
  const failed = StackFailure.causes(yield* orNone(failedEvents({ operationId })))
  return failed.length > 0 ? failed : causes
})

/** The events of a nested stack during the operation. They need not have its token. */
const eventsOf = Effect.fnUntraced(function*(stackId: string, during: ReadonlyArray<StackEvent>) {
  const from = during.reduce((first, { timestamp }) => Math.min(first, timestamp), Infinity)
  const until = during.reduce((last, { timestamp }) => Math.max(last, timestamp), -Infinity)
  const { events } = yield* CloudFormation
  const nested = yield* orNone(events(stackId, (newest) => reachTime(newest, from)))
  return nested.filter(({ timestamp }) => from <= timestamp && timestamp <= until)
})

const orNone = (events: Effect.Effect<ReadonlyArray<StackEvent>, AwsError>) =>
  Effect.map(
    optionalCall(events, withoutCauses),
    Option.getOrElse((): ReadonlyArray<StackEvent> => [])
  )

const withoutCauses = "The failure is reported without some of its causes."
