// The state of the in-memory CloudFormation: its stacks, and the failures that a test has set up.
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { AwsDenied, type AwsError, AwsUnavailable } from "../../domain/job/AwsError.ts"
import type { ChangeSetKey } from "../../domain/stack/Stack.ts"
import type { Template } from "../../domain/stack/Template.ts"
import { retryUnavailable } from "../../runtime/AwsClient.ts"
import type { InjectedFailures, MemoryOperation } from "./MemoryOperation.ts"
import { MemoryStack } from "./MemoryStack.ts"

/** CloudFormation's times are whole milliseconds; those of Effect's `Clock` may have fractions. */
export const epochMillis = Effect.map(Clock.currentTimeMillis, Math.floor)

export class MemoryCloud {
  readonly operationTokens: Array<string> = []
  readonly denied = new Set<string>()
  readonly failures: InjectedFailures = { resources: new Map(), hooks: new Map(), validations: new Map() }
  /** The number of calls that are still to be throttled. */
  throttledCalls = 0
  readonly resourceMillis: number
  readonly #templates: Readonly<Record<string, string>>
  readonly #stacks: Array<MemoryStack> = []

  /** The duration of a resource in milliseconds, and templates by URL. */
  constructor(resourceMillis: number, templates: Readonly<Record<string, string>>) {
    this.resourceMillis = Math.floor(resourceMillis)
    this.#templates = templates
  }

  /** Finds a stack by its id; by its name only if it is not deleted. */
  find(stack: string, now: number): MemoryStack | undefined {
    return this.#stacks.find(({ id }) => id === stack) ??
      this.#stacks.find((found) => found.name === stack && found.statusAt(now) !== "DELETE_COMPLETE")
  }

  add(name: string, now: number): MemoryStack {
    const stack = new MemoryStack(name, this.#stacks.length, now)
    this.#stacks.push(stack)
    return stack
  }

  findChangeSet({ changeSet, stack }: ChangeSetKey, now: number) {
    const found = this.find(stack, now)
    const match = found?.changeSets.find(({ id, name }) => id === changeSet || name === changeSet)
    return found === undefined || match === undefined ? undefined : { stack: found, changeSet: match }
  }

  /** Whether a stack of this name was ever given the token. CloudFormation remembers tokens of deleted stacks too. */
  hasUsedToken(name: string, token: string): boolean {
    return this.#stacks.some((stack) => stack.name === name && stack.tokens.has(token))
  }

  /** Failures of an operation in all stacks, including nested ones. */
  failedEventsAt(operationId: string, now: number) {
    return this.#stacks.flatMap((stack) => stack.failedEventsAt(operationId, now))
  }

  /** The text of a template. A URL without a known template stands for itself: another URL is another template. */
  templateText(template: Template): string {
    return "templateBody" in template
      ? template.templateBody
      : this.#templates[template.templateUrl] ?? template.templateUrl
  }

  /** Throttles or denies the call if a test has asked for it, with the retries of the live layer; returns the time. */
  startCall(operation: string): Effect.Effect<number, AwsError> {
    return retryUnavailable(Effect.suspend((): Effect.Effect<number, AwsError> => {
      if (this.throttledCalls-- > 0) {
        return Effect.fail(new AwsUnavailable({ operation, code: "Throttling", detail: "Rate exceeded" }))
      }
      return this.denied.has(operation)
        ? Effect.fail(new AwsDenied({ operation, code: "AccessDenied", detail: `not authorized: ${operation}` }))
        : epochMillis
    }))
  }

  /** Starts an operation on a stack and returns the stack's id. */
  startOperation(
    stack: MemoryStack,
    request: Pick<MemoryOperation, "operation" | "token" | "template" | "settings" | "now"> & {
      readonly disableRollback?: boolean | undefined
    }
  ): string {
    const { disableRollback = false, now, token } = request
    this.operationTokens.push(token)
    stack.startOperation({
      ...request,
      disableRollback,
      failures: this.failures,
      templates: this.#templates,
      addNestedStack: (name) => this.add(name, now),
      resourceMillis: this.resourceMillis
    })
    return stack.id
  }
}
