// The in-memory calls on change sets.
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { AwsRejected } from "../../domain/job/AwsError.ts"
import { isUnderWay, startability } from "../../domain/stack/StackStatus.ts"
import {
  ChangeSetExists,
  ChangeSetNotReady,
  type CloudFormation,
  StackExists,
  StackNotReady,
  TokenUsed
} from "../../services/CloudFormation.ts"
import { addChangeSet, describeChangeSetAt, maxChangeSets, withValues } from "./MemoryChangeSet.ts"
import type { MemoryCloud } from "./MemoryCloud.ts"
import { noSettings, settingsAfter, validationError } from "./MemorySettings.ts"
import { describeNested } from "./nestedChangeSets.ts"
import { isImportable } from "./template/changes.ts"
import type { ResolvedResource } from "./template/resolve.ts"

/** A change set of a nested stack is executed and deleted with its root. */
const notRoot = (changeSet: string, verb: string) =>
  `ChangeSet [${changeSet}] is not a root change set. It can only be ${verb} from its root change set.`

export const changeSetCalls = (cloud: MemoryCloud) =>
  ({
    createChangeSet: Effect.fn("CloudFormationMemory.createChangeSet")(function*(request) {
      const { changeSet: name, description, stack, type } = request
      const operation = "cloudformation:CreateChangeSet"
      const now = yield* cloud.startCall(operation)
      const existing = cloud.find(stack, now)
      const status = existing?.statusAt(now) ?? "DELETE_COMPLETE"
      const isInReview = status === "REVIEW_IN_PROGRESS"
      if (cloud.findChangeSet(request, now)) return yield* new ChangeSetExists({ stack, changeSet: name })
      if (type === "UPDATE" && (existing === undefined || isInReview)) {
        return yield* validationError(operation, `Stack [${stack}] does not exist`)
      }
      if (type === "CREATE" && existing !== undefined && !isInReview) {
        return yield* new StackExists({ stack })
      }
      if (type === "UPDATE" && startability(status) !== "Updatable") return yield* new StackNotReady({ stack, status })
      const template = yield* cloud.templateOf(operation, request)
      // CreateChangeSet has no stack policy.
      // It does not require the capability for macros either: the change set shows what they make.
      const capabilities = [...request.capabilities ?? [], "CAPABILITY_AUTO_EXPAND" as const]
      const options = { ...request, capabilities, stackPolicy: undefined }
      const settings = yield* settingsAfter(operation, template, options, existing?.settings ?? noSettings)
      const target = existing ?? cloud.draft(stack, now)
      const resolved = yield* cloud.resolve(operation, target, template, settings, now)
      if (existing !== undefined && existing.changeSets.length >= maxChangeSets) {
        const detail = `ChangeSet limit exceeded for stack ${existing.id}`
        return yield* new AwsRejected({ operation, code: "LimitExceededException", detail })
      }
      if (existing === undefined) cloud.add(target).setStatus("REVIEW_IN_PROGRESS", now)
      if (request.deploymentMode !== undefined) cloud.noteUncheckedPart("drift of resources")
      const imports = request.importExistingResources === true
      const changeSet = {
        name,
        description,
        template,
        resolved,
        settings,
        capabilities: request.capabilities ?? [],
        onStackFailure: type === "CREATE" ? request.onStackFailure : undefined,
        imports,
        includesNested: request.includeNestedStacks === true,
        isImported: (resource: ResolvedResource) => imports && isImportable(cloud.existing, resource)
      }
      return addChangeSet(target, changeSet, cloud.resourceMillis, now)
    }),
    describeChangeSet: Effect.fn("CloudFormationMemory.describeChangeSet")(function*(query) {
      const now = yield* cloud.startCall("cloudformation:DescribeChangeSet")
      const { withValues: areShown = false } = query
      const found = cloud.findChangeSet(query, now)
      if (found !== undefined) {
        const { changeSet, stack } = found
        return Option.some(withValues(describeChangeSetAt(stack, changeSet, now), changeSet.hiddenValues, areShown))
      }
      const inRoot = cloud.findNestedChangeSet(query.changeSet)
      const root = inRoot && cloud.findChangeSet({ changeSet: inRoot.root.id }, now)
      if (inRoot === undefined || root === undefined) return Option.none()
      const nested = describeNested(inRoot.nested, describeChangeSetAt(root.stack, root.changeSet, now))
      return Option.some(withValues(nested, root.changeSet.hiddenValues, areShown))
    }),
    executeChangeSet: Effect.fn("CloudFormationMemory.executeChangeSet")(function*(request) {
      const { clientRequestToken: token, disableRollback } = request
      const now = yield* cloud.startCall("cloudformation:ExecuteChangeSet")
      const notReady = (reason: string) =>
        new ChangeSetNotReady({ stack: request.stack, changeSet: request.changeSet, reason })
      const found = cloud.findChangeSet(request, now)
      if (cloud.findNestedChangeSet(request.changeSet) !== undefined) {
        return yield* validationError("cloudformation:ExecuteChangeSet", notRoot(request.changeSet, "executed"))
      }
      if (found === undefined) return yield* notReady(`ChangeSet [${request.changeSet}] does not exist`)
      const { changeSet, stack } = found
      if (stack.tokens.has(token)) return yield* new TokenUsed({ stack: request.stack })
      const status = stack.statusAt(now)
      if (isUnderWay(status)) return yield* new StackNotReady({ stack: request.stack, status })
      const { executionStatus } = describeChangeSetAt(stack, changeSet, now)
      if (executionStatus !== "AVAILABLE") {
        return yield* notReady(
          `ChangeSet [${changeSet.id}] cannot be executed in its current execution status of [${executionStatus}]`
        )
      }
      if (changeSet.onStackFailure !== undefined && disableRollback !== undefined) {
        return yield* validationError(
          "cloudformation:ExecuteChangeSet",
          "DisableRollback must not be specified if the change set specifies OnStackFailure."
        )
      }
      // CloudFormation deletes the other change sets, which are obsolete now.
      stack.changeSets = [{ ...changeSet, executed: true }]
      // A change set does not hold termination protection; it may have been switched on since.
      const { terminationProtection } = stack.settings
      const settings = { ...changeSet.settings, terminationProtection }
      cloud.startOperation(stack, {
        ...changeSet,
        operation: "execute",
        token,
        settings,
        disableRollback,
        importsExisting: changeSet.imports,
        now
      })
    }),
    deleteChangeSet: Effect.fn("CloudFormationMemory.deleteChangeSet")(function*(key) {
      const now = yield* cloud.startCall("cloudformation:DeleteChangeSet")
      const found = cloud.findChangeSet(key, now)
      if (cloud.findNestedChangeSet(key.changeSet) !== undefined) {
        return yield* validationError("cloudformation:DeleteChangeSet", notRoot(key.changeSet, "deleted"))
      }
      if (found === undefined) return
      const { status } = describeChangeSetAt(found.stack, found.changeSet, now)
      if (status === "CREATE_IN_PROGRESS") {
        return yield* new ChangeSetNotReady({ ...key, reason: `Cannot delete ChangeSet in status ${status}` })
      }
      found.stack.changeSets = found.stack.changeSets.filter((other) => other !== found.changeSet)
    })
  }) satisfies Partial<CloudFormation["Service"]>
