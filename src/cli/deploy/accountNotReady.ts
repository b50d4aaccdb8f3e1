// Messages for the terminal when AWS rejects a call of deploy.
import * as Schema from "effect/Schema"
import type { AwsError } from "../../domain/job/AwsError.ts"
import { sentences } from "../../domain/text/sentences.ts"

/** The account does not allow it with these credentials. */
export class AccountNotReady extends Schema.TaggedError<AccountNotReady>()("AccountNotReady", {
  message: Schema.String
}) {}

/** The error of an AWS call that a person has made with credentials of their own. */
export const accountNotReady = (error: AwsError): AccountNotReady => {
  if (error._tag !== "AwsDenied") return new AccountNotReady({ message: error.message })
  const { needed, problem } = error
  return new AccountNotReady({
    message: sentences(
      problem,
      needed === undefined
        ? "Check your credentials and the clock of this machine"
        : `Your credentials need ${needed}`
    )
  })
}
