// The nested stacks of a stack, and the failures of the resources in its operations.
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as StackCapability from "../../domain/stack/StackCapability.ts"
import { type Evaluated, evaluatedText } from "./evaluation/Scope.ts"
import type { MemoryOperation, Surroundings } from "./MemoryOperation.ts"
import { hiddenParametersOf, noSettings } from "./MemorySettings.ts"
import type { MemoryStack } from "./MemoryStack.ts"
import type { NestedTarget } from "./nestedChangeSets.ts"
import type { Step, StepFailure } from "./resourceEvents.ts"
import { capabilitiesOf } from "./template/capabilities.ts"
import { existingKeyOf, isNestedStack } from "./template/changes.ts"
import { noTemplate } from "./template/MemoryTemplate.ts"
import { parameterValues } from "./template/parameters.ts"
import { nothingResolved, resolve, type Resolved } from "./template/resolve.ts"

type Properties = Readonly<Record<string, Evaluated>>

/** More than anybody nests on purpose. */
const maxDepth = 15

export class NestedStacks {
  readonly #parent: string
  readonly #surroundings: Surroundings
  readonly #stacks = new Map<string, MemoryStack>()

  constructor(parent: string, surroundings: Surroundings) {
    this.#parent = parent
    this.#surroundings = surroundings
  }

  /** A nested stack by its logical id. */
  find(id: string) {
    return this.#stacks.get(id)
  }

  /** An output of a nested stack once its operation has ended. */
  outputOf(id: string, output: string): string | undefined {
    const outputs = this.#stacks.get(id)?.describeAt(Infinity).outputs ?? {}
    return Object.hasOwn(outputs, output) ? outputs[output] : undefined
  }

  /**
   * Runs the operations on nested stacks among the steps, and returns the first step that fails: on its own, by a hook, or
   * in its nested stack. `evaluate` gives the properties with the outputs of the nested stacks before.
   */
  run(
    steps: ReadonlyArray<Step>,
    request: MemoryOperation,
    evaluate?: (now: number) => Result.Result<Resolved, string>
  ): StepFailure | undefined {
    const { hooks, resources } = this.#surroundings.failures
    for (const [index, { resource, verb }] of steps.entries()) {
      const { id, properties } = resource
      const hook = verb === "DELETE" ? undefined : hooks.get(id)
      const key = verb === "CREATE" ? existingKeyOf(resource) : undefined
      const taken = key !== undefined && this.#surroundings.existing.has(key)
        ? `Resource of type '${resource.type}' with identifier '${key.split(" ")[1]}' already exists.`
        : undefined
      const injected = resources.get(id) ?? taken ?? (hook && `The following hook(s) failed: [${hook.type}]`)
      if (injected !== undefined) return { index, reason: injected }
      if (!isNestedStack(resource)) continue
      const now = request.now + request.resourceMillis * index
      const reason = verb === "DELETE"
        ? this.#delete(id, { ...request, now })
        : this.#start(id, this.#current(id, properties, evaluate?.(now)), { ...request, now })
      if (reason !== undefined) return { index, reason }
    }
    return undefined
  }

  #current(id: string, properties: Properties, evaluated: Result.Result<Resolved, string> | undefined) {
    return evaluated === undefined || Result.isFailure(evaluated)
      ? properties
      : evaluated.success.resources.find((resource) => resource.id === id)?.properties ?? properties
  }

  /** What an operation makes of a nested stack, or why it fails. */
  target(
    id: string,
    properties: Properties,
    { capabilities, depth = 0, now }: Pick<MemoryOperation, "capabilities" | "depth" | "now">,
    newStack: (name: string, now: number) => MemoryStack = (name, now) => this.#surroundings.draft(name, now)
  ): Result.Result<NestedTarget, string> {
    const { TemplateURL: url } = properties
    if (depth + 1 > maxDepth) {
      return Result.fail(`The stacks are nested more than ${maxDepth} deep: ${evaluatedText(url)} may nest itself`)
    }
    const existing = this.#stacks.get(id)
    const read = this.#surroundings.readTemplate(evaluatedText(url) ?? "")
    if (Result.isFailure(read)) return Result.fail(read.failure)
    const template = read.success
    const required = StackCapability.missing(capabilities, capabilitiesOf(template.tree).required)
    if (required.length > 0) return Result.fail(`Requires capabilities : [${required.join(", ")}]`)
    const parameters = template.isKnown ? valuesOf(properties) : []
    if (Predicate.isString(parameters)) return Result.fail(parameters)
    const values = parameterValues(template.parameters, parameters, new Map())
    if (Result.isFailure(values)) {
      return Result.fail(
        values.failure._tag === "InvalidParameters"
          ? values.failure.detail
          : `Parameters: [${values.failure.names.join(", ")}] do not exist in the template`
      )
    }
    const settings = {
      ...(existing?.settings ?? noSettings),
      parameters: values.success,
      noEcho: hiddenParametersOf(template)
    }
    const stack = existing ?? newStack(`${this.#parent}-${id}`, now)
    return Result.map(
      resolve(template, stack.environment(settings, now)),
      (resolved) => ({ stack, template, settings, resolved })
    )
  }

  /** A nested stack takes the time of one resource of its parent. */
  #start(id: string, properties: Properties, request: MemoryOperation): string | undefined {
    const existing = this.#stacks.get(id)
    const target = this.target(id, properties, request, (name, now) => {
      const added = this.#surroundings.addStack(name, now)
      this.#stacks.set(id, added)
      return added
    })
    if (Result.isFailure(target)) return target.failure
    const { resolved, settings, stack, template } = target.success
    this.#surroundings.noteUnchecked(resolved)
    if (stack.resolved.fingerprint === resolved.fingerprint && existing !== undefined) return undefined
    const operation = existing === undefined ? "create" : "update"
    const resourceMillis = Math.floor(request.resourceMillis / Math.max(1, resolved.resources.length))
    const reason = stack.startOperation({
      ...request,
      depth: (request.depth ?? 0) + 1,
      operation,
      template,
      settings,
      resolved,
      resourceMillis
    })
    return reason && `Embedded stack ${stack.id} was not successfully ${operation}d: ${reason}`
  }

  #delete(id: string, request: MemoryOperation): string | undefined {
    const stack = this.#stacks.get(id)
    if (stack === undefined) return undefined
    const { resources } = stack.resolved
    const resourceMillis = Math.floor(request.resourceMillis / Math.max(1, resources.length))
    const reason = stack.startOperation({
      ...request,
      operation: "delete",
      template: noTemplate,
      resolved: nothingResolved,
      settings: stack.settings,
      resourceMillis
    })
    if (reason === undefined) this.#stacks.delete(id)
    return reason && `Embedded stack ${stack.id} was not successfully deleted: ${reason}`
  }
}

/** The parameters of a nested stack, or CloudFormation's message. */
const valuesOf = ({ Parameters = {} }: Properties) => {
  const entries = Object.entries(Parameters as Properties).map(([name, value]) => ({
    name,
    value: evaluatedText(value)
  }))
  return entries.some(({ value }) => value === undefined)
    ? "Value of property Parameters must be an object"
    : entries.map(({ name, value = "" }) => ({ name, value }))
}
