// CloudFormation in memory: stacks that change as time goes by, with the answers that CloudFormation gives.
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { AwsDenied, type AwsError, AwsRejected, AwsUnavailable } from "../domain/job/AwsError.ts"
import type { StackOperation } from "../domain/stack/StackOperation.ts"
import { isUnrollable, startability } from "../domain/stack/StackStatus.ts"
import type { Template } from "../domain/stack/Template.ts"
import { retryUnavailable } from "../runtime/AwsClient.ts"
import {
  ChangeSetExists,
  type ChangeSetKey,
  ChangeSetNotReady,
  CloudFormation,
  NoUpdates,
  type RequestError,
  StackExists,
  StackNotReady,
  type StackOptions,
  TokenUsed
} from "../services/CloudFormation.ts"
import {
  type InjectedFailures,
  isSame,
  type MemorySettings,
  MemoryStack,
  noSettings
} from "./cloudFormation/MemoryStack.ts"
import { isReadable } from "./cloudFormation/resources.ts"
import { checkCapabilities, summaryOf, valuesOf } from "./cloudFormation/template.ts"

export interface CloudFormationMemoryOptions {
  /** How long each resource of a template takes, one after another; 10 seconds when left out. */
  readonly resourceDuration?: Duration.Input
  /** What lies behind URLs of templates, those of nested stacks too. What is not told is a template without resources. */
  readonly templates?: Readonly<Record<string, string>>
}

