// How a subcommand ends without success: the command line is wrong, or the work was done and has failed.
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { closestMatches } from "../../domain/text/closestMatches.ts"

/** The command line, or a file that it names, is wrong. The message says what to do. The exit status is 2. */
export class BadUsage extends Schema.TaggedError<BadUsage>()("BadUsage", { message: Schema.String }) {}

export const badUsage = (message: string) => Effect.fail(new BadUsage({ message }))

/** The subcommand has shown that it failed. The exit status is 1, and nothing more is printed. */
export class Unsuccessful extends Data.TaggedError("Unsuccessful") {}

/** The message of a thrown value. */
export const reason = (cause: unknown) => cause instanceof Error ? cause.message : String(cause)

/** Why a file of the command line was not read. `shown` names the file. */
export const notRead = (shown: string, cause: unknown): string => {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined
  return code === "ENOENT" ? `${shown} does not exist` : `${shown} cannot be read: ${reason(cause)}`
}

/** `did you mean X?`, or the list of all known names. */
export const didYouMean = (name: string, known: ReadonlyArray<string>): string => {
  const [closest] = closestMatches(name, known)
  if (closest !== undefined) return `did you mean ${closest}?`
  if (known.length === 0) return "none are known"
  return `known ${known.length === 1 ? "is" : "are"} ${known.join(", ")}`
}
