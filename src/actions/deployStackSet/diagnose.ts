// Finds out which instances of a failed operation failed, and why, as far as the role can read that.
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as StackFailure from "../../domain/stack/StackFailure.ts"
import type { InstanceResult, StackSetKey, StackSetOperation } from "../../domain/stackSet/StackSet.ts"
import { report } from "../../domain/stackSet/StackSetFailure.ts"
import { optionalCall, withTimeLimit } from "../../runtime/optionalCall.ts"
import { StackSets } from "../../services/StackSets.ts"
import type { Invocation } from "./State.ts"

/** Milliseconds for all calls of a diagnosis. */
const timeLimit = 20_000

const without = "The failure is reported without some of its causes."

/** The message of a failed operation: at most 5,000 characters. The verdict stands without what cannot be read. */
export const diagnose = Effect.fn("DeployStackSet.diagnose")(function*(
  invocation: Invocation,
  key: StackSetKey,
  operationId: string,
  found: Option.Option<StackSetOperation>,
  head: string
) {
  const stackSets = yield* StackSets
  const page = yield* optionalCall(
    stackSets.results(key, operationId, { failed: true }).pipe(
      Effect.catchTag("StackSetNotFound", () => Effect.succeed({ items: [], next: undefined }))
    ),
    without
  )
  const failed = Option.match(page, { onNone: () => [], onSome: ({ items }) => items })
  const { createdAt = 0, failedInstances, reason } = Option.getOrUndefined(found) ?? {}
  const causes = yield* withTimeLimit(timeLimit)(ownCauses(invocation, key, failed, createdAt))
  return report({
    head: reason === undefined ? head : `${head}: ${reason}`,
    failed,
    count: failedInstances,
    causes,
    remarks: [
      `The operation is ${operationId}`,
      ...(Option.isNone(page)
        ? ["cloudformation:ListStackSetOperationResults would show the failed instances and their reasons"]
        : [])
    ]
  })
})

/** Maximum number of stacks whose events are read. */
const maxStacks = 3

/** The causes in the stacks of instances in the function's own account, the only ones that it can read. */
const ownCauses = Effect.fnUntraced(function*(
  { job }: Invocation,
  key: StackSetKey,
  failed: ReadonlyArray<InstanceResult>,
  since: number
) {
  const { stackEvents, stackOf } = yield* StackSets
  const own = failed.filter(({ account }) => account === job.accountId).slice(0, maxStacks)
  const causes = yield* Effect.forEach(own, (instance) =>
    Effect.gen(function*() {
      const place = `${instance.region}/${instance.account}`
      const stack = Option.flatten(yield* optionalCall(stackOf(key, instance), without))
      const events = Option.isSome(stack) ? yield* optionalCall(stackEvents(stack.value), without) : Option.none()
      const recent = Option.getOrElse(events, () => []).filter(({ timestamp }) => timestamp >= since)
      return [place, StackFailure.lines(StackFailure.causes(recent))] as const
    }))
  return new Map(causes)
})