export class CloudFormationMemory extends Context.Service<CloudFormationMemory, {
  /** The tokens of the operations that were begun, in their order. */
  readonly begun: ReadonlyArray<string>
  /** What the stack was given besides its template; none where there is no such stack. */
  settingsOf(stack: string): Effect.Effect<Option.Option<MemorySettings>>
  /** From now on this resource cannot be created, updated or deleted. */
  failResource(logicalResourceId: string, reason: string): Effect.Effect<void>
  /** From now on this hook does not let the resource be created or updated. */
  failHook(logicalResourceId: string, hookType: string, reason: string): Effect.Effect<void>
  /** From now on this resource fails CloudFormation's validation: only DescribeEvents tells why. */
  failValidation(logicalResourceId: string, reason: string): Effect.Effect<void>
  /** From now on the stack is protected from being deleted. */
  protect(stack: string): Effect.Effect<void>
  /** Somebody else brings the stack into this status, now; it is made where there is none. */
  setStatus(stack: string, status: string): Effect.Effect<void>
  /** The next `calls` calls are throttled. */
  throttle(calls: number): Effect.Effect<void>
  /** From now on the role may not make this call, such as `cloudformation:DescribeStackEvents`. */
  deny(operation: string): Effect.Effect<void>
}>()("effect-codepipeline/testing/CloudFormationMemory") {
  /**
   * No stacks at first. Time is that of Effect's `Clock`. The parameters and resources of a template are known where it
   * is JSON; one in YAML is taken as a template without any.
   */
  static readonly layer = (
    options: CloudFormationMemoryOptions = {}
  ): Layer.Layer<CloudFormation | CloudFormationMemory> =>
    Layer.effectContext(Effect.sync(() => {
      const step = Math.floor(Duration.toMillis(options.resourceDuration ?? "10 seconds"))
      const stacks: Array<MemoryStack> = []
      const begun: Array<string> = []
      const denied = new Set<string>()
      const failures: InjectedFailures = { resources: new Map(), hooks: new Map(), invalid: new Map() }
      const { templates = {} } = options
      let throttled = 0

      /** By id, or by name where it is not deleted: as CloudFormation finds stacks. */
      const find = (stack: string, now: number) =>
        stacks.find(({ id }) => id === stack) ??
          stacks.find((found) => found.name === stack && found.statusAt(now) !== "DELETE_COMPLETE")

      const add = (name: string, now: number) => {
        const stack = new MemoryStack(name, stacks.length, now)
        stacks.push(stack)
        return stack
      }

      /** A template behind a URL is not fetched: another URL is another template. */
      const textOf = (template: Template) =>
        "templateBody" in template ? template.templateBody : templates[template.templateUrl] ?? template.templateUrl

      /** What stands before every call, asked again as live calls are; then it is this time. */
      const enter = (operation: string) =>
        retryUnavailable(Effect.suspend((): Effect.Effect<number, AwsError> => {
          if (throttled-- > 0) {
            return Effect.fail(new AwsUnavailable({ operation, code: "Throttling", detail: "Rate exceeded" }))
          }
          return denied.has(operation)
            ? Effect.fail(new AwsDenied({ operation, code: "AccessDenied", detail: `not authorized: ${operation}` }))
            : epochMillis
        }))

      const operate = (
        operation: StackOperation,
        stack: MemoryStack,
        request: Template & { readonly clientRequestToken: string; readonly disableRollback?: boolean | undefined },
        settings: MemorySettings,
        now: number
      ) => {
        const { clientRequestToken: token, disableRollback = false } = request
        begun.push(token)
        const nest = (name: string) => add(name, now)
        const template = textOf(request)
        stack.operate({ operation, token, template, settings, disableRollback, failures, templates, nest, step, now })
        return stack.id
      }

      const findChangeSet = ({ changeSet, stack }: ChangeSetKey, now: number) => {
        const found = find(stack, now)
        const made = found?.changeSets.find(({ id, name }) => id === changeSet || name === changeSet)
        return found === undefined || made === undefined ? undefined : { found, made }
      }

      const service = CloudFormation.of({
        describe: Effect.fn("CloudFormationMemory.describe")(function*(stack) {
          const now = yield* enter("cloudformation:DescribeStacks")
          return Option.fromUndefinedOr(find(stack, now)).pipe(Option.map((found) => found.describeAt(now)))
        }),
        create: Effect.fn("CloudFormationMemory.create")(function*(request) {
          const { clientRequestToken, stack } = request
          const now = yield* enter("cloudformation:CreateStack")
          const existing = find(stack, now)
          // CloudFormation knows a token again even when the stack that it has made is deleted.
          const used = stacks.some(({ name, tokens }) => name === stack && tokens.has(clientRequestToken))
          if (used) return yield* new TokenUsed({ stack })
          if (existing !== undefined) return yield* new StackExists({ stack })
          yield* checkTemplate("cloudformation:CreateStack", textOf(request))
          const settings = yield* settingsAfter("cloudformation:CreateStack", textOf(request), request, noSettings)
          const { terminationProtection = false } = request
          return operate("create", add(stack, now), request, { ...settings, terminationProtection }, now)
        }),
        update: Effect.fn("CloudFormationMemory.update")(function*(request) {
          const { clientRequestToken, stack } = request
          const now = yield* enter("cloudformation:UpdateStack")
          const existing = find(stack, now)
          const status = existing?.statusAt(now) ?? "REVIEW_IN_PROGRESS"
          if (existing === undefined || status === "REVIEW_IN_PROGRESS") {
            return yield* invalid("cloudformation:UpdateStack", `Stack [${stack}] does not exist`)
          }
          if (existing.tokens.has(clientRequestToken)) return yield* new TokenUsed({ stack })
          const updatable = startability(status) === "Updatable" ||
            (request.disableRollback === true && isUnrollable(status))
          if (!updatable) return yield* new StackNotReady({ stack, status })
          yield* checkTemplate("cloudformation:UpdateStack", textOf(request))
          const settings = yield* settingsAfter(
            "cloudformation:UpdateStack",
            textOf(request),
            request,
            existing.settings
          )
          if (existing.template === textOf(request) && isSame(existing.settings, settings)) {
            return yield* new NoUpdates({ stack })
          }
          return operate("update", existing, request, settings, now)
        }),
        delete: Effect.fn("CloudFormationMemory.delete")(function*({ clientRequestToken, stack }) {
          const now = yield* enter("cloudformation:DeleteStack")
          const existing = find(stack, now)
          if (existing === undefined || existing.statusAt(now) === "DELETE_COMPLETE") return
          if (existing.tokens.has(clientRequestToken)) return yield* new TokenUsed({ stack })
          if (existing.settings.terminationProtection) {
            const detail = `Stack [${existing.name}] cannot be deleted while TerminationProtection is enabled`
            return yield* invalid("cloudformation:DeleteStack", detail)
          }
          operate("delete", existing, { templateBody: existing.template, clientRequestToken }, existing.settings, now)
        }),
        createChangeSet: Effect.fn("CloudFormationMemory.createChangeSet")(function*(request) {
          const { changeSet, description, stack, type } = request
          const operation = "cloudformation:CreateChangeSet"
          const now = yield* enter(operation)
          const existing = find(stack, now)
          const status = existing?.statusAt(now) ?? "DELETE_COMPLETE"
          const isShell = status === "REVIEW_IN_PROGRESS"
          if (findChangeSet({ stack, changeSet }, now)) return yield* new ChangeSetExists({ stack, changeSet })
          if (type === "UPDATE" && (existing === undefined || isShell)) {
            return yield* invalid(operation, `Stack [${stack}] does not exist`)
          }
          if (type === "CREATE" && existing !== undefined && !isShell) {
            const detail =
              `Stack [${stack}] already exists and cannot be created again with the changeSet [${changeSet}].`
            return yield* invalid(operation, detail)
          }
          if (type === "UPDATE" && startability(status) !== "Updatable") {
            return yield* new StackNotReady({ stack, status })
          }
          yield* checkTemplate(operation, textOf(request))
          // A change set has no policy.
          const wanted = { ...request, stackPolicy: undefined }
          const settings = yield* settingsAfter(operation, textOf(request), wanted, existing?.settings ?? noSettings)
          const target = existing ?? add(stack, now)
          if (existing === undefined) {
            target.interfere("REVIEW_IN_PROGRESS", now)
          }
          return target.prepare({ name: changeSet, description, template: textOf(request), settings }, step, now)
        }),
        describeChangeSet: Effect.fn("CloudFormationMemory.describeChangeSet")(function*(key) {
          const now = yield* enter("cloudformation:DescribeChangeSet")
          return Option.fromUndefinedOr(findChangeSet(key, now)).pipe(
            Option.map(({ found, made }) => found.describeChangeSetAt(made, now))
          )
        }),
        executeChangeSet: Effect.fn("CloudFormationMemory.executeChangeSet")(function*(request) {
          const { changeSet, clientRequestToken, disableRollback, stack } = request
          const now = yield* enter("cloudformation:ExecuteChangeSet")
          const known = findChangeSet(request, now)
          if (known === undefined) {
            return yield* new ChangeSetNotReady({ stack, changeSet, reason: `ChangeSet [${changeSet}] does not exist` })
          }
          const { found, made } = known
          if (found.tokens.has(clientRequestToken)) return yield* new TokenUsed({ stack })
          const { executionStatus } = found.describeChangeSetAt(made, now)
          if (executionStatus !== "AVAILABLE") {
            const reason =
              `ChangeSet [${made.id}] cannot be executed in its current execution status of [${executionStatus}]`
            return yield* new ChangeSetNotReady({ stack, changeSet, reason })
          }
          found.changeSets = [{ ...made, executed: true }]
          const template = { templateBody: made.template, clientRequestToken, disableRollback }
          // It may have been protected since.
          const { terminationProtection } = found.settings
          operate("execute", found, template, { ...made.settings, terminationProtection }, now)
        }),
        deleteChangeSet: Effect.fn("CloudFormationMemory.deleteChangeSet")(function*(key) {
          const now = yield* enter("cloudformation:DeleteChangeSet")
          const known = findChangeSet(key, now)
          if (known) known.found.changeSets = known.found.changeSets.filter((other) => other !== known.made)
        }),
        templateSummary: Effect.fn("CloudFormationMemory.templateSummary")(function*(template) {
          yield* enter("cloudformation:GetTemplateSummary")
          yield* checkTemplate("cloudformation:GetTemplateSummary", textOf(template))
          return summaryOf(textOf(template))
        }),
        setTerminationProtection: Effect.fn("CloudFormationMemory.setTerminationProtection")(
          function*(stackId, terminationProtection) {
            const now = yield* enter("cloudformation:UpdateTerminationProtection")
            const stack = find(stackId, now)
            if (stack === undefined) {
              return yield* invalid("cloudformation:UpdateTerminationProtection", `Stack [${stackId}] does not exist`)
            }
            stack.settings = { ...stack.settings, terminationProtection }
          }
        ),
        events: Effect.fn("CloudFormationMemory.events")(function*(stackId) {
          const now = yield* enter("cloudformation:DescribeStackEvents")
          const stack = find(stackId, now)
          return stack === undefined ? [] : stack.eventsAt(now)
        }),
        failedEvents: Effect.fn("CloudFormationMemory.failedEvents")(function*(operationId) {
          const now = yield* enter("cloudformation:DescribeEvents")
          return stacks.flatMap((stack) => stack.failedEventsAt(operationId, now))
        })
      })

      return Context.make(CloudFormation, service).pipe(Context.add(CloudFormationMemory, {
        begun,
        settingsOf: (stack) =>
          Effect.map(
            epochMillis,
            (now) => Option.map(Option.fromUndefinedOr(find(stack, now)), ({ settings }) => settings)
          ),
        failResource: (logicalResourceId, reason) =>
          Effect.sync(() => void failures.resources.set(logicalResourceId, reason)),
        failHook: (logicalResourceId, type, reason) =>
          Effect.sync(() => void failures.hooks.set(logicalResourceId, { type, reason })),
        failValidation: (logicalResourceId, reason) =>
          Effect.sync(() => void failures.invalid.set(logicalResourceId, reason)),
        protect: (name) =>
          Effect.map(epochMillis, (now) => {
            const stack = find(name, now)
            if (stack !== undefined) stack.settings = { ...stack.settings, terminationProtection: true }
          }),
        setStatus: (name, status) =>
          Effect.map(epochMillis, (now) => (find(name, now) ?? add(name, now)).interfere(status, now)),
        throttle: (calls) => Effect.sync(() => void (throttled = calls)),
        deny: (operation) => Effect.sync(() => void denied.add(operation))
      }))
    }))
}

