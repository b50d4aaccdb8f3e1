// What the user wants, read out of UserParameters and the files that they name, and refused if it cannot be.
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { Job } from "../../domain/job/Job.ts"
import * as StackParameters from "../../domain/stack/StackParameters.ts"
import * as Accounts from "../../domain/stackSet/Accounts.ts"
import * as Overrides from "../../domain/stackSet/Overrides.ts"
import type { PermissionModel, StackSet } from "../../domain/stackSet/StackSet.ts"
import type { Desired } from "../../domain/stackSet/StackSetPlan.ts"
import type { Preferences } from "../../domain/stackSet/StackSetPreferences.ts"
import { ArtifactStore } from "../../services/ArtifactStore.ts"
import type { DeployStackSetParameters } from "./Parameters.ts"
import type { Invocation } from "./State.ts"

/** Options that do not fit together, or not to the stack set. */
export class StackSetOptionsInvalid extends Schema.TaggedError<StackSetOptionsInvalid>()("StackSetOptionsInvalid", {
  problems: Schema.Array(Schema.String)
}) {
  override get message() {
    return this.problems.join("; ")
  }
}

/** The file of accounts or of overrides is invalid. */
export class TargetFileInvalid extends Schema.TaggedError<TargetFileInvalid>()("TargetFileInvalid", {
  /** The option that names the file. */
  option: Schema.Literals(["accounts", "overrides"]),
  artifact: Schema.String,
  file: Schema.String,
  problems: Schema.Array(Schema.String)
}) {
  override get message() {
    return `The file "${this.file}" in artifact "${this.artifact}" ("${this.option}" in UserParameters) cannot be used: ` +
      this.problems.join("; ")
  }
}

/** The permission model of the stack set to be: of a new one, or of the present one. */
export const permissionModelOf = (
  { organizationalUnits, permissionModel }: DeployStackSetParameters,
  set: Option.Option<StackSet>
): PermissionModel =>
  Option.match(set, {
    onNone: () => permissionModel ?? (organizationalUnits === undefined ? "SELF_MANAGED" : "SERVICE_MANAGED"),
    onSome: (set) => permissionModel ?? set.permissionModel
  })

const given = (value: unknown) => value !== undefined

/** What is wrong with the options together, whatever the stack set is. */
const conflicts = (parameters: DeployStackSetParameters): ReadonlyArray<string> => {
  const { accountFilter, accounts, mode, organizationalUnits: units, prune, regionOrder, regions } = parameters
  const isDeployed = mode === "CREATE_UPDATE"
  return [
    ...(accountFilter !== undefined && (units === undefined || accounts === undefined)
      ? ["\"accountFilter\" needs \"organizationalUnits\" and \"accounts\""]
      : []),
    ...(units !== undefined && accounts !== undefined && accountFilter === undefined
      ? ["\"accounts\" beside \"organizationalUnits\" need an \"accountFilter\": INTERSECTION, DIFFERENCE or UNION"]
      : []),
    ...(isDeployed && accountFilter === "UNION"
      ? [
        "CloudFormation creates no instances with \"accountFilter\": \"UNION\": use the units of all accounts with " +
        "\"INTERSECTION\", or two actions"
      ]
      : []),
    ...(isDeployed && (given(units) || given(accounts)) && regions === undefined
      ? ["\"regions\" are missing: name the regions of the instances"]
      : []),
    ...(isDeployed && given(regions) && units === undefined && accounts === undefined
      ? ["\"regions\" need \"accounts\" or \"organizationalUnits\""]
      : []),
    ...(isDeployed && prune === true && units === undefined && accounts === undefined
      ? [
        "\"prune\" needs \"accounts\" or \"organizationalUnits\": without them it would delete every instance. Mode DELETE_INSTANCES does that"
      ]
      : []),
    ...(regionOrder !== undefined && regions?.some((region) => !regionOrder.includes(region)) === true
      ? ["\"regionOrder\" does not have all \"regions\""]
      : [])
  ]
}

