// The names that npm accepts for a new package.
import { builtinModules } from "node:module"

/** The limit of npm's registry. */
const longest = 214

const reserved = new Set(["node_modules", "favicon.ico", ...builtinModules.map((name) => name.replace(/^node:/, ""))])

/** A name that npm accepts, which is like this one. */
const similar = (name: string): string =>
  name.replaceAll(/([a-z\d])([A-Z])/g, "$1-$2").toLowerCase().replaceAll(/[^a-z\d._-]+/g, "-")
    .replaceAll(/^[._-]+|-+$/g, "").slice(0, longest)

/** Why npm does not accept the name, with advice; undefined if it does. A package cannot depend on one of its own name. */
export const nameProblem = (name: string, dependencies: Iterable<string>): string | undefined => {
  if (name.length > longest) return `has ${name.length} characters, and npm allows ${longest}`
  if (!/^[a-z\d][a-z\d._-]*$/.test(name)) {
    const other = similar(name)
    const advice = other === "" ? "" : `; ${other} would be one`
    return `is not a name that npm accepts: lowercase letters, digits, ".", "_" and "-"${advice}`
  }
  if (reserved.has(name)) return "is a name that npm reserves"
  return new Set(dependencies).has(name) ? "is the name of a package that the project needs" : undefined
}
