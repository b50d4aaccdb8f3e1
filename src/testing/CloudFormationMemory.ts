// CloudFormation in memory: stacks that change as time goes by, with the answers that CloudFormation gives.
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import { AwsDenied, type AwsError, AwsRejected, AwsUnavailable } from "../domain/AwsError.ts"
import type { ChangeSet, ResourceChange } from "../domain/ChangeSet.ts"
import type { StackEvent } from "../domain/StackEvents.ts"
import type { StackOperation } from "../domain/StackOperation.ts"
import { type Fresh, fresh, isUnderWay } from "../domain/StackStatus.ts"
import type { Template } from "../domain/Template.ts"
import { retryUnavailable } from "../internal/awsCommand.ts"
import {
  ChangeSetExists,
  type ChangeSetKey,
  ChangeSetNotReady,
  CloudFormation,
  NoUpdates,
  type RequestError,
  type Stack,
  StackExists,
  StackNotReady,
  type StackOptions,
  TokenUsed
} from "../services/CloudFormation.ts"
import { checkCapabilities, summaryOf, valuesOf } from "./memoryTemplate.ts"

export interface Options {
  /** How long each resource of a template takes, one after another; 10 seconds when left out. */
  readonly resourceDuration?: Duration.Input
  /** What lies behind URLs of templates, those of nested stacks too. What is not told is a template without resources. */
  readonly templates?: Readonly<Record<string, string>>
}

/** What a stack was given besides its template. */
export interface MemorySettings {
  /** The values of all parameters, by name: also those that are secret. */
  readonly parameters: ReadonlyMap<string, string>
  readonly tags: ReadonlyMap<string, string>
  readonly roleArn: string | undefined
  readonly notificationArns: ReadonlyArray<string>
  /** JSON. */
  readonly stackPolicy: string | undefined
  readonly terminationProtection: boolean
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
  static readonly layer = (options: Options = {}): Layer.Layer<CloudFormation | CloudFormationMemory> =>
    Layer.effectContext(Effect.sync(() => {
      const step = Duration.toMillis(options.resourceDuration ?? "10 seconds")
      const stacks: Array<MemoryStack> = []
      const begun: Array<string> = []
      const denied = new Set<string>()
      const failures: Failures = { resources: new Map(), hooks: new Map(), invalid: new Map() }
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
            : Clock.currentTimeMillis
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
          const updatable = fresh(status) === "Updatable" ||
            (request.disableRollback === true && unrollable.has(fresh(status)))
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
          if (type === "UPDATE" && fresh(status) !== "Updatable") return yield* new StackNotReady({ stack, status })
          yield* checkTemplate(operation, textOf(request))
          // A change set has no policy.
          const wanted = { ...request, stackPolicy: undefined }
          const settings = yield* settingsAfter(operation, textOf(request), wanted, existing?.settings ?? noSettings)
          const target = existing ?? add(stack, now)
          if (existing === undefined) target.interfere("REVIEW_IN_PROGRESS", now)
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
          return stack === undefined
            ? yield* invalid("cloudformation:DescribeStackEvents", `Stack [${stackId}] does not exist`)
            : stack.eventsAt(now)
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
            Clock.currentTimeMillis,
            (now) => Option.map(Option.fromUndefinedOr(find(stack, now)), ({ settings }) => settings)
          ),
        failResource: (logicalResourceId, reason) =>
          Effect.sync(() => void failures.resources.set(logicalResourceId, reason)),
        failHook: (logicalResourceId, type, reason) =>
          Effect.sync(() => void failures.hooks.set(logicalResourceId, { type, reason })),
        failValidation: (logicalResourceId, reason) =>
          Effect.sync(() => void failures.invalid.set(logicalResourceId, reason)),
        protect: (name) =>
          Effect.map(Clock.currentTimeMillis, (now) => {
            const stack = find(name, now)
            if (stack !== undefined) stack.settings = { ...stack.settings, terminationProtection: true }
          }),
        setStatus: (name, status) =>
          Effect.map(Clock.currentTimeMillis, (now) => (find(name, now) ?? add(name, now)).interfere(status, now)),
        throttle: (calls) => Effect.sync(() => void (throttled = calls)),
        deny: (operation) => Effect.sync(() => void denied.add(operation))
      }))
    }))
}

