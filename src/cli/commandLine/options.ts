// The options of subcommands: what the help says about them, and how they are given.
import * as Flag from "effect/cli/Flag"
import * as Context from "effect/Context"
import type * as Option from "effect/Option"
import { type OptionText, textOfOption } from "./layoutHelp.ts"

const described = <A>(option: Flag.Flag<A>, help: OptionText, isRepeatable = false): Flag.Flag<A> => {
  const withText = Flag.withDescription(option, textOfOption(help, isRepeatable))
  return help.value === undefined ? withText : Flag.withMetavar(withText, help.value)
}

/** An option without a value. */
export const flag = (name: string, help: Omit<OptionText, "value">): Flag.Flag<boolean> =>
  Flag.Boolean(name).pipe((option) => described(option, help), Flag.withoutNegation, Flag.withDefault(false))

/** An option with a value, which is given at most once. */
export const value = (
  name: string,
  help: OptionText & { readonly value: string }
): Flag.Flag<Option.Option<string>> => Flag.optional(described(Flag.String(name), help))

/** An option with one of these values, which is given at most once. */
export const choice = <const Values extends ReadonlyArray<string>>(
  name: string,
  values: Values,
  help: OptionText & { readonly value: string }
): Flag.Flag<Option.Option<Values[number]>> => Flag.optional(described(Flag.Literals(name, values), help))

/** An option with a value, which can be repeated. */
export const values = (
  name: string,
  help: OptionText & { readonly value: string }
): Flag.Flag<ReadonlyArray<string>> => Flag.atLeast(described(Flag.String(name), help, true), 0)

/** What the exit statuses of a subcommand mean, for its help: `0 …, 1 …`. */
export const ExitStatus = Context.Reference<string>("effect-codepipeline/cli/ExitStatus", {
  defaultValue: () => "0 it was done, 1 it failed, 2 the command line is wrong"
})
