// All that can happen to a call of a running function: its answers, and its faults.
import * as ChangeSets from "./changeSets.ts"
import * as Cloud from "./cloud.ts"
import * as Drift from "./drift.ts"
import type { Transition } from "./modelChecker.ts"
import type { Account, Answer, Call } from "./program.ts"
import * as StackOperations from "./stackOperations.ts"
import { acceptResult, type Execution, killFunction, type Model, programTime, type State, withCloud } from "./state.ts"

const callOutcomes = (cloud: Cloud.Cloud, call: OperationCall) => {
  switch (call._tag) {
    case "create":
      return StackOperations.create(cloud, call.token)
    case "update":
      return StackOperations.update(cloud, call.token, call.stack)
    case "rollback":
    case "continueRollback":
      return StackOperations.rollBack(cloud, call._tag, call.token, call.stack)
    case "cancelUpdate":
      return StackOperations.cancel(cloud, call.token, call.stack)
    case "createChangeSet":
      return ChangeSets.create(cloud, call)
    case "executeChangeSet":
      return ChangeSets.execute(cloud, call.stack, call.changeSet, call.token)
    case "deleteChangeSet":
      return ChangeSets.remove(cloud, call.stack, call.changeSet)
    case "detectDrift":
      return Drift.detect(cloud, call.stack)
    default:
      return StackOperations.remove(cloud, call.token, call.stack)
  }
}

/** The calls that only read. */
const reads = ["describe", "events", "describeChangeSet", "describeDetection", "listDrifts"] as const
type ReadCall = Call & { readonly _tag: typeof reads[number] }
const isRead = (call: Call): call is ReadCall => reads.some((tag) => tag === call._tag)

/** The calls that can start something. */
type OperationCall = Exclude<Call, ReadCall | { readonly _tag: "summary" | "assumeRole" | "report" }>

/** The answers from which a function learns of operations. */
const showsOperations = new Set(["Stack", "ChangeSet", "ChangeSetNotReady"])

const unexpectedFailure = "The action failed unexpectedly"

/** The states after an answer to a call of a running function, or after a fault of the call. */
const afterCall = (state: State, index: number, execution: Execution) => {
  const answer = (answer: Answer, after: State = state): State => {
    // This very answer may close the job.
    const { isOpen } = after.executions[index] ?? execution
    const answers = [...execution.answers, { at: programTime(state), answer }]
    const operationsSeen = showsOperations.has(answer._tag) ? after.cloud.operations.length : execution.operationsSeen
    const answered = { ...execution, isOpen, answers, operationsSeen }
    return { ...after, executions: after.executions.with(index, answered) }
  }
  const faults = (...faults: ReadonlyArray<readonly [label: string, target: (spent: State) => State]>) => {
    const spent = { ...state, budget: { ...state.budget, callFaults: state.budget.callFaults - 1 } }
    return state.budget.callFaults === 0
      ? []
      : faults.map(([label, target]) => ({ label, isUnfair: true, target: target(spent) }))
  }
  const fail = (spent: State) => answer({ _tag: "Unavailable" }, spent)
  const kill = (spent: State) => killFunction(spent, index)
  return { answer, faults, fail, kill }
}

type AfterCall = ReturnType<typeof afterCall>

/** Another call shows what is not in the answer. */
const onlyStack = (stack: Cloud.ModelStack): Cloud.ModelStack => {
  const { detections: _, hasDrifted: __, ...described } = stack
  return { ...described, events: [], changeSets: [] }
}

const answerToRead = (
  { mayReadEvents, parameters }: Model,
  stacks: ReadonlyArray<Cloud.ModelStack>,
  call: ReadCall
): Answer => {
  switch (call._tag) {
    case "describe": {
      const stack = Cloud.find(stacks, call.stack)
      return { _tag: "Stack", stack: stack && onlyStack(stack), parameters }
    }
    case "events":
      return mayReadEvents
        ? { _tag: "Events", events: Cloud.find(stacks, call.stack)?.events ?? [] }
        : { _tag: "Denied" }
    case "describeChangeSet":
      return { _tag: "ChangeSet", changeSet: ChangeSets.describe(stacks, call.stack, call.changeSet) }
    case "describeDetection":
      return Drift.describe(stacks, call.detection)
    case "listDrifts":
      return Drift.list(stacks, call.stack)
  }
}

/** The role is assumed, unless another actor has forbidden that for now. */
const assumeRoleTransitions = (state: State, { answer, fail, faults, kill }: AfterCall): Array<Transition<State>> => {
  const budget = { ...state.budget, otherActors: state.budget.otherActors - 1 }
  const denied = {
    label: "assumeRole: another actor has forbidden it",
    isUnfair: true,
    target: answer({ _tag: "RoleDenied" }, { ...state, budget })
  }
  return [
    { label: "assumeRole", target: answer({ _tag: "RoleAssumed" }) },
    ...(state.budget.otherActors === 0 ? [] : [denied]),
    ...faults(["assumeRole: no answer", fail], ["assumeRole: the function is killed", kill])
  ]
}