const invalid = (operation: string, detail: string) => new AwsRejected({ operation, code: "ValidationError", detail })

const Template = Schema.fromJsonString(Schema.Struct({
  Resources: Schema.Record(
    Schema.String,
    Schema.StructWithRest(Schema.Struct({ Type: Schema.String }), [Schema.Record(Schema.String, Schema.Json)])
  ),
  Outputs: Schema.optionalKey(Schema.Record(Schema.String, Schema.Struct({ Value: Schema.Unknown })))
}))

const parseTemplate = Schema.decodeOption(Template)

const isJson = (text: string) => text.trimStart().startsWith("{")

const checkTemplate = (operation: string, template: string): Effect.Effect<void, AwsRejected> =>
  isJson(template) && Option.isNone(parseTemplate(template))
    ? Effect.fail(invalid(operation, "Template format error: At least one Resources member must be defined."))
    : Effect.void

/** Only an operation that does not roll back goes on from there. */
const unrollable: ReadonlySet<Fresh> = new Set<Fresh>(["CreateFailed", "UpdatableWithoutRollback"])

const noSettings: MemorySettings = {
  parameters: new Map(),
  tags: new Map(),
  roleArn: undefined,
  notificationArns: [],
  stackPolicy: undefined,
  terminationProtection: false
}

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

/** What makes an update: a role or a policy alone do not. */
const isSame = (before: MemorySettings, after: MemorySettings) => {
  const compared = ({ notificationArns, parameters, tags }: MemorySettings) =>
    JSON.stringify([[...parameters].toSorted(), [...tags].toSorted(), notificationArns])
  return compared(before) === compared(after)
}

const resourcesOf = (template: string) =>
  Option.match(parseTemplate(template), { onNone: () => ({}), onSome: ({ Resources }) => Resources })

const outputsOf = (template: string) =>
  Option.match(parseTemplate(template), { onNone: () => [], onSome: ({ Outputs = {} }) => Object.entries(Outputs) })

/** The templates' URLs of nested stacks, by logical id. */
const nestedUrlsOf = (template: string) =>
  Object.entries(resourcesOf(template)).flatMap(([id, { Properties, Type }]) =>
    Type === "AWS::CloudFormation::Stack" && Predicate.hasProperty(Properties, "TemplateURL")
      ? [[id, String(Properties.TemplateURL)] as const]
      : []
  )

/** Resource types by logical id. */
const typesOf = (template: string) => Object.entries(resourcesOf(template)).map(([id, { Type }]) => [id, Type] as const)

const change = (action: string, logicalResourceId: string, resourceType: string) => ({
  action,
  logicalResourceId,
  resourceType
})

/** What it takes to make the one template of the other. A resource of another type is made anew. */
const changesBetween = (before: string, after: string): ReadonlyArray<ResourceChange> => {
  const old = new Map(Object.entries(resourcesOf(before)))
  const now = new Map(Object.entries(resourcesOf(after)))
  const kept = Array.from(now).flatMap(([id, resource]): ReadonlyArray<ResourceChange> => {
    const was = old.get(id)
    if (was === undefined) return [change("Add", id, resource.Type)]
    if (JSON.stringify(was) === JSON.stringify(resource)) return []
    return [{ ...change("Modify", id, resource.Type), replacement: was.Type === resource.Type ? "False" : "True" }]
  })
  const gone = Array.from(old).filter(([id]) => !now.has(id)).map(([id, { Type }]) => change("Remove", id, Type))
  return [...kept, ...gone]
}

type Kind = "create" | "update" | "delete"

