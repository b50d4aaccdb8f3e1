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
  type RequestError,
  type Stack,
  StackExists,
  StackNotReady,
  type StackRequest,
  TokenUsed
} from "../services/CloudFormation.ts"
import { checkCapabilities, summaryOf, valuesOf } from "./memoryTemplate.ts"

export interface Options {
  /** How long each resource of a template takes, one after another; 10 seconds when left out. */
  readonly resourceDuration?: Duration.Input
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
   * No stacks at first. Time is that of Effect's `Clock`. The parameters and resources of a template are known where it
   * is JSON; one in YAML is taken as a template without any.
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
          const settings = yield* settingsAfter("cloudformation:CreateStack", request, noSettings)
          const { terminationProtection = false } = request
          return operate("create", add(stack, now).willHave({ ...settings, terminationProtection }), request, now)
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
            (request.disableRollback === true && fresh(status) === "UpdatableWithoutRollback")
          if (!updatable) return yield* new StackNotReady({ stack, status })
          yield* checkTemplate("cloudformation:UpdateStack", request)
          const settings = yield* settingsAfter("cloudformation:UpdateStack", request, existing.settings)
          if (existing.template === textOf(request) && isSame(existing.settings, settings)) {
            return yield* new NoUpdates({ stack })
          }
          return operate("update", existing.willHave(settings), request, now)
        }),
        templateSummary: Effect.fn("CloudFormationMemory.templateSummary")(function*(template) {
          yield* enter("cloudformation:GetTemplateSummary")
          yield* checkTemplate("cloudformation:GetTemplateSummary", template)
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
        })
      })

      return Context.make(CloudFormation, service).pipe(Context.add(CloudFormationMemory, {
        begun,
        settingsOf: (stack) =>
          Effect.map(
            Clock.currentTimeMillis,
            (now) => Option.map(Option.fromUndefinedOr(find(stack, now)), ({ settings }) => settings)
          ),
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
  request: StackRequest,
  before: MemorySettings
): Effect.Effect<MemorySettings, RequestError | AwsRejected> =>
  checkCapabilities(textOf(request), request).pipe(
    Effect.andThen(valuesOf(textOf(request), request, before.parameters)),
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

/** Resource types by logical id. */
const resourcesOf = (template: string) =>
  Option.match(parseTemplate(template), {
    onNone: () => [],
    onSome: ({ Resources }) => Object.entries(Resources).map(([id, { Type }]) => [id, Type] as const)
  })

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
  }
} as const satisfies Record<StackOperation, unknown>

class MemoryStack {
  readonly id: string
  readonly name: string
  readonly tokens = new Set<string>()
  template = ""
  settings: MemorySettings = noSettings
  /** Those of the operation that begins. */
  #next: MemorySettings = noSettings
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
    const { changedAt, createdAt, id, name, settings: { parameters, terminationProtection } } = this
    const newest = this.eventsAt(now).find(({ physicalResourceId }) => physicalResourceId === id)
    const status = newest?.status ?? ""
    const parameterNames = [...parameters.keys()]
    return { id, name, createdAt, changedAt, status, reason: newest?.reason, parameterNames, terminationProtection }
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

  /** What the operation that begins now gives to the stack. */
  willHave(settings: MemorySettings) {
    this.#next = settings
    return this
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
      ...endings[operation][failed ? (request.disableRollback ? "withoutRollback" : "badly") : "well"].map(
        (status, index) => {
          const reason = failed && index === 0
            ? `The following resource(s) failed to ${operation}: [${resources[firstFailure]?.[0]}].`
            : undefined
          return own(status, resourcesEnd + step * index, reason)
        }
      )
    ]
    this.tokens.add(token)
    this.changedAt = now
    if (!failed) this.template = textOf(request)
    if (!failed || operation === "create") this.settings = this.#next
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
