// CloudFormation in memory: stacks that change as time goes by, with the answers that CloudFormation gives.
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { AwsDenied, type AwsError, AwsRejected, AwsUnavailable } from "../domain/AwsError.ts"
import type { StackEvent } from "../domain/StackEvents.ts"
import type { StackOperation } from "../domain/StackOperation.ts"
import { fresh } from "../domain/StackStatus.ts"
import type { Template } from "../domain/Template.ts"
import { retryUnavailable } from "../internal/awsCommand.ts"
import {
  CloudFormation,
  NoUpdates,
  type Stack,
  StackExists,
  StackNotReady,
  type StackRequest,
  TokenUsed
} from "../services/CloudFormation.ts"

export interface Options {
  /** How long each resource of a template takes, one after another; 10 seconds when left out. */
  readonly resourceDuration?: Duration.Input
  /** What lies behind URLs of templates, those of nested stacks too. What is not told is a template without resources. */
  readonly templates?: Readonly<Record<string, string>>
}

export class CloudFormationMemory extends Context.Service<CloudFormationMemory, {
  /** The tokens of the operations that were begun, in their order. */
  readonly begun: ReadonlyArray<string>
  /** From now on this resource cannot be created or updated. */
  failResource(logicalResourceId: string, reason: string): Effect.Effect<void>
  /** From now on this hook does not let the resource be created or updated. */
  failHook(logicalResourceId: string, hookType: string, reason: string): Effect.Effect<void>
  /** From now on this resource fails CloudFormation's validation: only DescribeEvents tells why. */
  failValidation(logicalResourceId: string, reason: string): Effect.Effect<void>
  /** Somebody else brings the stack into this status, now; it is made where there is none. */
  setStatus(stack: string, status: string): Effect.Effect<void>
  /** The next `calls` calls are throttled. */
  throttle(calls: number): Effect.Effect<void>
  /** From now on the role may not make this call, such as `cloudformation:DescribeStackEvents`. */
  deny(operation: string): Effect.Effect<void>
}>()("effect-codepipeline/testing/CloudFormationMemory") {
  /**
   * No stacks at first. Time is that of Effect's `Clock`. The resources of a template are known where it is JSON; one in
   * YAML is taken as a template without resources.
   */
  static readonly layer = (options: Options = {}): Layer.Layer<CloudFormation | CloudFormationMemory> =>
    Layer.effectContext(Effect.sync(() => {
      const step = Duration.toMillis(options.resourceDuration ?? "10 seconds")
      const stacks: Array<MemoryStack> = []
      const begun: Array<string> = []
      const denied = new Set<string>()
      const failing = new Map<string, string>()
      const failures: Failures = { failing, hooks: new Map(), invalid: new Map() }
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

      const operate = (operation: StackOperation, stack: MemoryStack, request: StackRequest, now: number) => {
        begun.push(request.clientRequestToken)
        const surroundings = { ...failures, templates: options.templates ?? {}, add: (name: string) => add(name, now) }
        stack.operate(operation, request, surroundings, step, now)
        return stack.id
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
          yield* checkTemplate("cloudformation:CreateStack", request)
          return operate("create", add(stack, now), request, now)
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
          if (fresh(status) !== "Updatable") return yield* new StackNotReady({ stack, status })
          if (existing.template === textOf(request)) return yield* new NoUpdates({ stack })
          yield* checkTemplate("cloudformation:UpdateStack", request)
          return operate("update", existing, request, now)
        }),
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
        failResource: (logicalResourceId, reason) => Effect.sync(() => void failing.set(logicalResourceId, reason)),
        failHook: (logicalResourceId, type, reason) =>
          Effect.sync(() => void failures.hooks.set(logicalResourceId, { type, reason })),
        failValidation: (logicalResourceId, reason) =>
          Effect.sync(() => void failures.invalid.set(logicalResourceId, reason)),
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
    Schema.Struct({
      Type: Schema.String,
      Properties: Schema.optionalKey(Schema.Struct({ TemplateURL: Schema.optionalKey(Schema.Unknown) }))
    })
  ),
  Outputs: Schema.optionalKey(Schema.Record(Schema.String, Schema.Struct({ Value: Schema.Unknown })))
}))

