// The text of --help, which fits the width of the terminal.

export interface Help {
  /** The command, and the placeholders of its arguments. */
  readonly usage: string
  /** In paragraphs separated by empty lines. */
  readonly purpose: string
  /** Lists of subcommands, of arguments and of options: each row has a name and a text. */
  readonly lists: ReadonlyArray<ReadonlyArray<readonly [name: string, text: string]>>
  /** Whole commands. */
  readonly examples: ReadonlyArray<string>
  /** `0 …, 1 …` */
  readonly status: string
}

/** The description of an option. */
export interface OptionText {
  /** The placeholder of its value in the help, such as `NAME=PATH`. */
  readonly value?: string
  readonly text: string
  /** The default, in words. */
  readonly otherwise?: string
}

/** The text of an option in the help. */
export const textOfOption = ({ otherwise, text }: OptionText, isRepeatable: boolean): string =>
  [text, isRepeatable ? "Can be repeated." : "", otherwise === undefined ? "" : `Default: ${otherwise}.`]
    .filter((part) => part !== "").join(" ")

/** The width of the help, if the terminal is not narrower. */
const widest = 118

/** The least room for a text beside its name. With less, the text goes below. */
const narrowest = 36

/** Breaks a text into lines, which are indented as far as `head`. A line that is continued ends with `mark`. */
const wrapped = (
  head: string,
  words: ReadonlyArray<string>,
  width: number,
  indent = head.length,
  mark = ""
): string => {
  const lines = [head]
  for (const word of words) {
    const line = lines.at(-1) ?? ""
    const joint = line.trim() === "" || line === head ? "" : " "
    if (line.trim() === "" || line.length + joint.length + word.length + mark.length <= width) {
      lines[lines.length - 1] = `${line}${joint}${word}`
    } else lines.push(`${" ".repeat(indent)}${word}`)
  }
  return lines.join(`${mark}\n`)
}

const wordsOf = (text: string) => text.trim().split(/\s+/)

/** The words of a command. An option and its value stay together. */
const argumentsOf = (command: string) => command.split(/ (?=--?\w)| (?=>)/)

/** The help for a terminal of this many columns. */
export const layoutHelp = ({ examples, lists, purpose, status, usage }: Help, columns = Infinity): string => {
  const width = Math.min(widest, columns - 1)
  const column = Math.max(...lists.flat().map(([name]) => name.length)) + 4
  const row = ([name, text]: readonly [string, string]) =>
    width - column < narrowest
      ? `  ${name}\n${wrapped("      ", wordsOf(text), width)}`
      : wrapped(`  ${name}`.padEnd(column), wordsOf(text), width)
  const sections = [
    `Usage: ${usage}`,
    purpose.trim().split(/\n\n+/).map((paragraph) => wrapped("", wordsOf(paragraph), width)).join("\n\n"),
    ...lists.map((rows) => rows.map(row).join("\n")),
    `Examples:\n${examples.map((example) => wrapped("  ", argumentsOf(example), width, 6, " \\")).join("\n")}`,
    wrapped("", wordsOf(`Exit status: ${status}.`), width)
  ]
  return `${sections.join("\n\n")}\n`
}

/** The row of `--help` itself. */
export const helpRow = ["--help", "Print this text."] as const

/** The width of the terminal: COLUMNS has it if the output goes elsewhere, such as to a pager. */
export const terminalColumns = (): number => Number(process.env["COLUMNS"]) || process.stdout.columns || Infinity
