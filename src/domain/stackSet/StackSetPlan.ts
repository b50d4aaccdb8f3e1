// The transition system of DeployStackSet: which operation comes next, given what is there, what is wanted, and which
// operations of the action were done. It does not know how a stack set is described or changed.
import * as Data from "effect/Data"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { overrideGroups, type OverridesOf } from "./Overrides.ts"
import {
  groupsOf,
  isNamedBy,
  missing,
  type StackInstance,
  type Target,
  type Targets,
  unitTargets
} from "./StackInstances.ts"
import { type OperationPhase, type OwnOperation, phaseOf, type Step } from "./StackSetOperation.ts"

/** What the action does with the stack set. */
export const Mode = Schema.Literals(["CREATE_UPDATE", "DELETE_INSTANCES", "DELETE", "DETECT_DRIFT"])
export type Mode = typeof Mode.Type

/** What the user wants. */
export interface Desired {
  readonly mode: Mode
  readonly targets: Targets
  /** None if the user has no file of overrides. */
  readonly overridesOf: Option.Option<OverridesOf>
  /** Whether instances that the user does not name are deleted. */
  readonly prune: boolean
}

/** The work of one operation, besides its step. */
export interface Task {
  /** Absent for the stack set with all its instances. */
  readonly target?: Target | undefined
  readonly overrides?: ReadonlyMap<string, string> | undefined
  /** The number of instances, if known. */
  readonly size?: number | undefined
}

/**
 * The work that a step has. `first`: each operation changes what is there, so the first task is next. `nth`: what is there
 * does not show which tasks are done, so the number of the operation counts.
 */
export interface Work {
  readonly choose: "first" | "nth"
  readonly tasks: ReadonlyArray<Task>
}

const once: Work = { choose: "nth", tasks: [{}] }

/** What is known of the stack set. */
export interface Facts {
  readonly set: "Absent" | "Present"
  readonly instances: ReadonlyArray<StackInstance>
  /** Whether CloudFormation knows this operation of the action. It has to be read after the instances. */
  readonly isStarted: (operation: OwnOperation) => boolean
  /** Whether an operation of the action was to delete the instance that it changed last: then that is not tried again. */
  readonly isOwnDeletion: (operationId: string) => boolean
}

/** What a job does that watches no operation. */
export type Decision = Data.TaggedEnum<{
  CreateSet: {}
  /** Start an operation. */
  Begin: { readonly operation: OwnOperation; readonly task: Task }
  /** An earlier delivery of the event started this operation, or an earlier call whose answer was lost: watch it. */
  Adopt: { readonly operation: OwnOperation }
  /** Delete the stack set. It has no instances. */
  DeleteSet: {}
  /** What is there is what is wanted. */
  Done: {}
  /** The stack set does not exist, so it need not be deleted. */
  NothingToDelete: {}
  /** The stack set does not exist, or does not exist any more. */
  NotFound: {}
  /** The same step was started too often. */
  GiveUp: { readonly step: Step }
}>
/** Its constructors, `$is` and `$match`. */
export const Decision = Data.taggedEnum<Decision>()

type WorkOf = (desired: Desired, facts: Facts) => Work

const withoutOverrides = (): OverridesOf => () => undefined

/** A new stack set too: then all deliveries of the event begin with the same operation, and start it only once. */
const update: WorkOf = () => once

const create: WorkOf = ({ overridesOf, targets }, { instances }) => {
  if (targets.organizationalUnits !== undefined) {
    // Only Organizations knows the accounts. Instances that exist are left as they are.
    return { choose: "nth", tasks: unitTargets(targets).map((target) => ({ target })) }
  }
  const groups = overrideGroups(missing(targets, instances), Option.getOrElse(overridesOf, withoutOverrides))
  return { choose: "first", tasks: groups }
}

/** CloudFormation lists instances without their overrides, so these are set in each deployment. */
const override: WorkOf = ({ overridesOf, targets }, { instances }) => ({
  choose: "nth",
  tasks: overrideGroups(instances.filter(isNamedBy(targets)), Option.getOrElse(overridesOf, withoutOverrides))
    .filter(({ overrides }) => overrides !== undefined)
})

const deletion = (instances: ReadonlyArray<StackInstance>, { isOwnDeletion }: Facts): Work => ({
  choose: "first",
  // One that an own operation could not delete is left.
  tasks: groupsOf(
    instances.filter(({ lastOperationId }) => lastOperationId === undefined || !isOwnDeletion(lastOperationId))
  )
})

const prune: WorkOf = ({ targets }, facts) => {
  const isNamed = isNamedBy(targets)
  return deletion(facts.instances.filter((instance) => !isNamed(instance)), facts)
}

const deleteNamed: WorkOf = ({ targets }, facts) => deletion(facts.instances.filter(isNamedBy(targets)), facts)

