// Reads all pages of the lists of a stack set, which can have 100,000 instances.
import * as Effect from "effect/Effect"
import { AwsUnavailable } from "../../domain/job/AwsError.ts"
import type { Page } from "../../domain/stackSet/StackSet.ts"

/** Maximum number of pages of 100: CloudFormation's quota of instances. */
export const maxPages = 1_000

/** Fails if there are more pages, or a token is repeated: AWS never repeats one, so its answer cannot be used. */
export const readAll = Effect.fnUntraced(function*<A, E, R>(
  operation: string,
  read: (token: string | undefined) => Effect.Effect<Page<A>, E, R>
): Effect.fn.Return<ReadonlyArray<A>, E | AwsUnavailable, R> {
  const all: Array<A> = []
  const tokens = new Set<string>()
  let token: string | undefined
  for (;;) {
    const { items, next } = yield* read(token)
    for (const item of items) all.push(item)
    if (next === undefined) return all
    if (tokens.has(next) || tokens.size === maxPages - 1) {
      return yield* new AwsUnavailable({ operation, code: "EndlessPages", detail: "its pages do not end" })
    }
    tokens.add(next)
    token = next
  }
})