/** The statuses through which an operation ends, well or not, after its resources. */
const endings = {
  create: {
    well: ["CREATE_COMPLETE"],
    badly: ["ROLLBACK_IN_PROGRESS", "ROLLBACK_COMPLETE"],
    withoutRollback: ["CREATE_FAILED"]
  },
  update: {
    well: ["UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_COMPLETE"],
    badly: [
      "UPDATE_ROLLBACK_IN_PROGRESS",
      "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
      "UPDATE_ROLLBACK_COMPLETE"
    ],
    withoutRollback: ["UPDATE_FAILED"]
  },
  delete: { well: ["DELETE_COMPLETE"], badly: ["DELETE_FAILED"], withoutRollback: ["DELETE_FAILED"] }
} as const satisfies Record<Kind, unknown>

/** What is to fail, by logical id. */
interface Failures {
  readonly resources: Map<string, string>
  readonly hooks: Map<string, { readonly type: string; readonly reason: string }>
  readonly invalid: Map<string, string>
}

const earlyValidation = "AWS::EarlyValidation::PropertyValidation"

const isFailed = ({ hook, status }: StackEvent) => hook !== undefined || status.endsWith("_FAILED")

/** What the hook of a resource that is to fail says before. */
const hookFailures = (failure: StackEvent | undefined, hooks: Failures["hooks"], status: string) => {
  const hook = failure && hooks.get(failure.logicalResourceId)
  return failure === undefined || hook === undefined
    ? []
    : [{ ...failure, status, hook: { ...hook, status: "HOOK_COMPLETE_FAILED", failureMode: "FAIL" } }]
}

interface MemoryChangeSet {
  readonly id: string
  readonly name: string
  readonly description: string
  readonly template: string
  /** What the stack's template was when it was made. */
  readonly before: string
  readonly settings: MemorySettings
  readonly readyAt: number
  readonly executed: boolean
}

/** An operation on a stack. */
interface Operating {
  readonly operation: StackOperation
  readonly token: string
  readonly template: string
  /** What the stack gets besides. */
  readonly settings: MemorySettings
  readonly disableRollback: boolean
  readonly failures: Failures
  readonly templates: Readonly<Record<string, string>>
  /** Makes a nested stack. */
  readonly nest: (name: string) => MemoryStack
  /** How long a resource takes. */
  readonly step: number
  readonly now: number
}

class MemoryStack {
  readonly id: string
  readonly name: string
  readonly tokens = new Set<string>()
  template = ""
  settings: MemorySettings = noSettings
  changeSets: ReadonlyArray<MemoryChangeSet> = []
  readonly createdAt: number
  changedAt: number
  /** What has happened and what is going to happen, oldest first. */
  #events: ReadonlyArray<StackEvent> = []
  /** What DescribeEvents tells beside the failures among the events. */
  readonly #validations: Array<StackEvent> = []
  /** Since when the stack has these outputs, oldest first. */
  #outputs: ReadonlyArray<{ readonly at: number; readonly outputs: Readonly<Record<string, string>> }> = []
  readonly #nested = new Map<string, MemoryStack>()

  constructor(name: string, index: number, now: number) {
    const uuid = `00000000-0000-4000-8000-${String(index).padStart(12, "0")}`
    this.id = `arn:aws:cloudformation:us-east-1:123456789012:stack/${name}/${uuid}`
    this.name = name
    this.createdAt = now
    this.changedAt = now
  }

  /** Newest first, as CloudFormation lists them. */
  eventsAt(now: number) {
    return this.#events.filter(({ timestamp }) => timestamp <= now).toReversed()
  }

  describeAt(now: number): Stack {
    const { changedAt, createdAt, id, name, settings: { parameters, terminationProtection } } = this
    const newest = this.eventsAt(now).find(({ physicalResourceId }) => physicalResourceId === id)
    return {
      id,
      name,
      createdAt,
      changedAt,
      terminationProtection,
      parameterNames: [...parameters.keys()],
      status: newest?.status ?? "",
      reason: newest?.reason,
      outputs: this.#outputs.findLast(({ at }) => at <= now)?.outputs ?? {}
    }
  }

  statusAt(now: number) {
    return this.describeAt(now).status
  }

