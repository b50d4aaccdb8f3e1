// A small world of stack sets: two accounts, two regions, failures, duplicates and other operators. As in program.ts, a
// state holds the inputs of the real program, and each step runs it again from its start up to its next call.
import { Clock, Deferred, Duration, Effect, Exit, Fiber, Layer, Logger, Option } from "effect"
import { DeployStackSet } from "../../src/actions/deployStackSet/DeployStackSet.ts"
import { AwsUnavailable } from "../../src/domain/job/AwsError.ts"
import { JobId } from "../../src/domain/job/Job.ts"
import type { JobOutcome } from "../../src/domain/job/JobOutcome.ts"
import type { Target } from "../../src/domain/stackSet/StackInstances.ts"
import * as JobRunner from "../../src/JobRunner.ts"
import type { ArtifactStore } from "../../src/services/ArtifactStore.ts"
import { CodePipeline, JobNotOpen } from "../../src/services/CodePipeline.ts"
import {
  type InstancesError,
  OperationIdUsed,
  StackSetBusy,
  StackSetExists,
  StackSetNotEmpty,
  StackSetNotFound,
  StackSets
} from "../../src/services/StackSets.ts"
import type { Transition, TransitionSystem } from "./modelChecker.ts"

export interface ModelInstance {
  readonly account: string
  readonly region: string
  readonly status: string
  readonly lastOperationId: string
}

export interface ModelOperation {
  readonly id: string
  readonly action: string
  readonly status: string
  readonly places: ReadonlyArray<string>
}

/** The stack set, or null. */
export interface ModelSet {
  readonly token: string
  readonly instances: ReadonlyArray<ModelInstance>
  readonly operations: ReadonlyArray<ModelOperation>
}

/** A call of the program; `target` are the places that it changes. */
type Call =
  | { readonly _tag: "report"; readonly outcome: JobOutcome }
  | {
    readonly _tag: "describe" | "create" | "update" | "delete" | "operation" | "operations" | "results" | "instances"
    readonly id?: string
  }
  | { readonly _tag: "CREATE" | "DELETE"; readonly id: string; readonly places: ReadonlyArray<string> }

type Answer =
  | { readonly _tag: "Set"; readonly set: ModelSet | null }
  | {
    readonly _tag:
      | "Done"
      | "Unavailable"
      | "NotFound"
      | "Exists"
      | "Used"
      | "Busy"
      | "NotEmpty"
      | "Accepted"
      | "NotOpen"
  }

type Step = { readonly _tag: "Call"; readonly call: Call } | { readonly _tag: "Returned" | "Rejected" }

const name = "MyStackSet"

const placesOf = ({ accounts = [], regions }: Target) =>
  accounts.flatMap((account) => regions.map((region) => `${account}/${region}`))

const now = 10_000_000_000

/** Time stands still: nothing that the model has depends on it. */
const clock: Clock.Clock = {
  currentTimeMillisUnsafe: () => now,
  currentTimeMillis: Effect.succeed(now),
  currentTimeNanosUnsafe: () => BigInt(now) * 1_000_000n,
  currentTimeNanos: Effect.succeed(BigInt(now) * 1_000_000n),
  monotonicTimeNanosUnsafe: () => BigInt(now) * 1_000_000n,
  monotonicTimeNanos: Effect.succeed(BigInt(now) * 1_000_000n),
  sleep: (duration) => Duration.isZero(duration) ? Effect.void : Effect.never
}

const toOperation = ({ action, id, status }: ModelOperation) => ({
  id,
  action,
  status,
  reason: undefined,
  createdAt: 0,
  failedInstances: undefined,
  drift: undefined
})

