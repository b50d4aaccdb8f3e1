// DeployStack between a CloudFormation, a CodePipeline and a Lambda that may do whatever they are known to do.
import { Effect } from "effect"
import type { JobOutcome } from "../../src/domain/job/JobOutcome.ts"
import { deployEvent } from "../fixtures.ts"
import * as Cloud from "./cloud.ts"
import type { Move, System } from "./explore.ts"
import type { Answer, Call, Next } from "./program.ts"

/** How often each evil may still happen. */
export interface Budget {
  /** Lambda delivers an event once more, at any time. */
  readonly deliveries: number
  /** A request or its answer is lost (a throttle, a time-out, the deadline), or the function is killed. */
  readonly faults: number
  /** Somebody else works on the stack. */
  readonly others: number
  /** A read shows what was before the last change. */
  readonly stale: number
}

/** An event of a job, as it may be delivered. */
interface Delivery {
  /** None: the first job's event. */
  readonly token: string | null
  /** Whether CodePipeline still waits for this job's result. */
  readonly open: boolean
}

export interface Running extends Delivery {
  readonly startedAt: number
  readonly answers: ReadonlyArray<Answer>
  /** As many operations of the action there were when it last looked at the stack. */
  readonly seen: number
}

export interface State {
  readonly cloud: Cloud.Cloud
  /** What it was before the last change. */
  readonly before: ReadonlyArray<Cloud.ModelStack>
  /** The event of the open job has been delivered, and is not to be again but by duplication. */
  readonly delivered: boolean
  /** The token of the open job. */
  readonly token: string | null
  /** The tokens of jobs that have their result. */
  readonly past: ReadonlyArray<string | null>
  /** Lambda will deliver these again: their functions have failed. */
  readonly due: ReadonlyArray<Delivery>
  readonly running: ReadonlyArray<Running>
  readonly ended: boolean
  readonly left: Budget
}

export interface Setting {
  readonly initial: ReadonlyArray<Cloud.Cloud>
  readonly budget: Budget
  readonly mayReadEvents: boolean
  readonly userParameters: Readonly<Record<string, unknown>>
  /** The token of the first event. */
  readonly token: string | null
  readonly next: (event: unknown, now: number, answers: ReadonlyArray<Answer>) => Effect.Effect<Next>
  readonly laws: Laws
}

/** What breaks a law, in words. */
export interface Laws {
  readonly onReport: (outcome: JobOutcome, cloud: Cloud.Cloud, running: Running) => string | undefined
  readonly onBegin: (cloud: Cloud.Cloud) => string | undefined
}

/** What grows from job to job and decides nothing: without it, polling comes back to where it was. */
const canonical = (token: string) => {
  const { execution, state, ...rest } = JSON.parse(token) as {
    execution: Record<string, unknown>
    state?: Record<string, unknown> | null
  }
  const unavailable = execution["unavailable"] as { since: number } | undefined
  return JSON.stringify({
    ...rest,
    ...(state !== undefined && { state: state && { ...state, progress: undefined } }),
    execution: { ...execution, attempt: 1, ...(unavailable && { unavailable: { ...unavailable, jobs: 1 } }) }
  })
}

const change = (cloud: Cloud.Cloud, call: Changing) => {
  switch (call._tag) {
    case "create":
      return Cloud.create(cloud, call.token)
    case "update":
      return Cloud.update(cloud, call.token, call.stack)
    default:
      return Cloud.remove(cloud, call.token, call.stack)
  }
}

type Changing = Call & { readonly _tag: "create" | "update" | "delete" }

const closed = <D extends Delivery>(deliveries: ReadonlyArray<D>) =>
  deliveries.map((delivery) => ({ ...delivery, open: false }))

const pause = 16 * 60_000

const idleSince = (token: string | null) =>
  (JSON.parse(token ?? "{}") as { state?: { idleSince?: number } }).state?.idleSince ?? -Infinity

