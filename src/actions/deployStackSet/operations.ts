// Makes the calls that create a stack set and start operations on it.
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { StackOptions } from "../../domain/stack/Stack.ts"
import type { StackParameter } from "../../domain/stack/StackParameters.ts"
import type { StackSet, StackSetKey, StackSetOptions } from "../../domain/stackSet/StackSet.ts"
import { adviceOn } from "../../domain/stackSet/StackSetFailure.ts"
import { createToken, operationId, type OwnOperation, Step } from "../../domain/stackSet/StackSetOperation.ts"
import type { Task } from "../../domain/stackSet/StackSetPlan.ts"
import { sentences } from "../../domain/text/sentences.ts"
import { optionalCall } from "../../runtime/optionalCall.ts"
import { StackSets } from "../../services/StackSets.ts"
import * as StackSettings from "../stackContent/settings.ts"
import * as StackTemplate from "../stackContent/template.ts"
import { check, permissionModelOf, preferencesOf, StackSetOptionsInvalid } from "./desired.ts"
import { hasTemplate, type TemplateParameters } from "./Parameters.ts"
import type { Invocation } from "./State.ts"

/** CloudFormation rejected the stack set or the operation. */
export class StackSetRejected extends Schema.TaggedError<StackSetRejected>()("StackSetRejected", {
  what: Schema.Union([Step, Schema.Literals(["new set", "set"])]),
  stackSet: Schema.String,
  /** CloudFormation's own words. */
  reason: Schema.String
}) {
  get problem() {
    return `Error ${participles[this.what]} CloudFormation stack set "${this.stackSet}": ${this.reason}`
  }
  get advice() {
    return adviceOn(this.reason)
  }
  override get message() {
    return sentences(this.problem, this.advice)
  }
}

const participles = {
  "new set": "creating",
  set: "deleting",
  update: "updating",
  create: "creating instances of",
  override: "updating instances of",
  delete: "deleting instances of",
  drift: "detecting the drift of"
} satisfies Record<Step | "new set" | "set", string>

export const rejectedAs = (what: StackSetRejected["what"], { parameters: { stackSet } }: Invocation) => ({
  AwsRejected: ({ detail }: { readonly detail: string }) =>
    Effect.fail(new StackSetRejected({ what, stackSet, reason: detail }))
})

/** The modes that need a template have one. */
const templateParameters = ({ parameters }: Invocation): Effect.Effect<TemplateParameters> =>
  hasTemplate(parameters) ? Effect.succeed(parameters) : Effect.die("a mode without a template")

/** The template and the settings, checked against the permission model of the stack set to be. */
const contentOf = Effect.fnUntraced(function*(invocation: Invocation, set: Option.Option<StackSet>) {
  const { job } = invocation
  const parameters = yield* templateParameters(invocation)
  const { settings, template: text } = yield* Effect.all({
    template: StackTemplate.read(job, parameters),
    settings: StackSettings.read(job, parameters)
  }, { concurrency: 2 })
  const template = yield* StackTemplate.toTemplateInput(text, parameters)
  if (settings.options.stackPolicy !== undefined) {
    yield* Effect.logWarning("A stack set has no stack policy: that of the template configuration is ignored")
  }
  const model = permissionModelOf(parameters, set)
  if (model === "SERVICE_MANAGED") {
    const { templateSummary } = yield* StackSets
    const summary = yield* optionalCall(
      templateSummary(template),
      "It is not checked before the start whether the template has macros."
    )
    yield* check(invocation, model, Option.match(summary, { onNone: () => [], onSome: (known) => known.capabilities }))
  }
  return { model, settings, template, parameters }
})

/** Calls with the template and all settings. Parameters without a value here keep that of the stack set. */
const callWithContent = Effect.fnUntraced(function*<A, E, R>(
  invocation: Invocation,
  set: Option.Option<StackSet>,
  call: (
    options: StackSetOptions & Effect.Success<ReturnType<typeof contentOf>>["template"]
  ) => Effect.Effect<A, E, R>
) {
  const { templateSummary } = yield* StackSets
  const content = yield* contentOf(invocation, set)
  const { model, parameters, template } = content
  const { administrationRoleArn, description, executionRoleName, managedExecution, permissionModel, stackSet } =
    parameters
  const isNew = Option.isNone(set)
  // CloudFormation has no default for a new stack set of an organization.
  const defaultDeployment = isNew && model === "SERVICE_MANAGED" ? { enabled: false } : undefined
  const target = { stack: stackSet, existing: set, replaced: Option.none() }
  const callWithValues = ({ capabilities, parameters: values, tags }: StackOptions) =>
    call({
      ...template,
      parameters: values,
      capabilities,
      tags,
      description,
      permissionModel: isNew ? model : permissionModel,
      administrationRoleArn,
      executionRoleName,
      autoDeployment: parameters.autoDeployment ?? defaultDeployment,
      managedExecution
    })
  return yield* StackSettings.callWithSettings(target, content, templateSummary, callWithValues).pipe(
    Effect.catchIf(isCapabilitiesMissing, ({ advice, reason }) => {
      const problem = `CloudFormation does not accept the template of stack set "${stackSet}" as it is. ${reason}`
      return Effect.fail(new StackSetOptionsInvalid({ problems: [sentences(problem, advice)] }))
    })
  )
})

const isCapabilitiesMissing = (error: unknown): error is StackSettings.CapabilitiesMissing =>
  error instanceof StackSettings.CapabilitiesMissing

/** Creates the stack set and returns its id. */
export const createSet = Effect.fn("DeployStackSet.createSet")(function*(invocation: Invocation, key: StackSetKey) {
  const stackSets = yield* StackSets
  const clientRequestToken = createToken(invocation.execution)
  return yield* callWithContent(
    invocation,
    Option.none(),
    (options) => stackSets.create({ ...options, ...key, clientRequestToken })
  ).pipe(Effect.catchTags(rejectedAs("new set", invocation)))
})

const toParameters = (overrides: Task["overrides"]): ReadonlyArray<StackParameter> | undefined =>
  overrides && Array.from(overrides, ([name, value]) => ({ name, value }))

/** Starts the operation and returns its id. */
export const begin = Effect.fn("DeployStackSet.begin")(function*(
  invocation: Invocation,
  key: StackSetKey,
  set: Option.Option<StackSet>,
  operation: OwnOperation,
  { overrides, target }: Task
) {
  const stackSets = yield* StackSets
  const { execution, parameters } = invocation
  const request = {
    ...key,
    operationId: operationId(execution, operation),
    preferences: preferencesOf(parameters)
  }
  const rejected = rejectedAs(operation.step, invocation)
  if (operation.step === "drift") return yield* stackSets.detectDrift(request).pipe(Effect.catchTags(rejected))
  if (target === undefined) {
    return yield* callWithContent(
      invocation,
      set,
      (options) => stackSets.update({ ...options, ...request })
    ).pipe(Effect.catchTags(rejected))
  }
  if (operation.step === "delete") {
    const { retainStacks = false } = parameters
    return yield* stackSets.deleteInstances({ ...request, target, retainStacks }).pipe(Effect.catchTags(rejected))
  }
  const call = operation.step === "create" ? stackSets.createInstances : stackSets.updateInstances
  return yield* call({ ...request, target, overrides: toParameters(overrides) }).pipe(Effect.catchTags(rejected))
})