interface Rules {
  readonly absent: Decision
  readonly steps: ReadonlyArray<readonly [step: Step, work: WorkOf]>
  readonly end: Decision
}

const rules: Readonly<Record<Mode, Rules>> = {
  CREATE_UPDATE: {
    absent: Decision.CreateSet(),
    steps: [["update", update], ["create", create], ["override", override], ["delete", prune]],
    end: Decision.Done()
  },
  DELETE_INSTANCES: { absent: Decision.NothingToDelete(), steps: [["delete", deleteNamed]], end: Decision.Done() },
  DELETE: { absent: Decision.NothingToDelete(), steps: [["delete", deleteNamed]], end: Decision.DeleteSet() },
  DETECT_DRIFT: { absent: Decision.NotFound(), steps: [["drift", () => once]], end: Decision.Done() }
}

/** The steps of a mode, in their order. */
export const stepsOf = (mode: Mode): ReadonlyArray<Step> => rules[mode].steps.map(([step]) => step)

/** Maximum number of operations of one step: each makes progress, unless CloudFormation does not show what it did. */
export const maxOperations = 100

/** The operation of each possible step that would be next, after `last`, the last one that succeeded. */
export const candidates = (desired: Desired, last: Option.Option<OwnOperation>): ReadonlyArray<OwnOperation> => {
  const steps = stepsOf(desired.mode)
  const from = Option.match(last, { onNone: () => 0, onSome: ({ step }) => Math.max(0, steps.indexOf(step)) })
  return steps.slice(from).filter((step) => isPossible(desired, step)).map((step) => ({
    step,
    number: Option.match(last, { onNone: () => 1, onSome: (last) => last.step === step ? last.number + 1 : 1 })
  }))
}

/** Whether any delivery of the event can have begun this step. */
const isPossible = ({ mode, overridesOf, prune, targets }: Desired, step: Step) => {
  if (mode !== "CREATE_UPDATE") return true
  switch (step) {
    case "create":
      return (targets.accounts ?? targets.organizationalUnits ?? []).length > 0
    case "override":
      return Option.isSome(overridesOf)
    case "delete":
      return prune
    default:
      return true
  }
}

/** Whether the instances matter for what comes next. They do not for the update of the stack set, which is first. */
export const needsInstances = (
  { mode }: Desired,
  last: Option.Option<OwnOperation>,
  set: Facts["set"]
): boolean => set === "Present" && mode !== "DETECT_DRIFT" && (mode !== "CREATE_UPDATE" || Option.isSome(last))

/**
 * What comes next, after `last`, the last operation of the action that succeeded. The steps are done in their order. An
 * operation that is started is watched before anything else is decided: the instances can show its work already. A later
 * step that is started proves that the earlier ones are done.
 */
export const next = (desired: Desired, last: Option.Option<OwnOperation>, facts: Facts): Decision => {
  const { absent, end, steps } = rules[desired.mode]
  if (facts.set === "Absent") return Option.isSome(last) && desired.mode !== "DELETE" ? Decision.NotFound() : absent
  const open = candidates(desired, last)
  const started = open.find(facts.isStarted)
  if (started !== undefined) return Decision.Adopt({ operation: started })
  for (const [step, workOf] of steps) {
    const operation = open.find((operation) => operation.step === step)
    if (operation === undefined) continue
    const { choose, tasks } = workOf(desired, facts)
    const task = tasks[choose === "first" ? 0 : operation.number - 1]
    if (task === undefined) continue
    return operation.number > maxOperations ? Decision.GiveUp({ step }) : Decision.Begin({ operation, task })
  }
  return end
}

/** What a job does that watches an operation. */
export type WatchDecision = Data.TaggedEnum<{
  Wait: {}
  /** The operation succeeded: decide what comes next. */
  Continue: {}
  Fail: { readonly status: string }
  /** CloudFormation does not show the operation. */
  Unproven: {}
}>
/** Its constructors, `$is` and `$match`. */
export const WatchDecision = Data.taggedEnum<WatchDecision>()

const watchRules: Readonly<Record<OperationPhase, (status: string) => WatchDecision>> = {
  Running: () => WatchDecision.Wait(),
  Succeeded: () => WatchDecision.Continue(),
  Failed: (status) => WatchDecision.Fail({ status }),
  Stopped: (status) => WatchDecision.Fail({ status })
}

/** Only the status of the own operation decides. `idleTooLong`: it has not been visible for so long that it never will. */
export const watch = (status: Option.Option<string>, idleTooLong: boolean): WatchDecision =>
  Option.match(status, {
    onNone: () => idleTooLong ? WatchDecision.Unproven() : WatchDecision.Wait(),
    onSome: (status) => watchRules[phaseOf(status)](status)
  })