/** The next step of the program with this event after these answers. */
export const nextStep = (
  artifacts: Layer.Layer<ArtifactStore>,
  event: unknown,
  answers: ReadonlyArray<Answer>
): Effect.Effect<Step> =>
  Effect.gen(function*() {
    const pendingCall = yield* Deferred.make<Call>()
    let calls = 0
    const answerTo = (call: Call) =>
      Effect.suspend(() => {
        const answer = answers[calls++]
        return answer === undefined
          ? Effect.andThen(Deferred.succeed(pendingCall, call), Effect.never)
          : Effect.succeed(answer)
      })
    const stackSet = name
    const unavailable = new AwsUnavailable({ operation: "cloudformation:Call", code: "Code", detail: "detail" })
    const read = (call: Call) =>
      Effect.flatMap(answerTo(call), (answer) => {
        if (answer._tag === "Set") return Effect.succeed(answer.set)
        return answer._tag === "Unavailable" ? Effect.fail(unavailable) : Effect.die(answer)
      })
    const readSet = (call: Call) =>
      Effect.flatMap(read(call), (set) =>
        set === null ? Effect.fail(new StackSetNotFound({ stackSet })) : Effect.succeed(set))
    const started = (operationId: string, call: Call) =>
      Effect.flatMap(answerTo(call), (answer): Effect.Effect<string, InstancesError> => {
        switch (answer._tag) {
          case "Done":
            return Effect.succeed(operationId)
          case "Used":
            return Effect.fail(new OperationIdUsed({ stackSet, operationId }))
          case "Busy":
            return Effect.fail(new StackSetBusy({ stackSet, reason: "busy" }))
          case "NotFound":
            return Effect.fail(new StackSetNotFound({ stackSet }))
          case "Unavailable":
            return Effect.fail(unavailable)
          default:
            return Effect.die(answer)
        }
      })
    const stackSets = Layer.mock(StackSets, {
      describe: () =>
        Effect.map(read({ _tag: "describe" }), (set) =>
          set === null
            ? Option.none()
            : Option.some({ id: name, name, permissionModel: "SELF_MANAGED" as const, parameters: new Map() })),
      create: () =>
        Effect.flatMap(
          answerTo({ _tag: "create" }),
          (answer): Effect.Effect<string, StackSetExists | AwsUnavailable> => {
            if (answer._tag === "Done") {
              return Effect.succeed(name)
            }
            return answer._tag === "Exists" ? Effect.fail(new StackSetExists({ stackSet })) : Effect.fail(unavailable)
          }
        ),
      update: ({ operationId }) =>
        started(operationId, { _tag: "update", id: operationId }),
      createInstances: ({ operationId, target }) =>
        started(operationId, { _tag: "CREATE", id: operationId, places: placesOf(target) }),
      deleteInstances: ({ operationId, target }) =>
        started(operationId, { _tag: "DELETE", id: operationId, places: placesOf(target) }),
      delete: () =>
        Effect.flatMap(answerTo({ _tag: "delete" }), (
          answer
        ): Effect.Effect<void, StackSetBusy | StackSetNotEmpty | AwsUnavailable> => {
          if (answer._tag === "Done") return Effect.void
          if (answer._tag === "NotEmpty") return Effect.fail(new StackSetNotEmpty({ stackSet }))
          if (answer._tag === "Busy") return Effect.fail(new StackSetBusy({ stackSet, reason: "busy" }))
          return Effect.fail(unavailable)
        }),
      operation: (_, id) =>
        Effect.map(readSet({ _tag: "operation", id }), ({ operations }) =>
          Option.map(
            Option.fromUndefinedOr(operations.find((operation) => operation.id === id)),
            toOperation
          )),
      operations: () =>
        Effect.map(readSet({ _tag: "operations" }), ({ operations }) => operations.map(toOperation).toReversed()),
      // They only serve messages and counts.
      results: () => Effect.succeed({ items: [], next: undefined }),
      instances: () =>
        Effect.map(readSet({ _tag: "instances" }), ({ instances }) => ({
          items: instances.map((instance) => ({ ...instance, organizationalUnit: undefined })),
          next: undefined
        }))
    })
    const codePipeline = Layer.mock(CodePipeline, {
      report: (_, outcome) =>
        Effect.flatMap(answerTo({ _tag: "report", outcome }), (
          answer
        ): Effect.Effect<void, JobNotOpen | AwsUnavailable> => {
          if (answer._tag === "Accepted") return Effect.void
          return answer._tag === "NotOpen"
            ? Effect.fail(new JobNotOpen({ jobId: JobId.make("any"), code: "InvalidJobStateException" }))
            : Effect.fail(unavailable)
        })
    })
    const fiber = yield* JobRunner.run(DeployStackSet, event).pipe(
      Effect.provide([stackSets, codePipeline, artifacts]),
      Effect.provideService(Clock.Clock, clock),
      Effect.forkChild({ startImmediately: true })
    )
    const next = yield* Effect.raceFirst(
      Effect.map(Deferred.await(pendingCall), (call): Step => ({ _tag: "Call", call })),
      Effect.map(Fiber.await(fiber), (exit): Step => ({ _tag: Exit.isSuccess(exit) ? "Returned" : "Rejected" }))
    )
    yield* Fiber.interrupt(fiber)
    return next
  }).pipe(Effect.provide(Logger.layer([])))

