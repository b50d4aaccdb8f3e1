// Turns the problems that a schema found into sentences. A rejected value is quoted unless it may be secret.
import * as Predicate from "effect/Predicate"
import * as SchemaAST from "effect/SchemaAST"
import * as SchemaIssue from "effect/SchemaIssue"
import { truncate } from "../job/JobOutcome.ts"
import { closestMatches } from "./closestMatches.ts"
import { firstOf, quotedNames } from "./lists.ts"

/**
 * An annotation for schemas whose values must not be quoted in messages: `schema.annotate(confidential)`. `Redacted`
 * values are confidential without it.
 */
export const confidential = { confidential: true } as const

/**
 * One sentence for each problem, in the order of the schema; then, for each object with an unknown name that has no close
 * match, one with all names that are known there. Only the first 20 problems have sentences; the last one says how many
 * more there are. `input` is the value that was decoded and `name` is its name. Quotes rejected texts, numbers and booleans
 * within an object, with at most 100 characters; of {@link confidential} values, of all others and if `quote` is false, it
 * names only the kind ("got a number").
 */
export const problems = (
  name: string,
  issue: SchemaIssue.Issue,
  input: unknown,
  { quote }: { readonly quote: boolean } = { quote: true }
): ReadonlyArray<string> => {
  const knownAt = new Map<string, ReadonlyArray<string>>()
  const sentenceOf = ({ isHidden, issue, message = format(issue), path: keys }: Problem) => {
    const where = keys.length === 0 ? name : `"${pathOf(keys)}"`
    if (issue._tag === "MissingKey" && issue.annotations?.messageMissingKey === undefined) return `${where} is missing`
    if (issue._tag === "UnexpectedKey") {
      const names = namesOf(issue.ast)
      const [closest] = closestMatches(String(keys.at(-1)), names)
      if (closest !== undefined) return `${where} is not known (did you mean "${closest}"?)`
      if (names.length > 0) knownAt.set(pathOf(keys.slice(0, -1)), names)
      return `${where} is not known`
    }
    if (!message.startsWith(expected)) return message
    const words = message.slice(expected.length)
    const value = valueAt(input, keys)
    const got = !quote || keys.length === 0 || isHidden ? kindOf(value) : quoted(value)
    return `${where}: expected ${words}, got ${got}${didYouMean(words, value)}`
  }
  const sentences = firstOf([...problemsOf(issue)], sentenceOf)
  return sentences.concat(Array.from(knownAt, ([place, names]) => {
    const where = place === "" ? "" : ` in "${place}"`
    return `known${where} are ${quotedNames(names)}`
  }))
}

/** One thing that is wrong: an issue without others in it. */
interface Problem {
  readonly path: ReadonlyArray<PropertyKey>
  readonly issue: SchemaIssue.Issue
  /** That of a filter around the issue, if it has one. */
  readonly message: string | undefined
  /** Whether the value is within a confidential one, or the encoded side of one, which has no mark. */
  readonly isHidden: boolean
}

function* problemsOf(
  issue: SchemaIssue.Issue,
  path: ReadonlyArray<PropertyKey> = [],
  isHidden = false,
  message?: string
): Generator<Problem> {
  switch (issue._tag) {
    case "Pointer":
      return yield* problemsOf(issue.issue, [...path, ...issue.path], isHidden, message)
    case "Encoding":
      return yield* problemsOf(issue.issue, path, isHidden || containsConfidential(issue.ast), message)
    case "Filter":
      if (issue.issue._tag === "InvalidValue") return yield { issue, path, isHidden, message }
      return yield* problemsOf(issue.issue, path, isHidden, message ?? SchemaIssue.defaultCheckHook(issue))
    case "Composite":
      for (const inner of issue.issues) yield* problemsOf(inner, path, isHidden || isConfidential(issue.ast), message)
      return
    case "AnyOf":
    case "InvalidType": {
      const isNowHidden = isHidden || containsConfidential(issue.ast)
      const inner = issue._tag === "AnyOf" ? issue.issues : []
      if (inner.length === 0) return yield { issue, path, isHidden: isNowHidden, message }
      for (const one of inner) yield* problemsOf(one, path, isNowHidden, message)
      return
    }
    default:
      yield { issue, path, isHidden, message }
  }
}

const format = SchemaIssue.makeFormatterDefault()

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
  truncate(
    keys.reduce<string>((path, key) => {
      if (Predicate.isNumber(key)) return `${path}[${key}]`
      return path === "" ? String(key) : `${path}.${String(key)}`
    }, ""),
    300
  )

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
