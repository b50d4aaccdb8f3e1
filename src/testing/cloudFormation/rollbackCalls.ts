// The in-memory calls that bring a stack back to rest.
import * as Effect from "effect/Effect"
import type { AwsError } from "../../domain/job/AwsError.ts"
import type { RollbackRequest } from "../../domain/stack/Stack.ts"
import { type CloudFormation, StackNotReady, TokenUsed } from "../../services/CloudFormation.ts"
import type { MemoryCloud } from "./MemoryCloud.ts"
import { validationError } from "./MemorySettings.ts"
import { notRolledBack, rollbackEvents } from "./rollback.ts"
import { isNestedStack } from "./template/changes.ts"

export const rollbackCalls = (cloud: MemoryCloud) => {
  /** Rolls the stack back if its status allows it. */
  const start = Effect.fnUntraced(function*(
    operation: string,
    from: ReadonlyArray<string>,
    { clientRequestToken: token, resourcesToSkip = [], roleArn, stack: name }: RollbackRequest & {
      readonly resourcesToSkip?: ReadonlyArray<string> | undefined
    }
  ): Effect.fn.Return<void, TokenUsed | StackNotReady | AwsError> {
    const now = yield* cloud.startCall(operation)
    const stack = cloud.find(name, now)
    if (stack === undefined) return yield* validationError(operation, `Stack [${name}] does not exist`)
    if (stack.tokens.has(token)) return yield* new TokenUsed({ stack: name })
    // CloudFormation's message does not name the status.
    if (!from.includes(stack.statusAt(now))) return yield* new StackNotReady({ stack: name, status: "unknown" })
    const failed = notRolledBack(stack, now)
    const wrong = resourcesToSkip.filter((id) => !failed.has(id))
    if (wrong.length > 0) return yield* validationError(operation, cannotBeSkipped(wrong))
    const { failures, resourceMillis } = cloud
    stack.settings = { ...stack.settings, roleArn: roleArn ?? stack.settings.roleArn }
    stack.continueWith(token, now, rollbackEvents(stack, { failures, now, resourceMillis, resourcesToSkip }))
    cloud.operationTokens.push(token)
  })
  return {
    cancelUpdate: Effect.fn("CloudFormationMemory.cancelUpdate")(
      function*({ clientRequestToken: token, stack: name }) {
        const operation = "cloudformation:CancelUpdateStack"
        const now = yield* cloud.startCall(operation)
        const stack = cloud.find(name, now)
        if (stack === undefined) return yield* validationError(operation, `Stack [${name}] does not exist`)
        if (stack.tokens.has(token)) return yield* new TokenUsed({ stack: name })
        if (stack.statusAt(now) !== "UPDATE_IN_PROGRESS") {
          return yield* new StackNotReady({ stack: name, status: "unknown" })
        }
        if (stack.attempted.resources.some(isNestedStack)) {
          cloud.noteUncheckedPart("nested stacks of a cancelled update")
        }
        stack.cancelUpdate(token, now, cloud.resourceMillis)
      }
    ),
    rollBack: Effect.fn("CloudFormationMemory.rollBack")((request) =>
      start("cloudformation:RollbackStack", ["CREATE_FAILED", "UPDATE_FAILED"], request)
    ),
    continueRollback: Effect.fn("CloudFormationMemory.continueRollback")((request) =>
      start("cloudformation:ContinueUpdateRollback", ["UPDATE_ROLLBACK_FAILED"], request)
    )
  } satisfies Partial<CloudFormation["Service"]>
}

const cannotBeSkipped = (ids: ReadonlyArray<string>) =>
  `The following resources cannot be skipped: [${ids.join(", ")}]. You can specify only resources that are in the ` +
  "UPDATE_FAILED state because a rollback failed."
