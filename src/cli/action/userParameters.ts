// UserParameters on a command line.
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as UserParameters from "../../domain/job/UserParameters.ts"
import { notJson, parse } from "../../domain/text/json.ts"
import type { AnyAction } from "../../lambda/handler.ts"
import { value, values } from "../commandLine/options.ts"
import { badUsage } from "../commandLine/usage.ts"

/** The options for UserParameters. */
export const userParametersOptions = {
  option: values("option", {
    value: "NAME=VALUE",
    text: "One of the UserParameters of the action. VALUE is JSON, or else a string."
  }),
  userParameters: value("user-parameters", {
    value: "TEXT",
    text: "The UserParameters as a whole, such as JSON; each --option overrides one of them."
  })
} as const

/** How the options are named in advice. */
export const userParametersAdvice = "--option NAME=VALUE or --user-parameters TEXT"

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

const Parameters = Schema.fromJsonString(Schema.Record(Schema.String, Schema.Unknown))

/** The text with these parameters in its JSON. `what` names it in messages. */
export const mergeUserParameters = Effect.fn("mergeUserParameters")(function*(
  text: string,
  parameters: Readonly<Record<string, unknown>>,
  what: string
) {
  if (Object.keys(parameters).length === 0) return text
  const own = yield* Schema.decodeEffect(Parameters)(text || "{}").pipe(Effect.catch(() => badUsage(what)))
  return JSON.stringify({ ...own, ...parameters })
})

/** The text that the options make. Without any, it is the empty text if the action accepts it, or else `{}`. */
export const userParametersText = Effect.fn("userParametersText")(function*(
  { parameters }: AnyAction,
  given: Option.Option<string>,
  options: Readonly<Record<string, unknown>>
) {
  const text = yield* mergeUserParameters(
    Option.getOrElse(given, () => ""),
    options,
    "--option needs JSON as --user-parameters"
  )
  if (text !== "" || Option.isSome(given)) return text
  return (yield* Effect.isSuccess(UserParameters.decode(parameters, ""))) ? "" : "{}"
})
