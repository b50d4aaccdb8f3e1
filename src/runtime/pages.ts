// Reads all pages of a paged call.
import * as Effect from "effect/Effect"
import { constFalse } from "effect/Function"
import { AwsUnavailable } from "../domain/job/AwsError.ts"

/** Maximum number of pages: more than an operation on a stack has, whose events fill at most some dozens. */
export const maxPages = 200

/**
 * The results of all pages of a call, or of the first ones that are enough. `read` returns those of the page with this
 * token, and the next page's token if there is one. Fails if a token is repeated or there are more than 200 pages: AWS
 * never repeats one, so its answer cannot be used.
 */
export const allPages = Effect.fnUntraced(function*<A, E, R>(
  operation: string,
  read: (token: string | undefined) => Effect.Effect<readonly [ReadonlyArray<A>, next: string | undefined], E, R>,
  areEnough: (results: ReadonlyArray<A>) => boolean = constFalse
): Effect.fn.Return<ReadonlyArray<A>, E | AwsUnavailable, R> {
  const all: Array<A> = []
  const tokens = new Set<string>()
  let token: string | undefined
  for (;;) {
    const [results, next] = yield* read(token)
    for (const result of results) all.push(result)
    if (next === undefined || next === "" || areEnough(all)) return all
    if (tokens.has(next) || tokens.size === maxPages - 1) {
      return yield* new AwsUnavailable({ operation, code: "EndlessPages", detail: "its pages do not end" })
    }
    tokens.add(next)
    token = next
  }
})
