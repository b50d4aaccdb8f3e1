// Lists in messages. CodePipeline shows 5,000 characters of a message, so the work for it is limited too.
import { truncate } from "../job/JobOutcome.ts"

/** Maximum number of items in a message. */
export const maxListed = 20

/** The texts of the first items; then, if there are more, how many. Only these texts are made. */
export const firstOf = <A>(items: ReadonlyArray<A>, toText: (item: A) => string): ReadonlyArray<string> =>
  items.length <= maxListed
    ? items.map(toText)
    : [...items.slice(0, maxListed).map(toText), `and ${items.length - maxListed} more`]

/** The first names in quotation marks, separated by commas. */
export const quotedNames = (names: ReadonlyArray<string>): string =>
  firstOf(names, (name) => `"${truncate(name, 300)}"`).join(", ")
