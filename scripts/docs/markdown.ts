// Markdown for the generated parts of the pages. The formatter aligns the columns of tables and breaks lines.

/** Text as code within a line. */
export const code = (text: string): string => `\`${text}\``

/** A block of code. */
export const codeBlock = (language: string, text: string): string => `\`\`\`${language}\n${text.trimEnd()}\n\`\`\``

/** A table; the first row is its head. */
export const table = ([head = [], ...rows]: ReadonlyArray<ReadonlyArray<string>>): string =>
  [head, head.map(() => "---"), ...rows]
    .map((row) => `| ${row.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`)
    .join("\n")