interface Delivery {
  readonly token: string | null
  readonly isOpen: boolean
}

interface Execution extends Delivery {
  readonly answers: ReadonlyArray<Answer>
}

export interface Budget {
  readonly redeliveries: number
  readonly callFaults: number
  readonly otherOperators: number
  readonly failures: number
}

export interface State {
  readonly set: ModelSet | null
  readonly token: string | null
  readonly isDelivered: boolean
  readonly isEnded: boolean
  readonly pastTokens: ReadonlyArray<string | null>
  readonly pendingRetries: ReadonlyArray<Delivery>
  readonly executions: ReadonlyArray<Execution>
  readonly budget: Budget
}

export interface Model {
  readonly initialSets: ReadonlyArray<ModelSet | null>
  readonly budget: Budget
  readonly eventOf: (token: string | null) => unknown
  readonly artifacts: Layer.Layer<ArtifactStore>
  /** The violation of a result, if there is one. */
  readonly onReport: (outcome: JobOutcome, state: State) => string | undefined
  /** The violation of an operation that starts, if there is one. */
  readonly onStarted: (id: string, state: State, execution: Delivery) => string | undefined
}

/** Removes what differs from job to job without effect on decisions. */
const canonicalToken = (token: string) => {
  const { execution, ...rest } = JSON.parse(token) as { execution: Record<string, unknown> }
  const { unavailable: _, ...others } = execution
  return JSON.stringify({ ...rest, execution: { ...others, attempt: 1 } })
}

const isRunning = ({ status }: ModelOperation) => status === "RUNNING"

const keyOf = ({ account, region }: Pick<ModelInstance, "account" | "region">) => `${account}/${region}`

const touch = (set: ModelSet, id: string, places: ReadonlyArray<string>): ReadonlyArray<ModelInstance> => [
  ...set.instances.map((one) =>
    places.includes(keyOf(one)) ? { ...one, status: "OUTDATED", lastOperationId: id } : one
  ),
  ...places.filter((place) => !set.instances.some((one) => keyOf(one) === place)).map((place) => {
    const [account = "", region = ""] = place.split("/")
    return { account, region, status: "OUTDATED", lastOperationId: id }
  })
]

/** CloudFormation's answer to a call that changes something, and the stack set afterwards. */
const change = (set: ModelSet | null, call: Call): readonly [Answer, ModelSet | null] => {
  switch (call._tag) {
    case "create":
      return set === null
        ? [{ _tag: "Done" }, { token: "own", instances: [], operations: [] }]
        : [{ _tag: set.token === "own" ? "Done" : "Exists" }, set]
    case "delete":
      if (set === null) return [{ _tag: "Done" }, set]
      if (set.operations.some(isRunning)) return [{ _tag: "Busy" }, set]
      return set.instances.length > 0 ? [{ _tag: "NotEmpty" }, set] : [{ _tag: "Done" }, null]
    case "update":
    case "CREATE":
    case "DELETE": {
      if (set === null) return [{ _tag: "NotFound" }, set]
      const id = call.id ?? ""
      if (set.operations.some((operation) => operation.id === id)) return [{ _tag: "Used" }, set]
      if (set.operations.some(isRunning)) return [{ _tag: "Busy" }, set]
      const places = "places" in call ? call.places : set.instances.map(keyOf)
      const operation = { id, action: call._tag === "update" ? "UPDATE" : call._tag, status: "RUNNING", places }
      return [{ _tag: "Done" }, {
        ...set,
        operations: [...set.operations, operation],
        instances: touch(set, id, places)
      }]
    }
    default:
      return [{ _tag: "Set", set }, set]
  }
}

