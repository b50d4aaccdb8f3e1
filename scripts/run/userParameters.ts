// UserParameters on a command line.
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { badUsage } from "../commandLine.ts"

const parseJson = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Unknown))

/** Each option is `NAME=VALUE`; the value is JSON, or else a string. The last one of a name wins. */
export const readUserParameters = (options: ReadonlyArray<string>) =>
  Effect.forEach(options, (option) => {
    const name = option.slice(0, Math.max(0, option.indexOf("=")))
    const text = option.slice(name.length + 1)
    return name === ""
      ? badUsage(`--option takes NAME=VALUE, not "${option}"`)
      : Effect.succeed([name, Option.getOrElse(parseJson(text), () => text)] as const)
  }).pipe(Effect.map((entries) => Object.fromEntries<unknown>(entries)))
