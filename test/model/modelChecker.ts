// Visits every state that a system can come to, and finds the shortest way to one that breaks a law.
import { Effect } from "effect"
import { createHash } from "node:crypto"

export interface Move<State> {
  /** What happens, in words. */
  readonly what: string
  readonly to: State
  /** A fault, or somebody else's doing: no program can count on it. */
  readonly unfair?: boolean
  /** The law that this move breaks. */
  readonly breaks?: string | undefined
}

export interface System<State> {
  readonly initial: ReadonlyArray<State>
  readonly moves: (state: State) => Effect.Effect<ReadonlyArray<Move<State>>>
  /** All is done. From every state there has to be a fair way to such a one. */
  readonly isEnd: (state: State) => boolean
}

export interface Explored {
  readonly states: number
  readonly transitions: number
  /** The way to a broken law, move by move, and the law. */
  readonly broken: ReadonlyArray<string> | undefined
}

/** Equal states have equal JSON. 128 bits of a hash stand for it. */
const keyOf = (state: unknown) => createHash("md5").update(JSON.stringify(state)).digest("base64")

export const explore = Effect.fnUntraced(function*<State>(
  { initial, isEnd, moves }: System<State>,
  limit = 15_000_000
): Effect.fn.Return<Explored> {
  const indices = new Map<string, number>()
  const cameFrom: Array<readonly [from: number, what: string]> = []
  const fairlyFrom: Array<Array<number>> = []
  const ends: Array<number> = []
  const queue: Array<readonly [index: number, state: State]> = []
  let transitions = 0

  const visit = (state: State, from: number, what: string) => {
    const key = keyOf(state)
    const known = indices.get(key)
    if (known !== undefined) return known
    const index = indices.size
    indices.set(key, index)
    cameFrom.push([from, what])
    fairlyFrom.push([])
    queue.push([index, state])
    if (isEnd(state)) ends.push(index)
    return index
  }

  const wayTo = (index: number): ReadonlyArray<string> => {
    const way: Array<string> = []
    for (let at = index; at >= 0;) {
      const [from, what] = cameFrom[at] ?? [-1, ""]
      way.push(what)
      at = from
    }
    return way.toReversed()
  }

  for (const state of initial) visit(state, -1, JSON.stringify(state))
  for (let at = 0; at < queue.length; at++) {
    const [index, state] = queue[at] ?? [0, initial[0] as State]
    delete queue[at]
    for (const { breaks, to, unfair, what } of yield* moves(state)) {
      transitions++
      if (breaks !== undefined) {
        return { states: indices.size, transitions, broken: [...wayTo(index), what, `BREAKS: ${breaks}`] }
      }
      const next = visit(to, index, what)
      if (!unfair) fairlyFrom[next]?.push(index)
    }
    if (indices.size > limit) throw new Error(`more than ${limit} states`)
  }

  const reachEnd = new Set(ends)
  for (const index of reachEnd) for (const from of fairlyFrom[index] ?? []) reachEnd.add(from)
  const stuck = cameFrom.findIndex((_, index) => !reachEnd.has(index))
  return {
    states: indices.size,
    transitions,
    broken: stuck < 0 ? undefined : [...wayTo(stuck), "BREAKS: from here no fair way leads to a result"]
  }
})
