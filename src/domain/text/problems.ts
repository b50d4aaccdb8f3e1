// Turns what a schema found wrong into sentences for people. No value of the input is ever quoted: it may be a secret.
import * as Predicate from "effect/Predicate"
import * as SchemaAST from "effect/SchemaAST"
import * as SchemaIssue from "effect/SchemaIssue"
import { closestMatches } from "./closestMatches.ts"

/**
 * One sentence for each problem, in the order of the schema; then, once for each place with an unknown name that is like
 * none of those known there, all of these. `input` is the value that was decoded, of which only kinds are told ("got a
 * number"); `name` is what to call it.
 */
export const problems = (name: string, issue: SchemaIssue.Issue, input: unknown): ReadonlyArray<string> => {
  // The formatter tells the leaf hook nothing of the path, and its result nothing of the schema; both keep the order.
  const known: Array<ReadonlyArray<string>> = []
  const format = SchemaIssue.makeFormatterStandardSchemaV1({
    leafHook: (leaf) => {
      if (leaf._tag === "UnexpectedKey") {
        known.push(namesOf(leaf.ast))
        return unexpected
      }
      return leaf._tag === "MissingKey" && leaf.annotations?.messageMissingKey === undefined
        ? missing
        : SchemaIssue.defaultLeafHook(leaf)
    }
  })
  // Of what the standard allows, this formatter gives keys alone, and always a path.
  const issues = format(issue).issues as ReadonlyArray<{ message: string; path: ReadonlyArray<PropertyKey> }>
  const knownAt = new Map<string, ReadonlyArray<string>>()
  const sentences = issues.map(({ message, path: keys }) => {
    const where = keys.length === 0 ? name : `"${pathOf(keys)}"`
    if (message === missing) return `${where} is missing`
    if (message === unexpected) {
      const names = known.splice(0, 1).flat()
      const [closest] = closestMatches(String(keys.at(-1)), names)
      if (closest !== undefined) return `${where} is not known (did you mean "${closest}"?)`
      if (names.length > 0) knownAt.set(pathOf(keys.slice(0, -1)), names)
      return `${where} is not known`
    }
    if (!message.startsWith(expected)) return message
    const words = message.slice(expected.length)
    const value = valueAt(input, keys)
    return `${where}: expected ${words}, got ${kindOf(value)}${didYouMean(words, value)}`
  })
  return sentences.concat(Array.from(knownAt, ([place, names]) => {
    const where = place === "" ? "" : ` in "${place}"`
    return `known${where} are ${names.map((name) => `"${name}"`).join(", ")}`
  }))
}

const missing = "missing"
const unexpected = "unexpected"
const expected = "Expected "

const namesOf = (ast: SchemaAST.AST) =>
  SchemaAST.isObjects(ast) ? ast.propertySignatures.map(({ name }) => String(name)) : []

const literals = /^"[^"]*"(?: \| "[^"]*")+$/

/** Where one of these literals is expected: the one that is like the text that was given. */
const didYouMean = (words: string, value: unknown) => {
  if (!Predicate.isString(value) || !literals.test(words)) return ""
  const [closest] = closestMatches(value, words.slice(1, -1).split("\" | \""))
  return closest === undefined ? "" : ` (did you mean "${closest}"?)`
}

/** `data.inputArtifacts[0].name` */
const pathOf = (keys: ReadonlyArray<PropertyKey>) =>
  keys.reduce<string>((path, key) => {
    if (Predicate.isNumber(key)) return `${path}[${key}]`
    return path === "" ? String(key) : `${path}.${String(key)}`
  }, "")

const valueAt = (input: unknown, keys: ReadonlyArray<PropertyKey>): unknown =>
  keys.reduce<unknown>((value, key) => Predicate.hasProperty(value, key) ? value[key] : undefined, input)

const kindOf = (value: unknown): string => {
  if (value === null) return "null"
  if (value === undefined) return "nothing"
  if (value === "") return "an empty string"
  if (Array.isArray(value)) return "an array"
  return Predicate.isObject(value) ? "an object" : `a ${typeof value}`
}