/** What is wrong with the options for a stack set with this permission model. */
const modelConflicts = (
  parameters: DeployStackSetParameters,
  model: PermissionModel,
  required: ReadonlyArray<string>
): ReadonlyArray<string> => {
  const { accounts, administrationRoleArn, autoDeployment, callAs, capabilities = [], executionRoleName } = parameters
  const { organizationalUnits } = parameters
  const notWith = (options: Readonly<Record<string, unknown>>) =>
    Object.entries(options).flatMap(([name, value]) =>
      value === undefined ? [] : [`"${name}" does not apply to a stack set with ${model}`]
    )
  if (model === "SELF_MANAGED") {
    return notWith({
      organizationalUnits,
      autoDeployment,
      callAs: callAs === "DELEGATED_ADMIN" ? callAs : undefined
    })
  }
  const isMacro = [...capabilities, ...required].includes("CAPABILITY_AUTO_EXPAND")
  return [
    ...notWith({ administrationRoleArn, executionRoleName }),
    ...(accounts !== undefined && organizationalUnits === undefined
      ? [
        "a stack set with SERVICE_MANAGED has accounts of organizational units: name them in \"organizationalUnits\" (the " +
        "root for all), with \"accountFilter\": \"INTERSECTION\""
      ]
      : []),
    ...(isMacro
      ? [
        "a stack set with SERVICE_MANAGED takes no macros: use a template without transforms, and no " +
        "CAPABILITY_AUTO_EXPAND, or SELF_MANAGED"
      ]
      : [])
  ]
}

/** Refuses what CloudFormation would refuse, before anything is started. `required`: the template's capabilities. */
export const check = (
  { job, parameters }: Invocation,
  model: PermissionModel,
  required: ReadonlyArray<string> = []
): Effect.Effect<void, StackSetOptionsInvalid> => {
  const problems = [
    ...conflicts(parameters),
    ...modelConflicts(parameters, model, required),
    ...(parameters.resultFile !== undefined && job.outputArtifacts.length === 0
      ? ["\"resultFile\" needs an output artifact: declare one in the pipeline"]
      : [])
  ]
  return problems.length === 0 ? Effect.void : Effect.fail(new StackSetOptionsInvalid({ problems }))
}

const placeOf = (place: string) => {
  const [artifact = "", ...path] = place.split("::")
  return { artifact, file: path.join("::") }
}

const readFile = Effect.fnUntraced(function*<A>(
  job: Job,
  option: TargetFileInvalid["option"],
  place: string,
  decode: (file: Uint8Array) => Result.Result<A, ReadonlyArray<string>>
) {
  const store = yield* ArtifactStore
  const where = placeOf(place)
  const bytes = yield* store.read(job, where)
  return yield* Effect.fromResult(decode(bytes)).pipe(
    Effect.mapError((problems) => new TargetFileInvalid({ option, ...where, problems }))
  )
})

const readAccounts = (job: Job, accounts: DeployStackSetParameters["accounts"]) =>
  Predicate.isString(accounts)
    ? readFile(job, "accounts", accounts, (file) => Result.mapError(Accounts.decode(file), (problem) => [problem]))
    : Effect.succeed(accounts && [...new Set(accounts)])

/** Reads the files that the targets name. */
export const read = Effect.fn("DeployStackSet.readTargets")(function*(job: Job, parameters: DeployStackSetParameters) {
  const { accountFilter, mode, organizationalUnits, overrides, prune = false, regions } = parameters
  const accounts = yield* readAccounts(job, parameters.accounts)
  const entries = overrides === undefined
    ? Option.none()
    : Option.some(yield* readFile(job, "overrides", overrides, Overrides.decode))
  const names = Option.match(entries, {
    onNone: () => [],
    onSome: (entries) => entries.flatMap(({ parameters }) => Object.keys(parameters))
  })
  yield* Effect.fromResult(StackParameters.withinCount(new Map(names.map((name) => [name, ""])))).pipe(
    Effect.mapError((problems) => new StackSetOptionsInvalid({ problems }))
  )
  // Of the modes that deploy, no target means none; of those that delete, all.
  const isUntargeted = mode === "CREATE_UPDATE" && accounts === undefined && organizationalUnits === undefined
  return {
    mode,
    prune,
    targets: {
      accounts: isUntargeted ? [] : accounts,
      organizationalUnits,
      accountFilter,
      regions: isUntargeted ? [] : regions && [...new Set(regions)]
    },
    overridesOf: Option.map(entries, Overrides.overridesOf)
  } satisfies Desired
})

export const preferencesOf = (
  { concurrencyMode, failureTolerance, maxConcurrent, regionConcurrency, regionOrder }: DeployStackSetParameters
): Preferences => ({ concurrencyMode, failureTolerance, maxConcurrent, regionConcurrency, regionOrder })
