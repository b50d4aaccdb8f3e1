// The plan of a change set: what it changes, in nested stacks too, as output variables and as files.
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { Files } from "../../../domain/job/ArtifactFiles.ts"
import type { AwsError } from "../../../domain/job/AwsError.ts"
import { type ChangeSet, Readiness, readiness } from "../../../domain/stack/ChangeSet.ts"
import * as ChangePlan from "../../../domain/stack/plan/ChangePlan.ts"
import { planFileNames, type PlanToWrite, toJson, toMarkdown } from "../../../domain/stack/plan/planFiles.ts"
import { type Loss, lossesOf } from "../../../domain/stack/plan/StatefulResources.ts"
import { firstOf, maxListed } from "../../../domain/text/lists.ts"
import { sentences } from "../../../domain/text/sentences.ts"
import { optionalCall, withTimeLimit } from "../../../runtime/optionalCall.ts"
import { KnownSecrets, Secrets } from "../../../runtime/Secrets.ts"
import { CloudFormation } from "../../../services/CloudFormation.ts"
import * as StackSettings from "../../stackContent/settings.ts"
import { hasTemplate } from "../Parameters.ts"
import { type Invocation, namesOf } from "../State.ts"

/** The change set would replace or remove stateful resources, which UserParameters do not allow. */
export class ReplacementRefused extends Schema.TaggedError<ReplacementRefused>()("ReplacementRefused", {
  stack: Schema.String,
  changeSet: Schema.String,
  /** What it would do, to which resources. */
  losses: Schema.Array(Schema.Struct({ logicalResourceId: Schema.String, text: Schema.String })),
  /** The resources that UserParameters allow already. */
  allowed: Schema.Array(Schema.String)
}) {
  get problem() {
    return `Change set "${this.changeSet}" of stack "${this.stack}" is not executed. It would ` +
      firstOf(this.losses, ({ text }) => text).join(", ")
  }
  get advice() {
    const ids = [...this.allowed, ...this.losses.map(({ logicalResourceId }) => logicalResourceId)]
    return ids.length > maxListed
      ? "If that is intended, add the logical ids to \"expectNoReplacement\" in UserParameters"
      : `If that is intended, allow it with "expectNoReplacement": ${JSON.stringify(ids)} in UserParameters`
  }
  override get message() {
    return sentences(this.problem, this.advice)
  }
}

/** A plan, and the names of the parameters whose values CloudFormation hides. */
export interface ReadPlan extends ChangePlan.ChangePlan {
  readonly hiddenParameters: ReadonlyArray<string>
}

/** Maximum number of nested change sets to read. The changes of any others are not known. */
const maxNestedChangeSets = 100

/** Milliseconds for the nested change sets, if they are optional. */
const timeLimit = 20_000

/**
 * The changes of the change set and of its nested change sets. If `isRequired`, fails if one cannot be read; otherwise its
 * changes are unknown.
 */
export const read = Effect.fn("Plan.read")(function*(
  root: ChangeSet,
  { isRequired = false, withValues = false }: { readonly isRequired?: boolean; readonly withValues?: boolean } = {}
): Effect.fn.Return<ReadPlan, AwsError, CloudFormation> {
  const { describeChangeSet } = yield* CloudFormation
  const changes: Array<ReadPlan["changes"][number]> = []
  const unknown: Array<string> = []
  const hidden = new Set<string>()
  const described = new Set<string>()
  const describe = (changeSet: string | undefined): Effect.Effect<Option.Option<ChangeSet>, AwsError> => {
    if (changeSet === undefined || described.has(changeSet) || described.size === maxNestedChangeSets) {
      return Effect.succeedNone
    }
    described.add(changeSet)
    const call = describeChangeSet({ changeSet, withValues })
    return isRequired ? call : Effect.map(optionalCall(call, withoutNested), Option.flatten)
  }
  const follow = (path: string, found: ChangeSet): Effect.Effect<void, AwsError> => {
    for (const name of found.hiddenParameters ?? []) hidden.add(name)
    return Effect.forEach(found.changes, (change) => {
      const placed = ChangePlan.within(path, change)
      if (change.resourceType !== ChangePlan.nestedStackType || ChangePlan.isRemovedWhole(change)) {
        return Effect.sync(() => void changes.push(placed))
      }
      return Effect.flatMap(
        describe(change.nestedChangeSet),
        Option.match({
          onNone: () =>
            Effect.sync(() => {
              changes.push(placed)
              unknown.push(placed.logicalResourceId)
            }),
          onSome: (nested) => {
            if (!ChangePlan.isUntouched(change, nested)) changes.push(placed)
            return follow(placed.logicalResourceId, nested)
          }
        })
      )
    }, { discard: true })
  }
  yield* isRequired ? follow("", root) : withTimeLimit(timeLimit)(follow("", root))
  return { changes, unknown, hiddenParameters: [...hidden] }
})

const withoutNested = "The plan does not have the changes of a nested stack."

/** Whether UserParameters forbid to replace stateful resources. */
export const isGuarded = ({ expectNoReplacement = false }: Invocation["parameters"]): boolean =>
  expectNoReplacement !== false