const parseTemplate = Schema.decodeOption(Template)

const isJson = (text: string) => text.trimStart().startsWith("{")

/** A template behind a URL is not fetched: another URL is another template. */
const textOf = (template: Template) => "templateBody" in template ? template.templateBody : template.templateUrl

const checkTemplate = (operation: string, template: Template): Effect.Effect<void, AwsRejected> =>
  isJson(textOf(template)) && Option.isNone(parseTemplate(textOf(template)))
    ? Effect.fail(invalid(operation, "Template format error: At least one Resources member must be defined."))
    : Effect.void

/** Logical id, type and URL of a nested stack's template. */
const resourcesOf = (template: string) =>
  Option.match(parseTemplate(template), {
    onNone: () => [],
    onSome: ({ Resources }) =>
      Object.entries(Resources).map(([id, { Properties, Type }]) => [id, Type, Properties?.TemplateURL] as const)
  })

const outputsOf = (template: string) =>
  Option.match(parseTemplate(template), { onNone: () => [], onSome: ({ Outputs = {} }) => Object.entries(Outputs) })

/** What is to fail, by logical id. */
interface Failures {
  readonly failing: Map<string, string>
  readonly hooks: Map<string, { readonly type: string; readonly reason: string }>
  readonly invalid: Map<string, string>
}

const isFailed = ({ hook, status }: StackEvent) => hook !== undefined || status.endsWith("_FAILED")

/** What the hook of a resource that is to fail says before. */
const hookFailures = (failure: StackEvent | undefined, hooks: Failures["hooks"], status: string) => {
  const hook = failure && hooks.get(failure.logicalResourceId)
  return failure === undefined || hook === undefined
    ? []
    : [{ ...failure, status, hook: { ...hook, status: "HOOK_COMPLETE_FAILED", failureMode: "FAIL" } }]
}

interface Surroundings extends Failures {
  readonly templates: Readonly<Record<string, string>>
  /** Makes a nested stack. */
  readonly add: (name: string) => MemoryStack
}

const earlyValidation = "AWS::EarlyValidation::PropertyValidation"

/** The statuses through which an operation ends, well or not, after its resources. */
const endings = {
  create: { well: ["CREATE_COMPLETE"], badly: ["ROLLBACK_IN_PROGRESS", "ROLLBACK_COMPLETE"] },
  update: {
    well: ["UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_COMPLETE"],
    badly: [
      "UPDATE_ROLLBACK_IN_PROGRESS",
      "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
      "UPDATE_ROLLBACK_COMPLETE"
    ]
  }
} as const satisfies Record<StackOperation, unknown>

class MemoryStack {
  readonly id: string
  readonly name: string
  readonly tokens = new Set<string>()
  template = ""
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
    const { changedAt, createdAt, id, name } = this
    const newest = this.eventsAt(now).find(({ physicalResourceId }) => physicalResourceId === id)
    const outputs = this.#outputs.findLast(({ at }) => at <= now)?.outputs ?? {}
    return { id, name, createdAt, changedAt, status: newest?.status ?? "", reason: newest?.reason, outputs }
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