  failedEventsAt(operationId: string, now: number) {
    return [...this.#validations, ...this.eventsAt(now).filter(isFailed)]
      .filter((event) => event.operationId === operationId)
  }

  /** Whatever was going on is over. */
  interfere(status: string, now: number) {
    const event = this.#event("AWS::CloudFormation::Stack", this.name, this.id, "Console-0000", status, now)
    this.#events = [...this.eventsAt(now).toReversed(), event]
    this.#outputs = this.#outputs.filter(({ at }) => at <= now)
    this.changedAt = now
  }

  prepare(
    wanted: Pick<MemoryChangeSet, "name" | "description" | "template" | "settings">,
    step: number,
    now: number
  ) {
    const id = this.id.replace(/stack\/.*/, `changeSet/${wanted.name}/${this.changeSets.length}-${now}`)
    const made = { ...wanted, id, before: this.template, readyAt: now + step, executed: false }
    this.changeSets = [...this.changeSets, made]
    return { id, stackId: this.id }
  }

  describeChangeSetAt(
    { before, description, executed, id, name, readyAt, settings, template }: MemoryChangeSet,
    now: number
  ): ChangeSet {
    const shape = { id, name, description, stackId: this.id, changes: changesBetween(before, template) }
    if (now < readyAt) return { ...shape, status: "CREATE_IN_PROGRESS", executionStatus: "UNAVAILABLE" }
    if (executed) {
      const executionStatus = isUnderWay(this.statusAt(now)) ? "EXECUTE_IN_PROGRESS" : "EXECUTE_COMPLETE"
      return { ...shape, status: "CREATE_COMPLETE", executionStatus }
    }
    if (template === before && isSame(settings, this.settings)) {
      const reason =
        "The submitted information didn't contain changes. Submit different information to create a change set."
      return { ...shape, status: "FAILED", executionStatus: "UNAVAILABLE", reason }
    }
    return { ...shape, status: "CREATE_COMPLETE", executionStatus: before === this.template ? "AVAILABLE" : "OBSOLETE" }
  }

  /** Gives the reason where it is going to fail. */
  operate(operating: Operating): string | undefined {
    const { disableRollback, failures: { hooks, invalid }, now, operation, settings, step, template, token } = operating
    const kind = operation === "execute" ? this.statusAt(now) === "REVIEW_IN_PROGRESS" ? "create" : "update" : operation
    const verb = kind.toUpperCase()
    const resources = typesOf(template)
    if (kind !== "delete" && resources.some(([id]) => invalid.has(id))) return this.#failValidation(kind, operating)
    const failing = this.#failingIn(operating)
    const firstFailure = resources.findIndex(([id]) => failing.has(id))
    const failed = firstFailure >= 0

    const own = (status: string, at: number, reason?: string) =>
      this.#event("AWS::CloudFormation::Stack", this.name, this.id, token, status, at, reason)
    const ends = resources.map(([id, type], index) => {
      const at = now + step * (1 + (failed ? Math.min(index, firstFailure) : index))
      const [status, reason] = !failed || index < firstFailure
        ? [`${verb}_COMPLETE`]
        : [`${verb}_FAILED`, index === firstFailure ? failing.get(id) : `Resource ${kind} cancelled`]
      return this.#event(type, id, this.#physicalIdOf(id), token, status ?? "", at, reason)
    })
    const resourcesEnd = now + step * Math.max(1, failed ? firstFailure + 1 : resources.length)

    this.#events = [
      ...this.eventsAt(now).toReversed(),
      own(`${verb}_IN_PROGRESS`, now, "User Initiated"),
      ...resources.map(([id, type]) => this.#event(type, id, "", token, `${verb}_IN_PROGRESS`, now)),
      ...hookFailures(ends[firstFailure], hooks, `${verb}_IN_PROGRESS`),
      ...ends,
      ...endings[kind][failed ? (disableRollback ? "withoutRollback" : "badly") : "well"].map((status, index) => {
        const reason = failed && index === 0
          ? `The following resource(s) failed to ${kind}: [${resources[firstFailure]?.[0]}].`
          : undefined
        return own(status, resourcesEnd + step * index, reason)
      })
    ]
    this.tokens.add(token)
    this.changedAt = now
    if (!failed || kind === "create") this.settings = settings
    if (failed) return `The following resource(s) failed to ${kind}: [${resources[firstFailure]?.[0]}].`
    this.template = template
    const values = outputsOf(template).map(([name, { Value }]) => [name, this.#resolve(Value)] as const)
    this.#outputs = [
      ...this.#outputs.filter(({ at }) => at <= now),
      { at: resourcesEnd, outputs: kind === "delete" ? {} : Object.fromEntries(values) }
    ]
    return undefined
  }

  /** Why resources are to fail, by their ids: by themselves, by hooks, or because of what is in their nested stacks. */
  #failingIn(operating: Operating): ReadonlyMap<string, string> {
    const { failures: { hooks, resources }, now, operation, step, template } = operating
    const failing = new Map(resources)
    if (operation === "delete") return failing
    for (const [id, { type }] of hooks) failing.set(id, `The following hook(s) failed: [${type}]`)
    const nestedUrls = new Map(nestedUrlsOf(template))
    for (const [index, [id]] of typesOf(template).entries()) {
      if (failing.has(id)) break
      const url = nestedUrls.get(id)
      const reason = url === undefined
        ? undefined
        : this.#operateNested(id, url, { ...operating, now: now + step * index })
      if (reason !== undefined) failing.set(id, reason)
    }
    return failing
  }

  /** A nested stack takes the time that a resource takes. */
  #operateNested(id: string, url: string, operating: Operating) {
    const known = this.#nested.get(id)
    const nested = known ?? operating.nest(`${this.name}-${id}`)
    this.#nested.set(id, nested)
    const operation = known === undefined ? "create" : "update"
    const template = operating.templates[url] ?? url
    const step = operating.step / Math.max(1, typesOf(template).length)
    const reason = nested.operate({ ...operating, operation, template, step })
    return reason && `Embedded stack ${nested.id} was not successfully ${operation}d: ${reason}`
  }

