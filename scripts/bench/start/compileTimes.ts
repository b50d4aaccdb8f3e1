// The time that V8 spends on compiling a script, from what it logs with --log-function-events.
import { readFileSync } from "node:fs"

export const logOptions = (file: string): ReadonlyArray<string> => [
  "--log-function-events",
  "--no-logfile-per-isolate",
  `--logfile=${file}`
]

/** A function that V8 has compiled, by its place in the script, or the whole script at first. */
export interface Compilation {
  readonly whole: boolean
  readonly start: number
  readonly millis: number
}

/** The parts of a compilation. Others that V8 logs happen within one of these. */
const parts = new Set(["parse-script", "parse-function", "interpreter", "baseline"])

/** `function,TYPE,SCRIPT,START,END,MILLISECONDS,…` and `script-details,SCRIPT,URL,…` */
export const readCompilations = (logFile: string, script: string): ReadonlyArray<Compilation> => {
  const rows = readFileSync(logFile, "latin1").split("\n").map((line) => line.split(","))
  const [, id] = rows.find(([kind, , url]) => kind === "script-details" && url === script) ?? []
  if (id === undefined) throw new Error(`V8 has not logged ${script}`)
  return rows.flatMap(([kind, type = "", scriptId, start, , millis]) =>
    kind === "function" && scriptId === id && parts.has(type)
      ? [{ whole: type === "parse-script", start: Number(start), millis: Number(millis) }]
      : []
  )
}