/** CloudFormation's times are whole milliseconds; those of Effect's `Clock` need not be. */
const epochMillis = Effect.map(Clock.currentTimeMillis, Math.floor)

const invalid = (operation: string, detail: string) => new AwsRejected({ operation, code: "ValidationError", detail })

const checkTemplate = (operation: string, template: string): Effect.Effect<void, AwsRejected> =>
  isReadable(template)
    ? Effect.void
    : Effect.fail(invalid(operation, "Template format error: At least one Resources member must be defined."))

/** What the request makes of a stack's settings. */
const settingsAfter = (
  operation: string,
  template: string,
  request: StackOptions & { readonly stack: string },
  before: MemorySettings
): Effect.Effect<MemorySettings, RequestError | AwsRejected> =>
  checkCapabilities(template, request).pipe(
    Effect.andThen(valuesOf(template, request, before.parameters)),
    Effect.map((parameters) => ({
      ...before,
      parameters,
      tags: request.tags ?? before.tags,
      roleArn: request.roleArn ?? before.roleArn,
      notificationArns: request.notificationArns ?? before.notificationArns,
      stackPolicy: request.stackPolicy ?? before.stackPolicy
    })),
    Effect.catchTag("MissingValues", ({ words }) => Effect.fail(invalid(operation, words)))
  )
