// Turns the problems that a schema found into sentences. A rejected value is quoted unless it may be secret.
import * as Predicate from "effect/Predicate"
import * as SchemaAST from "effect/SchemaAST"
import * as SchemaIssue from "effect/SchemaIssue"
import { truncate } from "../job/JobOutcome.ts"
import { closestMatches } from "./closestMatches.ts"

/**
 * An annotation for schemas whose values must not be quoted in messages: `schema.annotate(confidential)`. `Redacted`
 * values are confidential without it.
 */
export const confidential = { confidential: true } as const

/**
 * One sentence for each problem, in the order of the schema; then, for each object with an unknown name that has no close
 * match, one with all names that are known there. `input` is the value that was decoded and `name` is its name. Quotes
 * rejected texts, numbers and booleans within an object, with at most 100 characters; of {@link confidential} values, of
 * all others and if `quote` is false, it names only the kind ("got a number").
 */
export const problems = (
  name: string,
  issue: SchemaIssue.Issue,
  input: unknown,
  { quote }: { readonly quote: boolean } = { quote: true }
): ReadonlyArray<string> => {
  const hidden = quote ? new Set(confidentialPaths(issue, [])) : undefined
  // The leaf hook has no path, and the formatter's result has no schema. Both have the same order.
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
  // This formatter always returns a path, and only keys in it.
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
    const got = hidden === undefined || keys.length === 0 || hidden.has(pathOf(keys)) ? kindOf(value) : quoted(value)
    return `${where}: expected ${words}, got ${got}${didYouMean(words, value)}`
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

/** If one of these literals is expected: the one that is similar to the given text. */
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

/** A user name or password in a URL. */
const userInfo = /(?<=:\/\/)[^/?#\s]*@/

const quoted = (value: unknown): string => {
  if (Predicate.isString(value) && value !== "") {
    return JSON.stringify(truncate(value.replace(userInfo, "(hidden)@"), 100))
  }
  return Predicate.isNumber(value) || Predicate.isBoolean(value) ? String(value) : kindOf(value)
}

/** The paths of all values that are confidential or that should have contained a confidential value. */
const confidentialPaths = (
  issue: SchemaIssue.Issue,
  path: ReadonlyArray<PropertyKey>,
  isHidden = false
): ReadonlyArray<string> => {
  switch (issue._tag) {
    case "Pointer":
      return confidentialPaths(issue.issue, [...path, ...issue.path], isHidden)
    case "Filter":
      return confidentialPaths(issue.issue, path, isHidden)
    case "Encoding":
      // The encoded side of a confidential schema has no mark.
      return confidentialPaths(issue.issue, path, isHidden || containsConfidential(issue.ast))
    case "Composite":
    case "AnyOf": {
      const nowHidden = isHidden || isConfidential(issue.ast)
      const inner = issue.issues.flatMap((issue) => confidentialPaths(issue, path, nowHidden))
      return nowHidden || (issue._tag === "AnyOf" && containsConfidential(issue.ast)) ? [pathOf(path), ...inner] : inner
    }
    case "InvalidType":
      return isHidden || containsConfidential(issue.ast) ? [pathOf(path)] : []
    default:
      return isHidden ? [pathOf(path)] : []
  }
}

const isConfidential = (ast: SchemaAST.AST): boolean =>
  [ast.annotations, ...(ast.checks ?? []).map(({ annotations }) => annotations)].some((annotations) =>
    annotations?.["confidential"] === true || isRedacted(annotations?.["representation"])
  )

const isRedacted = (representation: unknown) =>
  Predicate.hasProperty(representation, "id") && representation.id === "effect/schema/Redacted"

/** Does not look into recursive schemas. */
const containsConfidential = (ast: SchemaAST.AST): boolean =>
  isConfidential(ast) || partsOf(ast).some(containsConfidential)

const partsOf = (ast: SchemaAST.AST): ReadonlyArray<SchemaAST.AST> => {
  if (SchemaAST.isObjects(ast)) return [...ast.propertySignatures, ...ast.indexSignatures].map(({ type }) => type)
  if (SchemaAST.isArrays(ast)) return [...ast.elements, ...ast.rest]
  return SchemaAST.isUnion(ast) ? ast.types : []
}
