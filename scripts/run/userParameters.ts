// UserParameters on a command line.
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import { withNumbersAsText } from "../../src/domain/text/numbersAsText.ts"
import { badUsage } from "../commandLine.ts"

const parseJson = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Unknown))

/** In parameters and tags, numbers keep their text, as in the action. */
const valueOf = (name: string, text: string): unknown =>
  Option.match(parseJson(text), {
    onNone: () => text,
    onSome: (value) => {
      const json = `{${JSON.stringify(name)}:${text}}`
      const object = withNumbersAsText(json, { [name]: value }, ["parameters", "tags"])
      return Predicate.hasProperty(object, name) ? object[name] : value
    }
  })

/** Each option is `NAME=VALUE`; the value is JSON, or else a string. The last one of a name wins. */
export const readUserParameters = (options: ReadonlyArray<string>) =>
  Effect.forEach(options, (option) => {
    const name = option.slice(0, Math.max(0, option.indexOf("=")))
    const text = option.slice(name.length + 1)
    return name === ""
      ? badUsage(`--option takes NAME=VALUE, not "${option}"`)
      : Effect.succeed([name, valueOf(name, text)] as const)
  }).pipe(Effect.map((entries) => Object.fromEntries<unknown>(entries)))