  /** Gives the reason where it is going to fail. */
  operate(
    operation: StackOperation,
    request: StackRequest,
    surroundings: Surroundings,
    step: number,
    now: number
  ): string | undefined {
    const verb = operation.toUpperCase()
    const token = request.clientRequestToken
    const template = "templateBody" in request
      ? request.templateBody
      : surroundings.templates[request.templateUrl] ?? ""
    const { hooks, invalid } = surroundings
    const resources = resourcesOf(template)
    if (resources.some(([id]) => invalid.has(id))) {
      return this.#failValidation(operation, token, resources, invalid, now)
    }
    const failing = new Map(surroundings.failing)
    for (const [id, { type }] of hooks) failing.set(id, `The following hook(s) failed: [${type}]`)
    for (const [index, [id, type, url]] of resources.entries()) {
      if (failing.has(id)) break
      if (type !== "AWS::CloudFormation::Stack") continue
      const reason = this.#operateNested(id, String(url), surroundings, token, step, now + step * index)
      if (reason !== undefined) failing.set(id, reason)
    }
    const firstFailure = resources.findIndex(([id]) => failing.has(id))
    const failed = firstFailure >= 0

    const own = (status: string, at: number, reason?: string) =>
      this.#event("AWS::CloudFormation::Stack", this.name, this.id, token, status, at, reason)
    const ends = resources.map(([id, type], index) => {
      const at = now + step * (1 + (failed ? Math.min(index, firstFailure) : index))
      const [status, reason] = !failed || index < firstFailure
        ? [`${verb}_COMPLETE`]
        : [`${verb}_FAILED`, index === firstFailure ? failing.get(id) : `Resource ${operation} cancelled`]
      return this.#event(type, id, this.#physicalIdOf(id), token, status ?? "", at, reason)
    })
    const resourcesEnd = now + step * Math.max(1, failed ? firstFailure + 1 : resources.length)

    this.#events = [
      ...this.eventsAt(now).toReversed(),
      own(`${verb}_IN_PROGRESS`, now, "User Initiated"),
      ...resources.map(([id, type]) => this.#event(type, id, "", token, `${verb}_IN_PROGRESS`, now)),
      ...hookFailures(ends[firstFailure], hooks, `${verb}_IN_PROGRESS`),
      ...ends,
      ...endings[operation][failed ? "badly" : "well"].map((status, index) => {
        const reason = failed && index === 0
          ? `The following resource(s) failed to ${operation}: [${resources[firstFailure]?.[0]}].`
          : undefined
        return own(status, resourcesEnd + step * index, reason)
      })
    ]
    this.tokens.add(token)
    this.changedAt = now
    if (failed) return `The following resource(s) failed to ${operation}: [${resources[firstFailure]?.[0]}].`
    this.template = textOf(request)
    const values = outputsOf(template).map(([name, { Value }]) => [name, this.#resolve(Value)] as const)
    this.#outputs = [
      ...this.#outputs.filter(({ at }) => at <= now),
      { at: resourcesEnd, outputs: Object.fromEntries(values) }
    ]
    return undefined
  }

  /** A nested stack takes the time that a resource takes. */
  #operateNested(id: string, url: string, surroundings: Surroundings, token: string, step: number, now: number) {
    const known = this.#nested.get(id)
    const nested = known ?? surroundings.add(`${this.name}-${id}`)
    this.#nested.set(id, nested)
    const operation = known === undefined ? "create" : "update"
    const length = resourcesOf(surroundings.templates[url] ?? "").length
    const request = { stack: nested.id, templateUrl: url, clientRequestToken: token }
    const reason = nested.operate(operation, request, surroundings, step / Math.max(1, length), now)
    return reason && `Embedded stack ${nested.id} was not successfully ${operation}d: ${reason}`
  }

  /** Nothing of the template is begun. */
  #failValidation(
    operation: StackOperation,
    token: string,
    resources: ReturnType<typeof resourcesOf>,
    invalid: Failures["invalid"],
    now: number
  ) {
    const own = (status: string, reason?: string) =>
      this.#event("AWS::CloudFormation::Stack", this.name, this.id, token, status, now, reason)
    const reason = `The following hook(s)/validation failed: [${earlyValidation}]. To troubleshoot Early Validation ` +
      "errors, use the DescribeEvents API for detailed failure information."
    const [first, ...others] = endings[operation].badly
    this.#events = [
      ...this.eventsAt(now).toReversed(),
      own(`${operation.toUpperCase()}_IN_PROGRESS`, "User Initiated"),
      own(first, reason),
      ...others.map((status) => own(status))
    ]
    for (const [id, type] of resources) {
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
