// The in-memory calls on stacks.
import * as Effect from "effect/Effect"
import { constTrue } from "effect/Function"
import * as Option from "effect/Option"
import { isUnderWay, needsDisableRollback, startability } from "../../domain/stack/StackStatus.ts"
import { type CloudFormation, NoUpdates, StackExists, StackNotReady, TokenUsed } from "../../services/CloudFormation.ts"
import type { MemoryCloud } from "./MemoryCloud.ts"
import { isUnchanged, noSettings, settingsAfter, validationError } from "./MemorySettings.ts"
import { isSame } from "./template/changes.ts"
import { noTemplate, summaryOf } from "./template/MemoryTemplate.ts"
import { nothingResolved } from "./template/resolve.ts"

const eventsPerPage = 100

export const stackCalls = (cloud: MemoryCloud) =>
  ({
    describe: Effect.fn("CloudFormationMemory.describe")(function*(stack) {
      const now = yield* cloud.startCall("cloudformation:DescribeStacks")
      return Option.fromUndefinedOr(cloud.find(stack, now)).pipe(Option.map((found) => found.describeAt(now)))
    }),
    create: Effect.fn("CloudFormationMemory.create")(function*(request) {
      const { clientRequestToken: token, stack, terminationProtection = false } = request
      const operation = "cloudformation:CreateStack"
      const now = yield* cloud.startCall(operation)
      const existing = cloud.find(stack, now)
      if (cloud.hasUsedToken(stack, token)) return yield* new TokenUsed({ stack })
      if (existing !== undefined) return yield* new StackExists({ stack })
      const template = yield* cloud.templateOf(operation, request)
      const settings = {
        ...yield* settingsAfter(operation, template, request, noSettings),
        terminationProtection
      }
      const draft = cloud.draft(stack, now)
      const resolved = yield* cloud.resolve(operation, draft, template, settings, now)
      const { capabilities, disableRollback, onStackFailure } = request
      if (onStackFailure !== undefined && disableRollback !== undefined) {
        return yield* validationError(operation, "You can specify either OnFailure or DisableRollback, but not both.")
      }
      return cloud.startOperation(cloud.add(draft), {
        onStackFailure,
        operation: "create",
        token,
        template,
        resolved,
        settings,
        capabilities,
        disableRollback,
        now
      })
    }),
    update: Effect.fn("CloudFormationMemory.update")(function*(request) {
      const { clientRequestToken: token, disableRollback, stack } = request
      const operation = "cloudformation:UpdateStack"
      const now = yield* cloud.startCall(operation)
      const existing = cloud.find(stack, now)
      const status = existing?.statusAt(now) ?? "REVIEW_IN_PROGRESS"
      if (existing === undefined || status === "REVIEW_IN_PROGRESS") {
        return yield* validationError(operation, `Stack [${stack}] does not exist`)
      }
      if (existing.tokens.has(token)) return yield* new TokenUsed({ stack })
      const isUpdatable = startability(status) === "Updatable" ||
        (disableRollback === true && needsDisableRollback(status) && !existing.isCreatedToStay)
      if (!isUpdatable) return yield* new StackNotReady({ stack, status })
      const template = yield* cloud.templateOf(operation, request)
      const settings = yield* settingsAfter(operation, template, request, existing.settings)
      const resolved = yield* cloud.resolve(operation, existing, template, settings, now)
      if (isSame(existing.resolved, resolved) && isUnchanged(existing.settings, settings)) {
        return yield* new NoUpdates({ stack })
      }
      const { capabilities } = request
      return cloud.startOperation(existing, {
        operation: "update",
        token,
        template,
        resolved,
        settings,
        capabilities,
        disableRollback,
        now
      })
    }),
    delete: Effect.fn("CloudFormationMemory.delete")(function*({ clientRequestToken: token, stack }) {
      const operation = "cloudformation:DeleteStack"
      const now = yield* cloud.startCall(operation)
      const existing = cloud.find(stack, now)
      if (existing === undefined || existing.statusAt(now) === "DELETE_COMPLETE") return
      if (existing.tokens.has(token)) return yield* new TokenUsed({ stack })
      const status = existing.statusAt(now)
      if (status === "DELETE_IN_PROGRESS") return
      if (isUnderWay(status)) return yield* new StackNotReady({ stack, status })
      const { name, settings } = existing
      if (settings.terminationProtection) {
        const detail = `Stack [${name}] cannot be deleted while TerminationProtection is enabled`
        return yield* validationError(operation, detail)
      }
      const [exported] = Array.from(existing.exportsAt(now).keys())
        .flatMap((name) => cloud.importerOf(name, now) === undefined ? [] : [name])
      if (exported !== undefined) {
        const importer = cloud.importerOf(exported, now)?.name
        existing.setStatus(
          status,
          now,
          `Delete canceled. Cannot delete export ${exported} as it is in use by ${importer}.`
        )
        return
      }
      const nothing = { template: noTemplate, resolved: nothingResolved }
      cloud.startOperation(existing, { ...nothing, operation: "delete", token, settings, now })
    }),
    templateSummary: Effect.fn("CloudFormationMemory.templateSummary")(function*(request) {
      const operation = "cloudformation:GetTemplateSummary"
      yield* cloud.startCall(operation)
      return summaryOf(yield* cloud.templateOf(operation, request))
    }),
    setTerminationProtection: Effect.fn("CloudFormationMemory.setTerminationProtection")(
      function*(stackId, terminationProtection) {
        const operation = "cloudformation:UpdateTerminationProtection"
        const now = yield* cloud.startCall(operation)
        const stack = cloud.find(stackId, now)
        if (stack === undefined) return yield* validationError(operation, `Stack [${stackId}] does not exist`)
        stack.settings = { ...stack.settings, terminationProtection }
      }
    ),
    setStackPolicy: Effect.fn("CloudFormationMemory.setStackPolicy")(function*(stackId, stackPolicy) {
      const operation = "cloudformation:SetStackPolicy"
      const now = yield* cloud.startCall(operation)
      const stack = cloud.find(stackId, now)
      if (stack === undefined) return yield* validationError(operation, `Stack [${stackId}] does not exist`)
      stack.settings = { ...stack.settings, stackPolicy }
    }),
    events: Effect.fn("CloudFormationMemory.events")(function*(stackId, areEnough = constTrue) {
      const now = yield* cloud.startCall("cloudformation:DescribeStackEvents")
      const events = cloud.find(stackId, now)?.eventsAt(now) ?? []
      let read = eventsPerPage
      while (read < events.length && !areEnough(events.slice(0, read))) read += eventsPerPage
      return events.slice(0, read)
    }),
    failedEvents: Effect.fn("CloudFormationMemory.failedEvents")(function*(of) {
      const now = yield* cloud.startCall("cloudformation:DescribeEvents")
      return cloud.failedEventsAt("operationId" in of ? of.operationId : of.changeSet, now)
    })
  }) satisfies Partial<CloudFormation["Service"]>
