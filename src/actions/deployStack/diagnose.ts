// Finds out why an operation on a stack failed, as far as the role may know.
import * as Effect from "effect/Effect"
import type { AwsError } from "../../domain/job/AwsError.ts"
import type { StackEvent } from "../../domain/stack/StackEvents.ts"
import * as StackFailure from "../../domain/stack/StackFailure.ts"
import { CloudFormation } from "../../services/CloudFormation.ts"

/** As many nested stacks are asked; of others their own failure has to do. */
const nestedStacks = 20

/**
 * One line for each root cause, oldest first. `events` are those of the operation. Nested stacks are followed; where
 * nothing that failed says why, DescribeEvents is asked, and then the stack itself. What cannot be read is left out: the
 * verdict stands without it.
 */
export const diagnose = Effect.fn("StackDiagnosis.diagnose")(function*(events: ReadonlyArray<StackEvent>) {
  const roots: Array<StackFailure.Cause> = []
  const open = [...(yield* causesOf(events))]
  const asked = new Map<string, boolean>()
  for (let cause = open.shift(); cause !== undefined; cause = open.shift()) {
    const { nestedStack, resource } = cause
    if (nestedStack === undefined || (asked.size === nestedStacks && !asked.has(nestedStack))) {
      roots.push(cause)
      continue
    }
    // A stack that fails again while it is rolled back has told all already.
    if (!asked.has(nestedStack)) {
      const nested = yield* eventsOf(nestedStack, events)
      const causes = yield* causesOf(nested)
      asked.set(nestedStack, causes.length > 0 || StackFailure.isCancelledWhole(nested))
      for (const inner of causes) open.push({ ...inner, resource: `${resource}/${inner.resource}` })
    }
    if (asked.get(nestedStack) !== true) roots.push(cause)
  }
  const lines = StackFailure.lines(roots)
  return lines.length > 0 ? lines : StackFailure.ownReasons(events)
})

const causesOf = Effect.fnUntraced(function*(events: ReadonlyArray<StackEvent>) {
  const causes = StackFailure.causes(events)
  const operationId = StackFailure.operationIdOf(events)
  if (operationId === undefined || StackFailure.areTold(causes) || StackFailure.isCancelledWhole(events)) return causes
  const { failedEvents } = yield* CloudFormation
  const failed = StackFailure.causes(yield* orNothing(failedEvents({ operationId })))
  return failed.length > 0 ? failed : causes
})

/** What happened to a nested stack in the time of the operation: its events need not have the token. */
const eventsOf = Effect.fnUntraced(function*(stackId: string, during: ReadonlyArray<StackEvent>) {
  const times = during.map(({ timestamp }) => timestamp)
  const [from, until] = [Math.min(...times), Math.max(...times)]
  const { events } = yield* CloudFormation
  const nested = yield* orNothing(events(stackId, from))
  return nested.filter(({ timestamp }) => from <= timestamp && timestamp <= until)
})

const orNothing = (events: Effect.Effect<ReadonlyArray<StackEvent>, AwsError>) =>
  Effect.catch(events, (error) =>
    Effect.as(
      Effect.logWarning(`The failure is told without what this would have told: ${error.message}`),
      [] as ReadonlyArray<StackEvent>
    ))
