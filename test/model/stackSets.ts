// A small world of stack sets: a few accounts and regions, organizational units, overriding parameters, drift, failures,
// duplicates and other operators. As in program.ts, a state holds the inputs of the real program, and each step runs it again
// from its start up to its next call.
import { Clock, Deferred, Duration, Effect, Exit, Fiber, Layer, Logger, Option } from "effect"
import { DeployStackSet } from "../../src/actions/deployStackSet/DeployStackSet.ts"
import { AwsUnavailable } from "../../src/domain/job/AwsError.ts"
import { JobId } from "../../src/domain/job/Job.ts"
import type { JobOutcome } from "../../src/domain/job/JobOutcome.ts"
import type { Target } from "../../src/domain/stackSet/StackInstances.ts"
import type { DeployInstancesRequest, PermissionModel } from "../../src/domain/stackSet/StackSet.ts"
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
  readonly organizationalUnit?: string | undefined
  /** The overriding parameters as JSON. Absent: none. */
  readonly overrides?: string | undefined
}

export interface ModelOperation {
  readonly id: string
  readonly action: string
  readonly status: string
  readonly places: ReadonlyArray<string>
  readonly overrides?: string | undefined
  /** What a detection of drift finds. */
  readonly drift?: string
}

/** The stack set, or null. */
export interface ModelSet {
  readonly token: string
  /** Absent: SELF_MANAGED. */
  readonly permissionModel?: "SERVICE_MANAGED"
  readonly instances: ReadonlyArray<ModelInstance>
  readonly operations: ReadonlyArray<ModelOperation>
}

/** A call of the program. */
export type Call =
  | { readonly _tag: "report"; readonly outcome: JobOutcome }
  | {
    readonly _tag:
      | "describe"
      | "create"
      | "update"
      | "DETECT_DRIFT"
      | "delete"
      | "operation"
      | "operations"
      | "results"
      | "instances"
    readonly id?: string
    /** Of a new stack set. */
    readonly permissionModel?: PermissionModel
  }
  | ChangeInstances

export interface ChangeInstances {
  readonly _tag: "CREATE" | "OVERRIDE" | "DELETE"
  readonly id: string
  /** The instances that it changes. */
  readonly places: ReadonlyArray<string>
  /** How the targets are named. */
  readonly by: PermissionModel
  readonly overrides?: string | undefined
}

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

/** The accounts of the organization, by organizational unit. */
export const organization: Readonly<Record<string, ReadonlyArray<string>>> = {
  "ou-ab12-11111111": ["111111111111", "222222222222"],
  "ou-ab12-22222222": ["333333333333"]
}

const unitOf = (account: string) =>
  Object.keys(organization).find((unit) => organization[unit]?.includes(account)) ?? ""

const accountsOf = ({ accountFilter, accounts = [], organizationalUnits }: Target) => {
  const members = organizationalUnits?.flatMap((unit) => organization[unit] ?? [])
  if (members === undefined) return accounts
  if (accountFilter === undefined) return members
  return members.filter((account) => accounts.includes(account) === (accountFilter === "INTERSECTION"))
}

const changeInstances = (
  _tag: ChangeInstances["_tag"],
  { operationId: id, overrides, target }: DeployInstancesRequest
): ChangeInstances => ({
  _tag,
  id,
  places: accountsOf(target).flatMap((account) => target.regions.map((region) => `${account}/${region}`)),
  by: target.organizationalUnits === undefined ? "SELF_MANAGED" : "SERVICE_MANAGED",
  ...(overrides !== undefined && { overrides: JSON.stringify(overrides) })
})

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

const toOperation = ({ action, drift, id, status }: ModelOperation) => ({
  id,
  action,
  status,
  reason: undefined,
  createdAt: 0,
  failedInstances: undefined,
  drift: drift === undefined || status !== "SUCCEEDED"
    ? undefined
    : { status: drift, total: 1, drifted: 1, inSync: 0, failed: 0 }
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
            : Option.some({
              id: name,
              name,
              permissionModel: set.permissionModel ?? "SELF_MANAGED",
              parameters: new Map()
            })),
      create: ({ permissionModel = "SELF_MANAGED" }) =>
        Effect.flatMap(
          answerTo({ _tag: "create", permissionModel }),
          (answer): Effect.Effect<string, StackSetExists | AwsUnavailable> => {
            if (answer._tag === "Done") {
              return Effect.succeed(name)
            }
            return answer._tag === "Exists" ? Effect.fail(new StackSetExists({ stackSet })) : Effect.fail(unavailable)
          }
        ),
      update: ({ operationId }) =>
        started(operationId, { _tag: "update", id: operationId }),
      createInstances: (request) => started(request.operationId, changeInstances("CREATE", request)),
      updateInstances: (request) => started(request.operationId, changeInstances("OVERRIDE", request)),
      deleteInstances: (request) => started(request.operationId, changeInstances("DELETE", request)),
      detectDrift: ({ operationId }) => started(operationId, { _tag: "DETECT_DRIFT", id: operationId }),
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
      // They only serve messages, counts and checks.
      results: () => Effect.succeed({ items: [], next: undefined }),
      templateSummary: () =>
        Effect.succeed({
          parameters: [],
          capabilities: [],
          capabilitiesReason: undefined,
          unrecognizedResourceTypes: []
        }),
      instances: (_, { drifted = false } = {}) =>
        drifted
          ? Effect.succeed({ items: [], next: undefined })
          : Effect.map(readSet({ _tag: "instances" }), ({ instances: items }) => ({ items, next: undefined }))
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
  readonly onStarted: (id: string, state: State, execution: Delivery, call: Call) => string | undefined
  /** The operation that another operator starts. */
  readonly foreign: "update" | "DETECT_DRIFT"
}