export const systemOf = (setting: Setting): System<State> => {
  const memo = new Map<string, Next>()
  const nextOf = (running: Running) => {
    const key = JSON.stringify([running.token, running.startedAt, running.answers])
    const known = memo.get(key)
    if (known !== undefined) return Effect.succeed(known)
    const event = deployEvent({
      id: running.token === null ? "1" : "n",
      userParameters: JSON.stringify(setting.userParameters),
      continuationToken: running.token
    })
    return Effect.tap(
      setting.next(event, running.startedAt, running.answers),
      (next) => Effect.sync(() => memo.set(key, next))
    )
  }

  const deliver = (state: State, { open, token }: Delivery): State => ({
    ...state,
    running: [...state.running, { token, open, startedAt: state.cloud.now + 500, answers: [], seen: 0 }]
  })

  const deliveries = (state: State): ReadonlyArray<Move<State>> => {
    if (state.running.length >= 2) return []
    const moves: Array<Move<State>> = []
    if (!state.delivered && !state.ended) {
      moves.push({
        what: "the job's event comes",
        to: { ...deliver(state, { token: state.token, open: true }), delivered: true }
      })
    }
    for (const [index, delivery] of state.due.entries()) {
      moves.push({
        what: "Lambda tries the event again",
        to: deliver({ ...state, due: state.due.toSpliced(index, 1) }, delivery)
      })
    }
    if (state.left.deliveries > 0) {
      const spent = { ...state, left: { ...state.left, deliveries: state.left.deliveries - 1 } }
      const again = [
        ...(state.delivered && !state.ended ? [{ token: state.token, open: true }] : []),
        ...state.past.map((token) => ({ token, open: false }))
      ]
      for (const delivery of again) {
        const which = delivery.open ? "open job" : delivery.token === null ? "first job" : "past job"
        moves.push({ what: `Lambda delivers an event again: ${which}`, unfair: true, to: deliver(spent, delivery) })
      }
    }
    return moves
  }

  const changed = (state: State, cloud: Cloud.Cloud): State =>
    cloud === state.cloud ? state : { ...state, cloud, before: state.left.stale === 0 ? [] : state.cloud.stacks }

  const worldMoves = (state: State): ReadonlyArray<Move<State>> => [
    ...Cloud.advances(state.cloud).map(([what, cloud]) => ({ what, to: changed(state, cloud) })),
    ...(state.left.others === 0 ? [] : Cloud.interferences(state.cloud).map(([what, cloud]) => ({
      what,
      unfair: true,
      to: { ...changed(state, cloud), left: { ...state.left, others: state.left.others - 1 } }
    }))),
    // An action that waits for a stack at rest waits for nothing but time.
    ...(state.running.length === 0 && state.cloud.now - idleSince(state.token) < pause
      ? [{ what: "16 minutes pass", to: { ...state, cloud: { ...state.cloud, now: state.cloud.now + pause } } }]
      : [])
  ]

  /** One of the functions that run, and what it is given. */
  const respond = (state: State, index: number, running: Running) => {
    const answered = (answer: Answer, after: State = state): State => {
      // Its job may have got its result by this very answer.
      const { open } = after.running[index] ?? running
      const answers = [...running.answers, answer]
      const seen = answer._tag === "Stack" ? after.cloud.operations.length : running.seen
      return { ...after, running: after.running.with(index, { ...running, open, answers, seen }) }
    }
    const faults = (...moves: ReadonlyArray<readonly [what: string, to: (left: State) => State]>) => {
      const left = { ...state, left: { ...state.left, faults: state.left.faults - 1 } }
      return state.left.faults === 0 ? [] : moves.map(([what, to]) => ({ what, unfair: true, to: to(left) }))
    }
    const unavailable = (left: State) => answered({ _tag: "Unavailable" }, left)
    const killed = (left: State) => kill(left, index)
    return { answered, faults, unavailable, killed }
  }

  type Respond = ReturnType<typeof respond>

  const looks = (state: State, call: Call & { readonly _tag: "describe" | "events" }, respond: Respond) => {
    const { answered, faults, unavailable } = respond
    const look = (stacks: ReadonlyArray<Cloud.ModelStack>): Answer => {
      const stack = Cloud.find(stacks, call.stack)
      if (call._tag === "describe") return { _tag: "Stack", stack: stack && { ...stack, events: [] } }
      return setting.mayReadEvents ? { _tag: "Events", events: stack?.events ?? [] } : { _tag: "Denied" }
    }
    const fresh = look(state.cloud.stacks)
    const stale = look(state.before)
    const moves: Array<Move<State>> = [{ what: call._tag, to: answered(fresh) }]
    if (state.left.stale > 0 && JSON.stringify(stale) !== JSON.stringify(fresh)) {
      const left = { ...state.left, stale: state.left.stale - 1 }
      const spent = { ...state, left, before: left.stale === 0 ? [] : state.before }
      moves.push({ what: `${call._tag}, of what was before`, unfair: true, to: answered(stale, spent) })
    }
    return [...moves, ...faults([`${call._tag}: no answer`, unavailable])]
  }

  const changes = (state: State, call: Changing, respond: Respond) => {
    const { answered, faults, killed, unavailable } = respond
    const moves: Array<Move<State>> = faults(
      [`${call._tag}: the request is lost`, unavailable],
      [`${call._tag}: the function is killed before`, killed]
    )
    for (const [reply, after] of change(state.cloud, call)) {
      const what = `${call._tag}: ${reply._tag}`
      const breaks = after === state.cloud ? undefined : setting.laws.onBegin(after)
      moves.push({ what, to: answered(reply, changed(state, after)), breaks })
      // What changes nothing is the same as a lost request when its answer is lost.
      if (after === state.cloud) continue
      moves.push(
        ...faults(
          [`${what}, but the answer is lost`, (left) => unavailable(changed(left, after))],
          [`${what}, but the function is killed`, (left) => killed(changed(left, after))]
        )
      )
      for (const [second] of change(after, call)) {
        const again = `${what}, the answer is lost, and asked again: ${second._tag}`
        moves.push(...faults([again, (left) => answered(second, changed(left, after))]))
      }
    }
    return moves
  }

  const reports = (
    state: State,
    { outcome }: Call & { readonly _tag: "report" },
    running: Running,
    respond: Respond
  ) => {
    const { answered, faults, killed, unavailable } = respond
    if (!running.open) return [{ what: "report: not open", to: answered({ _tag: "NotOpen" }) }]
    const what = `report: ${outcome._tag}: ${outcome.message.split("\n")[0]}`
    const breaks = setting.laws.onReport(outcome, state.cloud, running)
    const taken: Move<State> = { what, to: answered({ _tag: "Taken" }, take(state, outcome)), breaks }
    return [
      taken,
      ...faults(
        [`${what}, but the answer is lost`, (left) => unavailable(take(left, outcome))],
        [`${what}, the answer is lost, and asked again`, (left) => answered({ _tag: "NotOpen" }, take(left, outcome))],
        ["report: the request is lost", unavailable],
        ["report: the function is killed before", killed]
      )
    ]
  }

  /** What the world can answer to the call of a function that runs. */
  const replies = (state: State, index: number, running: Running, call: Call): ReadonlyArray<Move<State>> => {
    const responding = respond(state, index, running)
    switch (call._tag) {
      case "describe":
      case "events":
        return looks(state, call, responding)
      case "create":
      case "update":
      case "delete":
        return changes(state, call, responding)
      default:
        return reports(state, call, running, responding)
    }
  }

  /** The function ends without a word; Lambda delivers its event again. */
  const kill = (state: State, index: number): State => {
    const { open, token } = state.running[index] ?? { open: false, token: null }
    return { ...state, running: state.running.toSpliced(index, 1), due: [...state.due, { token, open }] }
  }

  /** CodePipeline takes a result for the open job. */
  const take = (state: State, outcome: JobOutcome): State => {
    const past = state.past.includes(state.token) ? state.past : [...state.past, state.token]
    const over = { ...state, past, running: closed(state.running), due: closed(state.due) }
    return outcome._tag === "Continued"
      ? { ...over, token: canonical(outcome.continuationToken), delivered: false }
      : { ...over, ended: true, before: [], left: { ...state.left, faults: 0, others: 0, stale: 0 } }
  }

  return {
    initial: setting.initial.map((cloud) => ({
      cloud,
      before: setting.budget.stale === 0 ? [] : cloud.stacks,
      delivered: false,
      token: setting.token,
      past: [],
      due: [],
      running: [],
      ended: false,
      left: setting.budget
    })),
    isEnd: ({ ended }) => ended,
    moves: Effect.fnUntraced(function*(state) {
      const moves: Array<Move<State>> = []
      for (const [index, running] of state.running.entries()) {
        const next = yield* nextOf(running)
        if (next._tag === "Call") {
          const answers = replies(state, index, running, next.call)
          // What nobody else can notice may as well come first.
          if (next.call._tag === "report" && !running.open) return answers
          moves.push(...answers)
        } else if (next._tag === "Rejected") {
          return [{ what: "the handler rejects", to: kill(state, index) }]
        } else {
          return [{ what: "the handler returns", to: { ...state, running: state.running.toSpliced(index, 1) } }]
        }
      }
      // What comes after the end can only start something new: that is looked for while functions run.
      if (state.ended && state.running.length === 0 && state.due.length === 0 && state.left.deliveries === 0) {
        return moves
      }
      return [...moves, ...deliveries(state), ...worldMoves(state)]
    })
  }
}
