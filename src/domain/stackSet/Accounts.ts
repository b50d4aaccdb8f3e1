// The file with the ids of the accounts.
import * as Result from "effect/Result"
import * as Template from "../stack/Template.ts"
import { quotedNames } from "../text/lists.ts"

const id = /^\d{12}$/

/**
 * The ids in a file: a JSON list of strings, or text with commas, spaces or line breaks between the ids. Duplicates count
 * once. Fails with the reason, which continues a sentence.
 */
export const decode = (file: Uint8Array): Result.Result<ReadonlyArray<string>, string> =>
  Result.flatMap(Template.decode(file), ({ text }) => {
    const words = new Set(text.replaceAll(/["[\]]/g, " ").split(/[\s,;]+/).filter((word) => word !== ""))
    const others = [...words].filter((word) => !id.test(word))
    if (others.length > 0) return Result.fail(`it has other texts than ids of 12 digits: ${quotedNames(others)}`)
    return words.size === 0 ? Result.fail("it has no account") : Result.succeed([...words])
  })
