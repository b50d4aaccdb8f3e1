// The transition system: deliveries of Lambda, calls of the program, and CloudFormation, CodePipeline and other actors as
// its environment. A state holds all of them; each transition is one thing that happens.
import { Effect } from "effect"
import type { JobOutcome } from "../../src/domain/job/JobOutcome.ts"
import { deployEvent } from "../fixtures.ts"
import * as ChangeSets from "./changeSets.ts"
import * as Cloud from "./cloud.ts"
import type { Transition, TransitionSystem } from "./modelChecker.ts"
import type { Answer, Answered, Call, Step } from "./program.ts"

/** The fault budget: how often each kind of fault may still happen. It bounds the state space. */
export interface FaultBudget {
  /** Lambda redelivers an event, at any time. */
  readonly redeliveries: number
  /** A request or its answer is lost (a throttle, a time-out, the deadline), or the function is killed. */
  readonly callFaults: number
  /** Another actor changes the stack. */
  readonly otherActors: number
  /** A read returns the state before the last change. */
  readonly staleReads: number
}

/** A delivery of a job's event. */
interface Delivery {
  /** The continuation token; null in the first job's event. */
  readonly token: string | null
  /** Whether CodePipeline still waits for this job's result. */
  readonly isOpen: boolean
}

/** A function that runs. */
export interface Execution extends Delivery {
  readonly answers: ReadonlyArray<Answered>
  /** The number of the action's operations when the function last learned of them. */
  readonly operationsSeen: number
}

export interface State {
  readonly cloud: Cloud.Cloud
  /** The stacks before the last change, for stale reads. */
  readonly previousStacks: ReadonlyArray<Cloud.ModelStack>
  /** Whether the open job's event was delivered. */
  readonly isDelivered: boolean
  /** The token of the open job. */
  readonly token: string | null
  /** The tokens of jobs that have their result. */
  readonly pastTokens: ReadonlyArray<string | null>
  /** The events that Lambda will redeliver because their functions failed. */
  readonly pendingRetries: ReadonlyArray<Delivery>
  readonly executions: ReadonlyArray<Execution>
  /** Whether the action has its result. */
  readonly isEnded: boolean
  readonly budget: FaultBudget
}

/** What distinguishes one model from another. */
export interface Model {
  readonly initialClouds: ReadonlyArray<Cloud.Cloud>
  readonly budget: FaultBudget
  readonly mayReadEvents: boolean
  readonly userParameters: Readonly<Record<string, unknown>>
  /** The parameters that the template declares, and for which the stacks of others have values. */
  readonly parameters: ReadonlyArray<string>
  /** Whether the template has defaults for them. */
  readonly hasDefaults: boolean
  /** The continuation token of the first event. */
  readonly token: string | null
  readonly nextStep: (event: unknown, now: number, answers: ReadonlyArray<Answered>) => Effect.Effect<Step>
  readonly invariants: Invariants
}

/** Safety: each returns the violation in words, if there is one. */
export interface Invariants {
  readonly onReport: (outcome: JobOutcome, cloud: Cloud.Cloud, execution: Execution) => string | undefined
  readonly onOperationStarted: (cloud: Cloud.Cloud, execution: Execution) => string | undefined
}

/** The six hours of redeliveries depend on these times, which need not be exact. */
const wholeHours = (millis: number) => millis - millis % 3_600_000

/** Removes what differs from job to job without effect on decisions, so that polling returns to a known state. */
const canonicalToken = (token: string) => {
  const { execution, state: left, ...rest } = JSON.parse(token) as {
    execution: Record<string, unknown> & { startedAt: number }
    state?: { since?: number; calledAt?: number } | null
  }
  const state = left && left.calledAt === undefined && left.since !== undefined
    ? { ...left, since: wholeHours(left.since) }
    : left
  const unavailable = execution["unavailable"] as { since: number } | undefined
  return JSON.stringify({
    ...rest,
    ...(state !== undefined && { state: state && { ...state, progress: undefined } }),
    execution: {
      ...execution,
      startedAt: wholeHours(execution.startedAt),
      attempt: 1,
      ...(unavailable && { unavailable: { ...unavailable, jobs: 1 } })
    }
  })
}

const callOutcomes = (cloud: Cloud.Cloud, call: OperationCall) => {
  switch (call._tag) {
    case "create":
      return Cloud.create(cloud, call.token)
    case "update":
      return Cloud.update(cloud, call.token, call.stack)
    case "rollback":
    case "continueRollback":
      return Cloud.rollBack(cloud, call._tag, call.token, call.stack)
    case "createChangeSet":
      return ChangeSets.create(cloud, call)
    case "executeChangeSet":
      return ChangeSets.execute(cloud, call.stack, call.changeSet, call.token)
    case "deleteChangeSet":
      return ChangeSets.remove(cloud, call.stack, call.changeSet)
    default:
      return Cloud.remove(cloud, call.token, call.stack)
  }
}