  /** Nothing of the template is begun. */
  #failValidation(kind: "create" | "update", { failures: { invalid }, now, template, token }: Operating) {
    const own = (status: string, reason?: string) =>
      this.#event("AWS::CloudFormation::Stack", this.name, this.id, token, status, now, reason)
    const reason = `The following hook(s)/validation failed: [${earlyValidation}]. To troubleshoot Early Validation ` +
      "errors, use the DescribeEvents API for detailed failure information."
    const [first, ...others] = endings[kind].badly
    this.#events = [
      ...this.eventsAt(now).toReversed(),
      own(`${kind.toUpperCase()}_IN_PROGRESS`, "User Initiated"),
      own(first, reason),
      ...others.map((status) => own(status))
    ]
    for (const [id, type] of typesOf(template)) {
      const reason = invalid.get(id)
      if (reason === undefined) continue
      const validation = { name: earlyValidation, status: "FAILED", failureMode: "FAIL", reason }
      this.#validations.push({ ...this.#event(type, id, "", token, "", now), validation })
    }
    this.tokens.add(token)
    this.changedAt = now
    return reason
  }

  #physicalIdOf(id: string) {
    return this.#nested.get(id)?.id ?? `${this.name}-${id}`
  }

  /** Literals as they are; what refers to a resource gives its physical id. */
  #resolve(value: unknown) {
    if (typeof value === "string") return value
    const { Ref } = value as { readonly Ref?: unknown }
    if (Ref === "AWS::StackId") return this.id
    if (Ref === "AWS::StackName") return this.name
    return typeof Ref === "string" ? this.#physicalIdOf(Ref) : JSON.stringify(value)
  }

  #event(
    resourceType: string,
    logicalResourceId: string,
    physicalResourceId: string,
    clientRequestToken: string,
    status: string,
    timestamp: number,
    reason?: string
  ): StackEvent {
    return {
      stackId: this.id,
      timestamp,
      logicalResourceId,
      physicalResourceId,
      resourceType,
      status,
      clientRequestToken,
      operationId: `${this.id.slice(-36)}-${clientRequestToken}`,
      ...(reason !== undefined && { reason })
    }
  }
}