/** Removes what differs from job to job without effect on decisions. */
const canonicalToken = (token: string) => {
  const { execution, ...rest } = JSON.parse(token) as { execution: Record<string, unknown> }
  const { unavailable: _, ...others } = execution
  return JSON.stringify({ ...rest, execution: { ...others, attempt: 1 } })
}

const isRunning = ({ status }: ModelOperation) => status === "RUNNING"

const keyOf = ({ account, region }: Pick<ModelInstance, "account" | "region">) => `${account}/${region}`

const touch = (
  set: ModelSet,
  id: string,
  places: ReadonlyArray<string>,
  overrides: string | undefined
): ReadonlyArray<ModelInstance> => [
  ...set.instances.map((one) =>
    places.includes(keyOf(one)) ? { ...one, status: "OUTDATED", lastOperationId: id } : one
  ),
  ...places.filter((place) => !set.instances.some((one) => keyOf(one) === place)).map((place) => {
    const [account = "", region = ""] = place.split("/")
    const organizationalUnit = set.permissionModel === undefined ? undefined : unitOf(account)
    return { account, region, status: "OUTDATED", lastOperationId: id, organizationalUnit, overrides }
  })
]

/** The id of the operation that another operator starts. */
const foreignId = "foreign"

/** CloudFormation's answer to a call that changes something, and the stack set afterwards. */
const change = (set: ModelSet | null, call: Call): readonly [Answer, ModelSet | null] => {
  switch (call._tag) {
    case "create":
      return set === null
        ? [{ _tag: "Done" }, {
          token: "own",
          ...(call.permissionModel === "SERVICE_MANAGED" && { permissionModel: call.permissionModel }),
          instances: [],
          operations: []
        }]
        : [{ _tag: set.token === "own" ? "Done" : "Exists" }, set]
    case "delete":
      if (set === null) return [{ _tag: "Done" }, set]
      if (set.operations.some(isRunning)) return [{ _tag: "Busy" }, set]
      return set.instances.length > 0 ? [{ _tag: "NotEmpty" }, set] : [{ _tag: "Done" }, null]
    case "update":
    case "DETECT_DRIFT":
    case "CREATE":
    case "OVERRIDE":
    case "DELETE": {
      if (set === null) return [{ _tag: "NotFound" }, set]
      const id = call.id ?? ""
      if (set.operations.some((operation) => operation.id === id)) return [{ _tag: "Used" }, set]
      if (set.operations.some(isRunning)) return [{ _tag: "Busy" }, set]
      const running = { id, action: call._tag, status: "RUNNING" }
      if (call._tag === "DETECT_DRIFT") {
        const drift = id === foreignId ? "IN_SYNC" : "DRIFTED"
        return [{ _tag: "Done" }, { ...set, operations: [...set.operations, { ...running, places: [], drift }] }]
      }
      const places = "places" in call ? call.places : set.instances.map(keyOf)
      const overrides = "places" in call ? call.overrides : undefined
      return [{ _tag: "Done" }, {
        ...set,
        operations: [...set.operations, { ...running, places, ...(overrides !== undefined && { overrides }) }],
        instances: touch(set, id, places, call._tag === "CREATE" ? overrides : undefined)
      }]
    }
    default:
      return [{ _tag: "Set", set }, set]
  }
}

/** What CloudFormation would refuse. */
const refusalOf = (set: ModelSet | null, call: Call) =>
  "by" in call && call.by !== (set?.permissionModel ?? "SELF_MANAGED")
    ? `CloudFormation refuses the targets: they are named as of ${call.by}`
    : undefined

const endOf = (set: ModelSet, running: ModelOperation, isFailed: boolean): ModelSet => ({
  ...set,
  operations: set.operations.map((one) =>
    one === running ? { ...one, status: isFailed ? "FAILED" : "SUCCEEDED" } : one
  ),
  instances: isFailed
    ? set.instances
    : running.action === "DELETE"
    ? set.instances.filter((one) => !running.places.includes(keyOf(one)))
    : set.instances.map((one) =>
      running.places.includes(keyOf(one))
        ? { ...one, status: "CURRENT", ...(running.action === "OVERRIDE" && { overrides: running.overrides }) }
        : one
    )
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
        label: `another operator starts ${model.foreign}`,
        isUnfair: true,
        target: { ...spend(state, "otherOperators"), set: change(set, { _tag: model.foreign, id: foreignId })[1] }
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
          ? refusalOf(state.set, call) ?? model.onStarted(call.id, state, execution, call)
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
