// The in-memory calls on stacks.
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { AwsRejected } from "../../domain/job/AwsError.ts"
import { isUnderWay, needsDisableRollback, startability } from "../../domain/stack/StackStatus.ts"
import { type CloudFormation, NoUpdates, StackExists, StackNotReady, TokenUsed } from "../../services/CloudFormation.ts"
import type { MemoryCloud } from "./MemoryCloud.ts"
import { isUnchanged, noSettings, settingsAfter, validationError } from "./MemorySettings.ts"
import { isValidTemplate } from "./resources.ts"
import { summaryOf } from "./template.ts"

export const checkTemplate = (operation: string, template: string): Effect.Effect<void, AwsRejected> =>
  isValidTemplate(template)
    ? Effect.void
    : Effect.fail(validationError(operation, "Template format error: At least one Resources member must be defined."))

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
      const template = cloud.templateText(request)
      yield* checkTemplate(operation, template)
      const settings = {
        ...yield* settingsAfter(operation, template, request, noSettings),
        terminationProtection
      }
      const { disableRollback } = request
      return cloud.startOperation(cloud.add(stack, now), {
        operation: "create",
        token,
        template,
        settings,
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
        (disableRollback === true && needsDisableRollback(status))
      if (!isUpdatable) return yield* new StackNotReady({ stack, status })
      const template = cloud.templateText(request)
      yield* checkTemplate(operation, template)
      const settings = yield* settingsAfter(operation, template, request, existing.settings)
      if (existing.template === template && isUnchanged(existing.settings, settings)) {
        return yield* new NoUpdates({ stack })
      }
      return cloud.startOperation(existing, { operation: "update", token, template, settings, disableRollback, now })
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
      const { name, settings, template } = existing
      if (settings.terminationProtection) {
        const detail = `Stack [${name}] cannot be deleted while TerminationProtection is enabled`
        return yield* validationError(operation, detail)
      }
      cloud.startOperation(existing, { operation: "delete", token, template, settings, now })
    }),
    templateSummary: Effect.fn("CloudFormationMemory.templateSummary")(function*(request) {
      const operation = "cloudformation:GetTemplateSummary"
      yield* cloud.startCall(operation)
      const template = cloud.templateText(request)
      yield* checkTemplate(operation, template)
      return summaryOf(template)
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
    events: Effect.fn("CloudFormationMemory.events")(function*(stackId) {
      const now = yield* cloud.startCall("cloudformation:DescribeStackEvents")
      return cloud.find(stackId, now)?.eventsAt(now) ?? []
    }),
    failedEvents: Effect.fn("CloudFormationMemory.failedEvents")(function*(of) {
      const now = yield* cloud.startCall("cloudformation:DescribeEvents")
      return cloud.failedEventsAt("operationId" in of ? of.operationId : of.changeSet, now)
    })
  }) satisfies Partial<CloudFormation["Service"]>
