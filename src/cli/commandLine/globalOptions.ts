// The options of the command itself: --help, --version and --completions.
import * as CliConfig from "effect/cli/CliConfig"
import * as CliOutput from "effect/cli/CliOutput"
import * as Completions from "effect/cli/Completions"
import * as Flag from "effect/cli/Flag"
import * as GlobalFlag from "effect/cli/GlobalFlag"
import type * as HelpDoc from "effect/cli/HelpDoc"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { helpRow, layoutHelp, terminalColumns } from "./layoutHelp.ts"
import { ExitStatus } from "./options.ts"
import { rootOptions, rootTexts, shells } from "./strictArguments.ts"

const print = (text: string) => Effect.sync(() => void process.stdout.write(text))

/** The first sentence of a text: the menu of a shell has one line for it. */
const firstSentence = (text: string | undefined) => text?.split(/(?<=[.;]) /, 1).join().replace(/[.;]$/, "")

const help: Completions.FlagDescriptor = {
  name: "help",
  aliases: [],
  description: helpRow[1],
  type: { _tag: "Boolean" },
  negation: false
}

/** Their values can be files. Effect's type for files would make every value an absolute path, even an action's name. */
const withFiles = new Set(["action", "out", "output", "ACTION"])

/** As a shell completes a parameter. */
const completed = <P extends Completions.FlagDescriptor | Completions.ArgumentDescriptor>(parameter: P): P => ({
  ...parameter,
  description: firstSentence(parameter.description),
  ...(withFiles.has(parameter.name) && { type: { _tag: "Path", pathType: "either" } })
})

const completedCommand = (command: Completions.CommandDescriptor): Completions.CommandDescriptor => ({
  ...command,
  description: firstSentence(command.description),
  flags: [...command.flags, help].map(completed),
  arguments: command.arguments.map(completed),
  subcommands: command.subcommands.map(completedCommand)
})

const completedRoot = (command: Completions.CommandDescriptor) =>
  completedCommand({ ...command, flags: [...command.flags, ...rootOptions] })

const version = GlobalFlag.Action({
  flag: Flag.Boolean("version").pipe(
    Flag.withoutNegation,
    Flag.withDescription(rootTexts.version),
    Flag.withDefault(false)
  ),
  run: (_, { version }) => print(`${version}\n`)
})

const completions = GlobalFlag.Action({
  flag: Flag.Literals("completions", shells).pipe(
    Flag.withMetavar("SHELL"),
    Flag.withDescription(rootTexts.completions),
    Flag.optional
  ),
  run: (shell, { command }) =>
    Option.match(shell, {
      onNone: () => Effect.void,
      onSome: (shell) =>
        print(`${Completions.generate(command.name, shell, completedRoot(Completions.fromCommand(command)))}\n`)
    })
})

/** Effect's help lists all values of a choice. Where they help, our own text has them. */
const withoutChoices = (text: string) => text.replace(/ \(choices: [^)]*\)$/, "")

const rowOf = ({ description, name, type }: HelpDoc.FlagDoc) =>
  [
    type === "boolean" ? `--${name}` : `--${name} ${type}`,
    withoutChoices(Option.getOrElse(description, () => ""))
  ] as const

const helpOf = (doc: HelpDoc.HelpDoc): string => {
  const { annotations, args = [], commandPath = [], description, examples = [], flags, subcommands = [] } = doc
  const isRoot = subcommands.length > 0
  const operands = isRoot
    ? ["SUBCOMMAND"]
    : args.map(({ name, required, variadic }) => {
      const placeholder = variadic ? `${name}…` : name
      return required ? placeholder : `[${placeholder}]`
    })
  const own = isRoot ? (doc.globalFlags ?? []).filter(({ name }) => name !== helpRow[0].slice(2)) : flags
  const lists = [
    subcommands.flatMap(({ commands }) =>
      commands.map(({ description, name, shortDescription = description }) => [name, shortDescription] as const)
    ),
    args.map(({ description, name }) => [name, Option.getOrElse(description, () => "")] as const),
    [...own.map(rowOf), helpRow]
  ]
  return layoutHelp({
    usage: ["npx", ...commandPath, ...operands, "[options]"].join(" "),
    purpose: description,
    lists: lists.filter((rows) => rows.length > 0),
    examples: examples.map(({ command }) => command),
    status: Context.get(annotations, ExitStatus)
  }, terminalColumns())
}

/** Errors are not presented here: they are one line on standard error, without the help. */
const presenter: CliOutput.Presenter = {
  present: (event) => event._tag === "Help" && event.reason === "Requested" ? print(helpOf(event.helpDoc)) : Effect.void
}

/** How the command line is read, and how the help is shown. */
export const globalOptions: Layer.Layer<never> = Layer.merge(
  CliConfig.layer({ builtIns: [GlobalFlag.Help, version, completions] }),
  CliOutput.layerPresenter(presenter)
)
