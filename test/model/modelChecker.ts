// An explicit-state model checker. It visits every reachable state of a transition system in breadth-first order, so that
// a counterexample is as short as possible. It checks the invariants of transitions (safety), and that a terminal state
// stays reachable from every state by fair transitions alone (liveness).
import { Effect } from "effect"
import { hash } from "node:crypto"

export interface Transition<State> {
  /** What happens, for counterexamples. */
  readonly label: string
  readonly target: State
  /** A fault or another actor's doing: possible, but nothing may rely on it. Default: the transition is fair. */
  readonly isUnfair?: boolean
  /** The invariant that this transition violates, if any. */
  readonly violation?: string | undefined
}

export interface TransitionSystem<State> {
  readonly initialStates: ReadonlyArray<State>
  readonly transitionsFrom: (state: State) => Effect.Effect<ReadonlyArray<Transition<State>>>
  readonly isTerminal: (state: State) => boolean
}

export interface CheckResult {
  readonly states: number
  readonly transitions: number
  /** The labels of the transitions that lead to a violation, and the violation; none if the system is correct. */
  readonly counterexample: ReadonlyArray<string> | undefined
}

/** States are equal if their JSON is. 160 bits of its hash identify a state. */
const keyOf = (state: unknown) => hash("sha1", JSON.stringify(state), "base64")

export const check = Effect.fnUntraced(function*<State>(
  { initialStates, isTerminal, transitionsFrom }: TransitionSystem<State>,
  maxStates = 15_000_000
): Effect.fn.Return<CheckResult> {
  const indices = new Map<string, number>()
  /** By state: the state from which it was first reached, and by which transition. */
  const predecessors: Array<readonly [from: number, label: string]> = []
  /** By state: the states from which a fair transition leads to it. */
  const fairPredecessors: Array<Array<number>> = []
  const terminalStates: Array<number> = []
  const queue: Array<readonly [index: number, state: State]> = []
  let transitions = 0

  const visit = (state: State, from: number, label: string) => {
    const key = keyOf(state)
    const known = indices.get(key)
    if (known !== undefined) return known
    const index = indices.size
    indices.set(key, index)
    predecessors.push([from, label])
    fairPredecessors.push([])
    queue.push([index, state])
    if (isTerminal(state)) terminalStates.push(index)
    return index
  }

  const pathTo = (index: number): ReadonlyArray<string> => {
    const path: Array<string> = []
    for (let at = index; at >= 0;) {
      const [from, label] = predecessors[at] ?? [-1, ""]
      path.push(label)
      at = from
    }
    return path.toReversed()
  }

  for (const state of initialStates) visit(state, -1, JSON.stringify(state))
  for (let at = 0; at < queue.length; at++) {
    const [index, state] = queue[at] ?? [0, initialStates[0] as State]
    delete queue[at]
    for (const { isUnfair, label, target, violation } of yield* transitionsFrom(state)) {
      transitions++
      if (violation !== undefined) {
        return {
          states: indices.size,
          transitions,
          counterexample: [...pathTo(index), label, `VIOLATION: ${violation}`]
        }
      }
      const next = visit(target, index, label)
      if (!isUnfair) fairPredecessors[next]?.push(index)
    }
    if (indices.size > maxStates) throw new Error(`more than ${maxStates} states`)
  }

  // The set grows while it is iterated: these are all states that reach a terminal state by fair transitions.
  const live = new Set(terminalStates)
  for (const index of live) for (const from of fairPredecessors[index] ?? []) live.add(from)
  const stuck = predecessors.findIndex((_, index) => !live.has(index))
  return {
    states: indices.size,
    transitions,
    counterexample: stuck < 0
      ? undefined
      : [...pathTo(stuck), "VIOLATION: no fair path leads from here to a result"]
  }
})

/** Checks each initial state on its own: they share no states, and their memory is freed in between. */
export const checkEach = Effect.fnUntraced(function*<State>(system: TransitionSystem<State>) {
  let states = 0
  let transitions = 0
  for (const state of system.initialStates) {
    const result = yield* check({ ...system, initialStates: [state] })
    states += result.states
    transitions += result.transitions
    if (result.counterexample !== undefined) return { states, transitions, counterexample: result.counterexample }
  }
  return { states, transitions, counterexample: undefined }
})
