// The answers that every call of the program may get.
import { Effect } from "effect"
import { AwsDenied, type AwsError, AwsRejected, AwsUnavailable } from "../../src/domain/job/AwsError.ts"
import type { Answer } from "./program.ts"

const fields = { operation: "cloudformation:Call", code: "Code", detail: "detail" }

/** An answer that every call may get. Any other is impossible. */
export const fail = (answer: Answer): Effect.Effect<never, AwsError> => {
  switch (answer._tag) {
    case "Unavailable":
      return Effect.fail(new AwsUnavailable(fields))
    case "Denied":
      return Effect.fail(new AwsDenied(fields))
    case "Rejected":
      return Effect.fail(new AwsRejected(fields))
    default:
      return Effect.die(answer)
  }
}