/** Fails if the plan replaces or removes stateful resources that UserParameters do not allow. */
export const check = (invocation: Invocation, plan: ReadPlan): Effect.Effect<void, ReplacementRefused> => {
  const { parameters } = invocation
  if (!isGuarded(parameters)) return Effect.void
  const allowed = Array.isArray(parameters.expectNoReplacement) ? parameters.expectNoReplacement : []
  const losses: ReadonlyArray<Loss> = lossesOf(plan, allowed)
  return losses.length === 0
    ? Effect.void
    : Effect.fail(new ReplacementRefused({ ...namesOf(invocation), losses, allowed }))
}

/** What is known of a change set when the action ends. */
export interface KnownPlan {
  readonly stackId: string
  readonly changeSetId?: string
  readonly hasChanges: boolean
  readonly counts: ChangePlan.ChangeCounts | undefined
  /** None if it cannot be described any more. */
  readonly plan: Option.Option<ReadPlan>
}

/** Whether the plan becomes files of an output artifact. */
export const isWritten = ({ job }: Invocation): boolean => job.outputArtifacts.length > 0

/** A change set that is or was there to be described. */
export const knownPlan = ({ id, stackId }: ChangeSet, plan: ReadPlan, hasChanges = true): KnownPlan => ({
  stackId,
  changeSetId: id,
  hasChanges,
  counts: ChangePlan.countsOf(plan.changes),
  plan: Option.some(plan)
})

export const emptyPlan = (stackId: string): KnownPlan => ({
  stackId,
  hasChanges: false,
  counts: ChangePlan.noChanges,
  plan: Option.some({ changes: [], unknown: [], hiddenParameters: [] })
})

/**
 * The plan of the change set that the action has executed. It is described again only for files, or if its counts are not
 * known: an earlier delivery of the event executed it.
 */
export const executedPlan = Effect.fn("Plan.executed")(function*(
  invocation: Invocation,
  stackId: string,
  counts: ChangePlan.ChangeCounts | undefined
): Effect.fn.Return<KnownPlan, never, CloudFormation> {
  const unread: KnownPlan = { stackId, hasChanges: true, counts, plan: Option.none() }
  const withValues = isWritten(invocation)
  if (counts !== undefined && !withValues) return unread
  const { describeChangeSet } = yield* CloudFormation
  const { key } = namesOf(invocation)
  const described = Effect.gen(function*() {
    const found = yield* describeChangeSet({ stack: stackId, changeSet: key, withValues })
    // Another change set can have the name by now.
    const executed = Option.filter(found, (found) => Readiness.$is("Executed")(readiness(found)))
    if (Option.isNone(executed)) return unread
    return knownPlan(executed.value, yield* read(executed.value, { withValues }))
  })
  return Option.getOrElse(yield* optionalCall(described, "The plan has no changes."), () => unread)
})

/** The output variables that every mode with change sets has. */
export const variablesOf = (invocation: Invocation, { counts, hasChanges, stackId }: KnownPlan) => ({
  ...ChangePlan.variables(counts, hasChanges),
  ChangeSetName: namesOf(invocation).changeSet,
  StackId: stackId
})

/** The files of the plan, without secrets. */
export const filesOf = Effect.fn("Plan.files")(function*(invocation: Invocation, known: KnownPlan) {
  const { changeSet, stack } = namesOf(invocation)
  const { redact } = yield* Secrets
  const { changes, hiddenParameters, unknown } = Option.getOrElse(known.plan, () => emptyRead)
  const secrets = yield* secretsOf(invocation, hiddenParameters)
  const notes = [
    ...(Option.isNone(known.plan) ? [notDescribed] : []),
    ...(unknown.length > 0
      ? [`The changes within these nested stacks are not known: ${firstOf(unknown, (id) => id).join(", ")}.`]
      : [])
  ]
  const plan: PlanToWrite = {
    stack,
    changeSet,
    stackId: known.stackId,
    changeSetId: known.changeSetId,
    hasChanges: known.hasChanges,
    counts: known.counts,
    changes: ChangePlan.withoutSecrets(changes, secrets, hiddenParameters),
    notes
  }
  const [json, markdown] = planFileNames
  const files: Files = { [json]: redact(toJson(plan)), [markdown]: redact(toMarkdown(plan)) }
  return files
})

const emptyRead: ReadPlan = { changes: [], unknown: [], hiddenParameters: [] }

const notDescribed = "CloudFormation does not describe the change set any more: its changes are not listed."

/** The values to hide: those that UserParameters and the configuration file have for hidden parameters. */
export const secretsOf = Effect.fnUntraced(
  function*({ job, parameters }: Invocation, hiddenParameters: ReadonlyArray<string>) {
    const { redact } = yield* Secrets
    if (hiddenParameters.length === 0 || !hasTemplate(parameters)) return { values: [], areUnknown: false, redact }
    const settings = yield* Effect.option(
      Effect.tapError(
        StackSettings.read(job, parameters),
        (error) => Effect.logWarning(`The values of properties are not shown. ${error.message}`)
      )
    )
    const values = Option.match(settings, {
      onNone: () => [],
      onSome: ({ values }) => hiddenParameters.flatMap((name) => values.get(name) ?? [])
    })
    const known = new KnownSecrets()
    known.add(values)
    return { values, areUnknown: Option.isNone(settings), redact: (text: string) => redact(known.redact(text)) }
  }
)
