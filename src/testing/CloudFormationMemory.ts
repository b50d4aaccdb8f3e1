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
}

export class CloudFormationMemory extends Context.Service<CloudFormationMemory, {
  /** The tokens of the operations that were begun, in their order. */
  readonly begun: ReadonlyArray<string>
  /** From now on this resource cannot be created or updated. */
  failResource(logicalResourceId: string, reason: string): Effect.Effect<void>
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
        stack.operate(operation, request, failing, step, now)
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
        })
      })

      return Context.make(CloudFormation, service).pipe(Context.add(CloudFormationMemory, {
        begun,
        failResource: (logicalResourceId, reason) => Effect.sync(() => void failing.set(logicalResourceId, reason)),
        setStatus: (name, status) =>
          Effect.map(Clock.currentTimeMillis, (now) => (find(name, now) ?? add(name, now)).interfere(status, now)),
        throttle: (calls) => Effect.sync(() => void (throttled = calls)),
        deny: (operation) => Effect.sync(() => void denied.add(operation))
      }))
    }))
}

const invalid = (operation: string, detail: string) => new AwsRejected({ operation, code: "ValidationError", detail })

const Template = Schema.fromJsonString(Schema.Struct({
  Resources: Schema.Record(Schema.String, Schema.Struct({ Type: Schema.String }))
}))

const parseTemplate = Schema.decodeOption(Template)

const isJson = (text: string) => text.trimStart().startsWith("{")

/** A template behind a URL is not fetched: another URL is another template, and one without resources. */
const textOf = (template: Template) => "templateBody" in template ? template.templateBody : template.templateUrl

const checkTemplate = (operation: string, template: Template): Effect.Effect<void, AwsRejected> =>
  isJson(textOf(template)) && Option.isNone(parseTemplate(textOf(template)))
    ? Effect.fail(invalid(operation, "Template format error: At least one Resources member must be defined."))
    : Effect.void

/** Resource types by logical id. */
const resourcesOf = (template: string) =>
  Option.match(parseTemplate(template), {
    onNone: () => [],
    onSome: ({ Resources }) => Object.entries(Resources).map(([id, { Type }]) => [id, Type] as const)
  })

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
    return { id, name, createdAt, changedAt, status: newest?.status ?? "", reason: newest?.reason }
  }

  statusAt(now: number) {
    return this.describeAt(now).status
  }

  /** Whatever was going on is over. */
  interfere(status: string, now: number) {
    const event = this.#event("AWS::CloudFormation::Stack", this.name, this.id, "Console-0000", status, now)
    this.#events = [...this.eventsAt(now).toReversed(), event]
    this.changedAt = now
  }

  operate(
    operation: StackOperation,
    request: StackRequest,
    failing: ReadonlyMap<string, string>,
    step: number,
    now: number
  ) {
    const verb = operation.toUpperCase()
    const token = request.clientRequestToken
    const resources = resourcesOf(textOf(request))
    const firstFailure = resources.findIndex(([id]) => failing.has(id))
    const failed = firstFailure >= 0

    const own = (status: string, at: number, reason?: string) =>
      this.#event("AWS::CloudFormation::Stack", this.name, this.id, token, status, at, reason)
    const ends = resources.map(([id, type], index) => {
      const at = now + step * (1 + (failed ? Math.min(index, firstFailure) : index))
      const [status, reason] = !failed || index < firstFailure
        ? [`${verb}_COMPLETE`]
        : [`${verb}_FAILED`, index === firstFailure ? failing.get(id) : `Resource ${operation} cancelled`]
      return this.#event(type, id, `${this.name}-${id}`, token, status ?? "", at, reason)
    })
    const resourcesEnd = now + step * Math.max(1, failed ? firstFailure + 1 : resources.length)

    this.#events = [
      ...this.eventsAt(now).toReversed(),
      own(`${verb}_IN_PROGRESS`, now, "User Initiated"),
      ...resources.map(([id, type]) => this.#event(type, id, "", token, `${verb}_IN_PROGRESS`, now)),
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
    if (!failed) this.template = textOf(request)
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
      ...(reason !== undefined && { reason })
    }
  }
}
