// Which group of modules each piece of a bundle comes from.
import { SourceMap } from "node:module"

/** The last one is not in the bundle: Node's own code, V8's first pass over the whole file, and the garbage collector. */
export const groups = ["AWS clients", "Effect core", "Schema", "ours", "others", "Node and V8"] as const
export type Group = (typeof groups)[number]

/** Code that a bundler has added has no module. */
const groupOf = (module: string | undefined): Group => {
  if (module === undefined) return "others"
  if (/node_modules\/(@aws-sdk|@smithy|@aws)\//.test(module)) return "AWS clients"
  if (/node_modules\/effect\/.*[Ss]chema/.test(module)) return "Schema"
  if (module.includes("node_modules/effect/")) return "Effect core"
  return module.includes("node_modules/") ? "others" : "ours"
}

export type ByGroup = Readonly<Record<Group, number>>

/** A sum for each group, as `add` is called. */
export const sumsByGroup = (): { readonly sums: ByGroup; readonly add: (group: Group, amount: number) => void } => {
  const sums = Object.fromEntries(groups.map((group) => [group, 0])) as Record<Group, number>
  return { sums, add: (group, amount) => void (sums[group] += amount) }
}

export interface Modules {
  /** The number of characters. The code is ASCII. */
  readonly size: number
  readonly groupAt: (offset: number) => Group
  /** The group of the middle of a line, from 1. */
  readonly groupOfLine: (line: number) => Group
}

/** Reads the source map of a bundle. */
export const readModules = (code: string, map: string): Modules => {
  const sources = new SourceMap(JSON.parse(map))
  const at: Array<Group> = []
  const lines: Array<Group> = []
  for (const [line, text] of code.split("\n").entries()) {
    const first = at.length
    // The line break belongs to its line.
    for (let column = 0; column <= text.length; column++) {
      const entry = sources.findEntry(line, column)
      at.push("originalSource" in entry ? groupOf(entry.originalSource) : "others")
    }
    lines.push(at[first + Math.floor(text.length / 2)] ?? "others")
  }
  return {
    size: code.length,
    groupAt: (offset) => at[offset] ?? "others",
    groupOfLine: (line) => lines[line - 1] ?? "others"
  }
}