/** The transitions of a call in this model. */
export const callTransitions = (model: Model) => {
  const readTransitions = (state: State, call: ReadCall, after: AfterCall) => {
    const { answer, fail, faults } = after
    const read = (stacks: ReadonlyArray<Cloud.ModelStack>) => answerToRead(model, stacks, call)
    const fresh = read(state.cloud.stacks)
    const stale = read(state.previousStacks)
    const transitions: Array<Transition<State>> = [{ label: call._tag, target: answer(fresh) }]
    if (state.budget.staleReads > 0 && JSON.stringify(stale) !== JSON.stringify(fresh)) {
      const budget = { ...state.budget, staleReads: state.budget.staleReads - 1 }
      const spent = { ...state, budget, previousStacks: budget.staleReads === 0 ? [] : state.previousStacks }
      transitions.push({ label: `${call._tag}: stale`, isUnfair: true, target: answer(stale, spent) })
    }
    return [...transitions, ...faults([`${call._tag}: no answer`, fail])]
  }

  const summaryTransitions = ({ cloud }: State, { answer, fail, faults }: AfterCall) => [
    {
      label: "summary",
      target: answer(
        cloud.template === "invalid"
          ? { _tag: "Rejected" }
          : { _tag: "Summary", parameters: model.parameters, hasDefaults: model.hasDefaults }
      )
    },
    ...faults(["summary: no answer", fail])
  ]

  const lacksValues = (call: OperationCall) =>
    call._tag === "create" && !model.parameters.every((name) => call.parameters.includes(name))

  /** CloudFormation rejects a new stack without a value for each parameter that has no default. */
  const outcomesOf = (cloud: Cloud.Cloud, call: OperationCall) =>
    lacksValues(call) && !model.hasDefaults
      ? callOutcomes({ ...cloud, template: "invalid" }, call).map(([reply]) => [reply, cloud] as const)
      : callOutcomes(cloud, call)

  /** A detection changes nothing. */
  const violationOf = (cloud: Cloud.Cloud, call: OperationCall, execution: Execution) => {
    if (call._tag === "detectDrift") return undefined
    return lacksValues(call) && cloud.operations.some(({ token }) => token.startsWith("delete-"))
      ? "the values of the replaced stack are lost"
      : model.invariants.onOperationStarted(cloud, execution, call)
  }

  const operationTransitions = (state: State, execution: Execution, call: OperationCall, after: AfterCall) => {
    const { answer, fail, faults, kill } = after
    const transitions: Array<Transition<State>> = faults(
      [`${call._tag}: the request is lost`, fail],
      [`${call._tag}: the function is killed before the call`, kill]
    )
    for (const [reply, cloud] of outcomesOf(state.cloud, call)) {
      const label = `${call._tag}: ${reply._tag}`
      const violation = cloud === state.cloud ? undefined : violationOf(cloud, call, execution)
      transitions.push({ label, target: answer(reply, withCloud(state, cloud)), violation })
      // Without an effect, a lost answer is the same as a lost request.
      if (cloud === state.cloud) continue
      transitions.push(
        ...faults(
          [`${label}, but the answer is lost`, (spent) => fail(withCloud(spent, cloud))],
          [`${label}, but the function is killed`, (spent) => kill(withCloud(spent, cloud))]
        )
      )
      for (const [second] of outcomesOf(cloud, call)) {
        const retried = `${label}, but the answer is lost, and the retry gets: ${second._tag}`
        transitions.push(...faults([retried, (spent) => answer(second, withCloud(spent, cloud))]))
      }
    }
    return transitions
  }

  const reportTransitions = (
    state: State,
    { outcome }: Call & { readonly _tag: "report" },
    execution: Execution,
    after: AfterCall
  ) => {
    const { answer, fail, faults, kill } = after
    if (!execution.isOpen) return [{ label: "report: the job is not open", target: answer({ _tag: "NotOpen" }) }]
    const label = `report: ${outcome._tag}: ${outcome.message.split("\n")[0]}`
    const violation = outcome.message.startsWith(unexpectedFailure)
      ? "the program has a defect, or makes a call that the model does not know"
      : model.invariants.onReport(outcome, state.cloud, execution)
    const accepted: Transition<State> = {
      label,
      target: answer({ _tag: "Accepted" }, acceptResult(state, outcome)),
      violation
    }
    return [
      accepted,
      ...faults(
        [`${label}, but the answer is lost`, (spent) => fail(acceptResult(spent, outcome))],
        [
          `${label}, but the answer is lost, and the call is retried`,
          (spent) => answer({ _tag: "NotOpen" }, acceptResult(spent, outcome))
        ],
        ["report: the request is lost", fail],
        ["report: the function is killed before the call", kill]
      )
    ]
  }

  const transitionsOf = (
    state: State,
    index: number,
    execution: Execution,
    call: Call
  ): ReadonlyArray<Transition<State>> => {
    const after = afterCall(state, index, execution)
    if (isRead(call)) return readTransitions(state, call, after)
    switch (call._tag) {
      case "summary":
        return summaryTransitions(state, after)
      case "assumeRole":
        return assumeRoleTransitions(state, after)
      case "report":
        return reportTransitions(state, call, execution, after)
      default:
        return operationTransitions(state, execution, call, after)
    }
  }

  return (
    state: State,
    index: number,
    execution: Execution,
    call: Call,
    account: Account
  ): ReadonlyArray<Transition<State>> => {
    const transitions = transitionsOf(state, index, execution, call)
    const violation = model.invariants.onCall?.(call, state.cloud, execution, account)
    return violation === undefined
      ? transitions
      : transitions.map((transition) => Object.assign({}, transition, { violation }))
  }
}