type OperationCall = Call & {
  readonly _tag:
    | "create"
    | "update"
    | "delete"
    | "rollback"
    | "continueRollback"
    | "createChangeSet"
    | "executeChangeSet"
    | "deleteChangeSet"
}

type ReadCall = Call & { readonly _tag: "describe" | "events" | "describeChangeSet" }

/** The answers from which a function learns of operations. */
const showsOperations = new Set(["Stack", "ChangeSet", "ChangeSetNotReady"])

const closed = <D extends Delivery>(deliveries: ReadonlyArray<D>) =>
  deliveries.map((delivery) => ({ ...delivery, isOpen: false }))

/** What the clock of a function shows: a little later than CloudFormation's last change. */
const programTime = ({ cloud }: State) => cloud.now + 500

const unexpectedFailure = "The action failed unexpectedly"

const idleMillis = 16 * 60_000

const idleSince = (token: string | null) =>
  (JSON.parse(token ?? "{}") as { state?: { idleSince?: number } }).state?.idleSince ?? -Infinity

export const transitionSystem = (model: Model): TransitionSystem<State> => {
  const steps = new Map<string, Step>()
  /** Of all calls, only a report depends on its own time. */
  const stepOf = (execution: Execution, now: number) => {
    const key = JSON.stringify([execution.token, execution.answers])
    const known = steps.get(key) ?? steps.get(key + now)
    if (known !== undefined) return Effect.succeed(known)
    const event = deployEvent({
      id: execution.token === null ? "1" : "n",
      userParameters: JSON.stringify(model.userParameters),
      continuationToken: execution.token
    })
    return Effect.tap(
      model.nextStep(event, now, execution.answers),
      (step) =>
        Effect.sync(() => steps.set(step._tag === "Call" && step.call._tag === "report" ? key + now : key, step))
    )
  }

  const deliver = (state: State, { isOpen, token }: Delivery): State => ({
    ...state,
    executions: [
      ...state.executions,
      { token, isOpen, answers: [], operationsSeen: 0 }
    ]
  })

  const deliveryTransitions = (state: State): ReadonlyArray<Transition<State>> => {
    // At most two functions run at the same time.
    if (state.executions.length >= 2) return []
    const transitions: Array<Transition<State>> = []
    if (!state.isDelivered && !state.isEnded) {
      transitions.push({
        label: "Lambda delivers the job's event",
        target: { ...deliver(state, { token: state.token, isOpen: true }), isDelivered: true }
      })
    }
    for (const [index, delivery] of state.pendingRetries.entries()) {
      transitions.push({
        label: "Lambda retries the failed event",
        target: deliver({ ...state, pendingRetries: state.pendingRetries.toSpliced(index, 1) }, delivery)
      })
    }
    if (state.budget.redeliveries > 0) {
      const spent = { ...state, budget: { ...state.budget, redeliveries: state.budget.redeliveries - 1 } }
      const deliveries = [
        ...(state.isDelivered && !state.isEnded ? [{ token: state.token, isOpen: true }] : []),
        ...state.pastTokens.map((token) => ({ token, isOpen: false }))
      ]
      for (const delivery of deliveries) {
        const job = delivery.isOpen ? "open job" : delivery.token === null ? "first job" : "past job"
        transitions.push({
          label: `Lambda redelivers the event of the ${job}`,
          isUnfair: true,
          target: deliver(spent, delivery)
        })
      }
    }
    return transitions
  }

  const withCloud = (state: State, cloud: Cloud.Cloud): State => {
    if (cloud === state.cloud) return state
    return { ...state, cloud, previousStacks: state.budget.staleReads === 0 ? [] : state.cloud.stacks }
  }

  const environmentTransitions = (state: State): ReadonlyArray<Transition<State>> => [
    ...[...Cloud.progressTransitions(state.cloud), ...ChangeSets.progressTransitions(state.cloud)].map((
      [label, cloud]
    ) => ({ label, target: withCloud(state, cloud) })),
    ...(state.budget.otherActors === 0
      ? []
      : [...Cloud.otherActorTransitions(state.cloud), ...ChangeSets.otherActorTransitions(state.cloud)].map((
        [label, cloud]
      ) => ({
        label,
        isUnfair: true,
        target: {
          ...withCloud(state, cloud),
          budget: { ...state.budget, otherActors: state.budget.otherActors - 1 }
        }
      }))),
    // An action that waits for an idle stack waits for time alone.
    ...(state.executions.length === 0 && state.cloud.now - idleSince(state.token) < idleMillis
      ? [{
        label: "16 minutes pass",
        target: {
          ...state,
          cloud: { ...state.cloud, now: state.cloud.now + idleMillis },
          // No read is stale for so long.
          previousStacks: state.budget.staleReads === 0 ? [] : state.cloud.stacks
        }
      }]
      : [])
  ]

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

  const readTransitions = (state: State, call: ReadCall, after: AfterCall) => {
    const { answer, fail, faults } = after
    const read = (stacks: ReadonlyArray<Cloud.ModelStack>): Answer => {
      if (call._tag === "describeChangeSet") {
        return { _tag: "ChangeSet", changeSet: ChangeSets.describe(stacks, call.stack, call.changeSet) }
      }
      const stack = Cloud.find(stacks, call.stack)
      if (call._tag === "describe") {
        return { _tag: "Stack", stack: stack && { ...stack, events: [], changeSets: [] }, parameters: model.parameters }
      }
      return model.mayReadEvents ? { _tag: "Events", events: stack?.events ?? [] } : { _tag: "Denied" }
    }
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

  const violationOf = (cloud: Cloud.Cloud, call: OperationCall, execution: Execution) =>
    lacksValues(call) && cloud.operations.some(({ token }) => token.startsWith("delete-"))
      ? "the values of the replaced stack are lost"
      : model.invariants.onOperationStarted(cloud, execution)

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

  /** All that can happen to a call of a running function. */
  const callTransitions = (
    state: State,
    index: number,
    execution: Execution,
    call: Call
  ): ReadonlyArray<Transition<State>> => {
    const after = afterCall(state, index, execution)
    switch (call._tag) {
      case "describe":
      case "events":
      case "describeChangeSet":
        return readTransitions(state, call, after)
      case "summary":
        return summaryTransitions(state, after)
      case "create":
      case "update":
      case "delete":
      case "rollback":
      case "continueRollback":
      case "createChangeSet":
      case "executeChangeSet":
      case "deleteChangeSet":
        return operationTransitions(state, execution, call, after)
      default:
        return reportTransitions(state, call, execution, after)
    }
  }

  /** Ends the function without a result; Lambda redelivers its event. */
  const killFunction = (state: State, index: number): State => {
    const { isOpen, token } = state.executions[index] ?? { isOpen: false, token: null }
    return {
      ...state,
      executions: state.executions.toSpliced(index, 1),
      pendingRetries: [...state.pendingRetries, { token, isOpen }]
    }
  }

  /** CodePipeline accepts a result for the open job. */
  const acceptResult = (state: State, outcome: JobOutcome): State => {
    const pastTokens = state.pastTokens.includes(state.token) ? state.pastTokens : [...state.pastTokens, state.token]
    const closedState = {
      ...state,
      pastTokens,
      executions: closed(state.executions),
      pendingRetries: closed(state.pendingRetries)
    }
    return outcome._tag === "Continued"
      ? { ...closedState, token: canonicalToken(outcome.continuationToken), isDelivered: false }
      : {
        ...closedState,
        isEnded: true,
        previousStacks: [],
        budget: { ...state.budget, callFaults: 0, otherActors: 0, staleReads: 0 }
      }
  }

  return {
    initialStates: model.initialClouds.map((cloud) => ({
      cloud,
      previousStacks: model.budget.staleReads === 0 ? [] : cloud.stacks,
      isDelivered: false,
      token: model.token,
      pastTokens: [],
      pendingRetries: [],
      executions: [],
      isEnded: false,
      budget: model.budget
    })),
    isTerminal: ({ isEnded }) => isEnded,
    transitionsFrom: Effect.fnUntraced(function*(state) {
      const transitions: Array<Transition<State>> = []
      for (const [index, execution] of state.executions.entries()) {
        const step = yield* stepOf(execution, programTime(state))
        if (step._tag === "Call") {
          const calls = callTransitions(state, index, execution, step.call)
          // A transition that affects nothing else may come first: other orders lead to the same states.
          if (step.call._tag === "report" && !execution.isOpen) return calls
          transitions.push(...calls)
        } else if (step._tag === "Rejected") {
          return [{ label: "the handler rejects", target: killFunction(state, index) }]
        } else {
          return [{
            label: "the handler returns",
            target: { ...state, executions: state.executions.toSpliced(index, 1) }
          }]
        }
      }
      // After the result, only a function that still runs or is still delivered could start an operation.
      const isQuiet = state.executions.length === 0 && state.pendingRetries.length === 0
      if (state.isEnded && isQuiet && state.budget.redeliveries === 0) return transitions
      return [...transitions, ...deliveryTransitions(state), ...environmentTransitions(state)]
    })
  }
}