const endOf = (set: ModelSet, running: ModelOperation, isFailed: boolean): ModelSet => ({
  ...set,
  operations: set.operations.map((one) =>
    one === running ? { ...one, status: isFailed ? "FAILED" : "SUCCEEDED" } : one
  ),
  instances: isFailed
    ? set.instances
    : running.action === "DELETE"
    ? set.instances.filter((one) => !running.places.includes(keyOf(one)))
    : set.instances.map((one) => running.places.includes(keyOf(one)) ? { ...one, status: "CURRENT" } : one)
})

const closed = <A extends Delivery>(deliveries: ReadonlyArray<A>) =>
  deliveries.map((delivery) => ({ ...delivery, isOpen: false }))

export const transitionSystem = (model: Model): TransitionSystem<State> => {
  const steps = new Map<string, Step>()
  const stepOf = (execution: Execution) => {
    const key = JSON.stringify([execution.token, execution.answers])
    const known = steps.get(key)
    if (known !== undefined) return Effect.succeed(known)
    return Effect.tap(
      nextStep(model.artifacts, model.eventOf(execution.token), execution.answers),
      (step) => Effect.sync(() => steps.set(key, step))
    )
  }

  const deliver = (state: State, { isOpen, token }: Delivery): State => ({
    ...state,
    executions: [...state.executions, { token, isOpen, answers: [] }]
  })

  const spend = (state: State, what: keyof Budget): State => ({
    ...state,
    budget: { ...state.budget, [what]: state.budget[what] - 1 }
  })

  const deliveries = (state: State): ReadonlyArray<Transition<State>> => {
    if (state.executions.length >= 2) return []
    const isWaiting = !state.isDelivered && !state.isEnded
    return [
      ...(isWaiting
        ? [{
          label: "Lambda delivers the job's event",
          target: { ...deliver(state, { token: state.token, isOpen: true }), isDelivered: true }
        }]
        : []),
      ...state.pendingRetries.map((delivery, index) => ({
        label: "Lambda retries the failed event",
        target: deliver({ ...state, pendingRetries: state.pendingRetries.toSpliced(index, 1) }, delivery)
      })),
      ...(state.budget.redeliveries === 0 ? [] : [
        ...(state.isDelivered && !state.isEnded ? [{ token: state.token, isOpen: true }] : []),
        ...state.pastTokens.map((token) => ({ token, isOpen: false }))
      ].map((delivery) => ({
        label: `Lambda redelivers the event of ${delivery.isOpen ? "the open job" : "a past job"}`,
        isUnfair: true,
        target: deliver(spend(state, "redeliveries"), delivery)
      })))
    ]
  }

  const environment = (state: State): ReadonlyArray<Transition<State>> => {
    const { budget, set } = state
    if (set === null) return []
    const running = set.operations.find(isRunning)
    if (running !== undefined) {
      return [
        { label: `${running.id} succeeds`, target: { ...state, set: endOf(set, running, false) } },
        ...(budget.failures === 0 ? [] : [{
          label: `${running.id} fails`,
          isUnfair: true,
          target: { ...spend(state, "failures"), set: endOf(set, running, true) }
        }])
      ]
    }
    const [first] = set.instances
    return budget.otherOperators === 0 ? [] : [
      {
        label: "another operator starts an update",
        isUnfair: true,
        target: { ...spend(state, "otherOperators"), set: change(set, { _tag: "update", id: "foreign" })[1] }
      },
      ...(first === undefined ? [] : [{
        label: "another operator deletes an instance",
        isUnfair: true,
        target: { ...spend(state, "otherOperators"), set: { ...set, instances: set.instances.slice(1) } }
      }])
    ]
  }

  const kill = (state: State, index: number): State => {
    const { isOpen, token } = state.executions[index] ?? { isOpen: false, token: null }
    return {
      ...state,
      executions: state.executions.toSpliced(index, 1),
      pendingRetries: [...state.pendingRetries, { token, isOpen }]
    }
  }

  const accept = (state: State, outcome: JobOutcome): State => {
    const after = {
      ...state,
      pastTokens: state.pastTokens.includes(state.token) ? state.pastTokens : [...state.pastTokens, state.token],
      executions: closed(state.executions),
      pendingRetries: closed(state.pendingRetries)
    }
    return outcome._tag === "Continued"
      ? { ...after, token: canonicalToken(outcome.continuationToken), isDelivered: false }
      : { ...after, isEnded: true }
  }

  const callTransitions = (state: State, index: number, execution: Execution, call: Call) => {
    const answer = (reply: Answer, after: State = state): State => {
      const { isOpen } = after.executions[index] ?? execution
      return {
        ...after,
        executions: after.executions.with(index, { ...execution, isOpen, answers: [...execution.answers, reply] })
      }
    }
    const faults = (...list: ReadonlyArray<readonly [label: string, target: (spent: State) => State]>) =>
      state.budget.callFaults === 0
        ? []
        : list.map(([label, target]) => ({ label, isUnfair: true, target: target(spend(state, "callFaults")) }))
    const lost = (spent: State) => answer({ _tag: "Unavailable" }, spent)
    if (call._tag === "report") {
      const { outcome } = call
      if (!execution.isOpen) return [{ label: "report: not open", target: answer({ _tag: "NotOpen" }) }]
      const label = `report: ${outcome._tag}: ${outcome.message.split("\n")[0]}`
      return [
        {
          label,
          target: answer({ _tag: "Accepted" }, accept(state, outcome)),
          violation: outcome.message.startsWith("The action failed unexpectedly")
            ? "the program has a defect, or makes a call that the model does not know"
            : model.onReport(outcome, state)
        },
        ...faults(
          [`${label}, but the answer is lost`, (spent) => lost(accept(spent, outcome))],
          ["report: the request is lost", lost],
          ["report: the function is killed", (spent) => kill(spent, index)]
        )
      ]
    }
    const [reply, set] = change(state.set, call)
    const isChange = set !== state.set
    const after = (from: State): State => ({ ...from, set })
    const label = `${call._tag} ${"id" in call ? call.id : ""}: ${reply._tag}`
    return [
      {
        label,
        target: answer(reply, after(state)),
        violation: isChange && "id" in call && call.id !== undefined
          ? model.onStarted(call.id, state, execution)
          : undefined
      },
      ...faults(
        [`${label}: the request is lost`, lost],
        ...(isChange
          ? [
            [`${label}, but the answer is lost`, (spent: State) => lost(after(spent))],
            [`${label}, but the function is killed`, (spent: State) => kill(after(spent), index)]
          ] as const
          : [])
      )
    ]
  }

  return {
    initialStates: model.initialSets.map((set) => ({
      set,
      token: null,
      isDelivered: false,
      isEnded: false,
      pastTokens: [],
      pendingRetries: [],
      executions: [],
      budget: model.budget
    })),
    isTerminal: ({ isEnded }) => isEnded,
    transitionsFrom: Effect.fnUntraced(function*(state) {
      const transitions: Array<Transition<State>> = []
      for (const [index, execution] of state.executions.entries()) {
        const step = yield* stepOf(execution)
        if (step._tag === "Call") {
          const calls = callTransitions(state, index, execution, step.call)
          if (step.call._tag === "report" && !execution.isOpen) return calls
          transitions.push(...calls)
        } else if (step._tag === "Rejected") {
          return [{ label: "the handler rejects", target: kill(state, index) }]
        } else {
          return [{
            label: "the handler returns",
            target: { ...state, executions: state.executions.toSpliced(index, 1) }
          }]
        }
      }
      const isQuiet = state.executions.length === 0 && state.pendingRetries.length === 0
      if (state.isEnded && isQuiet && state.budget.redeliveries === 0) return transitions
      return [...transitions, ...deliveries(state), ...environment(state)]
    })
  }
}
