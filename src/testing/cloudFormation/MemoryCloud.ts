// The state of the in-memory CloudFormation: its stacks, and the failures that a test has set up.
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { AwsDenied, type AwsError, type AwsRejected, AwsUnavailable } from "../../domain/job/AwsError.ts"
import type { ChangeSetQuery } from "../../domain/stack/Stack.ts"
import type { PropertyDifference, ResourceDrift } from "../../domain/stack/StackDrift.ts"
import { type Template, templateLimits } from "../../domain/stack/Template.ts"
import { retryUnavailable } from "../../runtime/AwsClient.ts"
import { StandIn } from "./evaluation/Scope.ts"
import type { InjectedFailures, MemoryOperation, Surroundings } from "./MemoryOperation.ts"
import { type MemorySettings, validationError } from "./MemorySettings.ts"
import { MemoryStack } from "./MemoryStack.ts"
import { nestedWithin } from "./nestedChangeSets.ts"
import { type MemoryTemplate, read, unknownTemplate } from "./template/MemoryTemplate.ts"
import { neverChecked } from "./template/notChecked.ts"
import { resolve, type Resolved } from "./template/resolve.ts"

/** CloudFormation's times are whole milliseconds; those of Effect's `Clock` may have fractions. */
export const epochMillis = Effect.map(Clock.currentTimeMillis, Math.floor)

export interface MemoryCloudOptions {
  /** The duration of a resource in milliseconds. */
  readonly resourceMillis: number
  /** The text of the template at a URL, if it is known. */
  readonly templateAt: (url: string) => string | undefined
  /** The value of an export of a stack that is not in memory. */
  readonly exportedValue: (name: string) => string | undefined
  readonly region: string
  readonly accountId: string
}

/** A drift detection, with its result. */
export interface MemoryDetection {
  readonly id: string
  readonly stack: MemoryStack
  /** Epoch milliseconds. */
  readonly endsAt: number
  readonly drifts: ReadonlyArray<ResourceDrift>
}

export class MemoryCloud implements Surroundings {
  readonly operationTokens: Array<string> = []
  readonly denied = new Set<string>()
  readonly existing = new Set<string>()
  /** How resources differ from their templates, by logical id. */
  readonly drifts = new Map<string, "deleted" | ReadonlyArray<PropertyDifference>>()
  /** Oldest first. */
  readonly detections: Array<MemoryDetection> = []
  readonly failures: InjectedFailures = {
    resources: new Map(),
    rollbacks: new Map(),
    hooks: new Map(),
    validations: new Map()
  }
  /** The number of calls that are still to be throttled. */
  throttledCalls = 0
  /** How old the state is that each call shows, in milliseconds. */
  readonly lags = new Map<string, number>()
  readonly resourceMillis: number
  readonly region: string
  readonly accountId: string
  /** What the operations so far did not check. */
  readonly #notChecked = new Set<string>()
  readonly foreignExport: Surroundings["foreignExport"]
  readonly #templateAt: MemoryCloudOptions["templateAt"]
  readonly #stacks: Array<MemoryStack> = []
  /** Templates by their text: reading a large one takes time. */
  readonly #templates = new Map<string, Result.Result<MemoryTemplate, string>>()

  constructor({ accountId, exportedValue, region, resourceMillis, templateAt }: MemoryCloudOptions) {
    this.foreignExport = (name) => {
      const value = exportedValue(name)
      return value === undefined ? undefined : new StandIn(value)
    }
    this.resourceMillis = Math.floor(resourceMillis)
    this.region = region
    this.accountId = accountId
    this.#templateAt = templateAt
  }

  /** Finds a stack by its id; by its name only if it is not deleted. */
  find(stack: string, now: number): MemoryStack | undefined {
    const stacks = this.#stacks.filter(({ createdAt }) => createdAt <= now)
    return stacks.find(({ id }) => id === stack) ??
      stacks.find((found) => found.name === stack && found.statusAt(now) !== "DELETE_COMPLETE")
  }

  /** A stack that does not exist until it is added. */
  draft(name: string, now: number): MemoryStack {
    return new MemoryStack(name, this.#stacks.length, now, this)
  }

  add(stack: MemoryStack): MemoryStack {
    this.#stacks.push(stack)
    return stack
  }

  addStack(name: string, now: number): MemoryStack {
    return this.add(this.draft(name, now))
  }

  exporterOf = (name: string, now: number) => {
    const stack = this.#existing(now).find((stack) => stack.exportsAt(now).has(name))
    return stack && { stack, value: stack.exportsAt(now).get(name) ?? "" }
  }

  importerOf = (name: string, now: number) => this.#existing(now).find(({ resolved }) => resolved.imports.has(name))

  #existing(now: number) {
    return this.#stacks.filter((stack) => stack.statusAt(now) !== "DELETE_COMPLETE")
  }

