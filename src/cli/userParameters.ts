// UserParameters on a command line.
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { notJson, parse } from "../domain/text/json.ts"
import { badUsage } from "./commandLine/usage.ts"

/** In parameters and tags, numbers keep their text, as in the action. */
const keepNumbers: ReadonlySet<string> = new Set(["parameters", "tags"])

/** The value is JSON, or else a string. */
const valueOf = (name: string, text: string) =>
  Result.match(parse(text, { numbersAsText: () => keepNumbers.has(name) }), {
    onFailure: (error) =>
      error.what === "error" ? Effect.succeed(text) : badUsage(`--option ${name} cannot be used: ${notJson(error)}`),
    onSuccess: Effect.succeed<unknown>
  })

/** Each option is `NAME=VALUE`; the value is JSON, or else a string. The last one of a name wins. */
export const readUserParameters = (options: ReadonlyArray<string>) =>
  Effect.forEach(options, (option) => {
    const name = option.slice(0, Math.max(0, option.indexOf("=")))
    const text = option.slice(name.length + 1)
    return name === ""
      ? badUsage(`--option takes NAME=VALUE, not "${option}"`)
      : Effect.map(valueOf(name, text), (value) => [name, value] as const)
  }).pipe(Effect.map((entries) => Object.fromEntries<unknown>(entries)))