  /** A change set by its id, or by its name and stack. */
  findChangeSet({ changeSet, stack }: Pick<ChangeSetQuery, "changeSet" | "stack">, now: number) {
    const stacks = stack === undefined ? this.#stacks : [this.find(stack, now)].filter((found) => found !== undefined)
    for (const found of stacks) {
      const match = found.changeSets.find(({ id, name }) => id === changeSet || name === changeSet)
      if (match !== undefined) return { stack: found, changeSet: match }
    }
    return undefined
  }

  /** A nested change set by its id, and the change set from which it was created. */
  findNestedChangeSet(id: string) {
    for (const root of this.#stacks.flatMap(({ changeSets }) => changeSets)) {
      const nested = nestedWithin(root.nested).find((changeSet) => changeSet.id === id)
      if (nested !== undefined) return { root, nested }
    }
    return undefined
  }

  /** Whether a stack of this name was ever given the token. CloudFormation remembers tokens of deleted stacks too. */
  hasUsedToken(name: string, token: string): boolean {
    return this.#stacks.some((stack) => stack.name === name && stack.tokens.has(token))
  }

  /** Failures of an operation in all stacks, including nested ones. */
  failedEventsAt(operationId: string, now: number) {
    return this.#stacks.flatMap((stack) => stack.failedEventsAt(operationId, now))
  }

  /** The template at a URL, or why CloudFormation refuses it. */
  readTemplate(url: string): Result.Result<MemoryTemplate, string> {
    const text = this.#templateAt(url)
    if (text === undefined) return Result.succeed(unknownTemplate(url))
    return Buffer.byteLength(text) > templateLimits.templateUrl ? Result.fail(tooLarge) : this.#read(text)
  }

  #read(text: string) {
    const known = this.#templates.get(text)
    if (known !== undefined) return known
    const template = read(text)
    this.#templates.set(text, template)
    return template
  }

  /** The template of a request. */
  templateOf(operation: string, template: Template): Effect.Effect<MemoryTemplate, AwsRejected> {
    const result = "templateUrl" in template
      ? this.readTemplate(template.templateUrl)
      : template.templateBody === ""
      ? Result.fail(emptyInCall)
      : Buffer.byteLength(template.templateBody) > templateLimits.templateBody
      ? Result.fail(tooLargeForCall)
      : this.#read(template.templateBody)
    return Effect.mapError(Effect.fromResult(result), (problem) => validationError(operation, problem))
  }

  /** The stack that a request makes. */
  resolve(
    operation: string,
    stack: MemoryStack,
    template: MemoryTemplate,
    settings: MemorySettings,
    now: number
  ): Effect.Effect<Resolved, AwsRejected> {
    return Effect.fromResult(resolve(template, stack.environment(settings, now))).pipe(
      Effect.mapError((problem) => validationError(operation, problem))
    )
  }

  noteUnchecked({ notChecked }: Resolved) {
    for (const what of notChecked) this.#notChecked.add(what)
  }

  noteUncheckedPart(what: string) {
    this.#notChecked.add(what)
  }

  /** What the operations so far did not check; none before the first operation. */
  get notChecked(): ReadonlyArray<string> {
    return this.operationTokens.length === 0 ? [] : [...this.#notChecked, ...neverChecked]
  }

  /** Throttles or denies the call if a test has asked for it, with the retries of the live layer; returns the time. */
  startCall(operation: string): Effect.Effect<number, AwsError> {
    return retryUnavailable(Effect.suspend((): Effect.Effect<number, AwsError> => {
      if (this.throttledCalls-- > 0) {
        return Effect.fail(new AwsUnavailable({ operation, code: "Throttling", detail: "Rate exceeded" }))
      }
      return this.denied.has(operation)
        ? Effect.fail(new AwsDenied({ operation, code: "AccessDenied", detail: `not authorized: ${operation}` }))
        : Effect.map(epochMillis, (now) => now - (this.lags.get(operation) ?? 0))
    }))
  }

  /** Starts an operation on a stack and returns the stack's id. */
  startOperation(
    stack: MemoryStack,
    request: Omit<MemoryOperation, "capabilities" | "disableRollback" | "resourceMillis"> & {
      readonly capabilities?: ReadonlyArray<string> | undefined
      readonly disableRollback?: boolean | undefined
    }
  ): string {
    const { capabilities = [], disableRollback = false } = request
    this.operationTokens.push(request.token)
    this.noteUnchecked(request.resolved)
    const { operation, settings } = request
    if ((operation === "update" || operation === "execute") && settings.stackPolicy !== undefined) {
      this.#notChecked.add("the stack policy")
    }
    stack.startOperation({ ...request, capabilities, disableRollback, resourceMillis: this.resourceMillis })
    return stack.id
  }
}

const tooLarge = `Template may not exceed ${templateLimits.templateUrl} bytes in size.`

const emptyInCall =
  "1 validation error detected: Value '' at 'templateBody' failed to satisfy constraint: Member must " +
  "have length greater than or equal to 1"

const tooLargeForCall =
  "1 validation error detected: Value at 'templateBody' failed to satisfy constraint: Member must " +
  `have length less than or equal to ${templateLimits.templateBody}`
