// The credentials that are known by value, and their redaction in every text that leaves the function.
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import { wellFormed } from "../domain/text/wellFormed.ts"

/**
 * Values, and parts of values, with at least this many characters are redacted. Credentials of AWS are longer (an access
 * key id has 16 characters or more); a shorter value is a placeholder such as `local`, and redacting it, or a shorter part
 * of a value, would hide ordinary words.
 */
const minimumLength = 9

/**
 * The index has every fifth sequence of five characters of each value. Any part with nine characters contains one of
 * these sequences completely.
 */
const step = 5

const replacement = "(hidden)"

/** Credentials that are known by value. */
export class KnownSecrets {
  /** All values in all their encodings, one after the other. */
  #known = ""
  readonly #values = new Set<string>()
  /** Positions in `#known` by the five characters there. */
  readonly #index = new Map<string, Array<number>>()

  /** Redacts these values from now on. Values with fewer than nine characters are ignored. */
  add(values: Iterable<string>): void {
    for (const value of values) {
      if (value.length < minimumLength || this.#values.has(value)) continue
      this.#values.add(value)
      for (const encoded of encodingsOf(value)) this.#addEncoded(encoded)
    }
  }

  #addEncoded(text: string) {
    for (let at = 0; at + step <= text.length; at += step) {
      const key = text.slice(at, at + step)
      const positions = this.#index.get(key)
      if (positions === undefined) this.#index.set(key, [this.#known.length + at])
      else positions.push(this.#known.length + at)
    }
    this.#known += `${text}\0`
  }

  /**
   * The text without these values and without parts of them that have nine characters or more, plain, URL-encoded,
   * base64-encoded or as JSON. The time is linear in the length of the text.
   */
  readonly redact = (text: string): string => {
    if (this.#index.size === 0) return text
    let redacted = ""
    let end = 0
    for (let at = 0; at + step <= text.length; at++) {
      if (!this.#index.has(text.slice(at, at + step))) continue
      const part = this.#longestPart(text, at, end)
      if (part.end - part.start < minimumLength) continue
      redacted += text.slice(end, part.start) + replacement
      end = part.end
      at = end - 1
    }
    return end === 0 ? text : redacted + text.slice(end)
  }

  /** The longest part around the first indexed sequence; its own next sequence may start up to four characters later. */
  #longestPart(text: string, first: number, from: number) {
    let longest = { start: first, end: first }
    for (let at = first; at < first + step; at++) {
      for (const position of this.#index.get(text.slice(at, at + step)) ?? []) {
        let start = at
        while (start > from && this.#known[position - at + start - 1] === text[start - 1]) start--
        let end = at + step
        while (end < text.length && this.#known[position - at + end] === text[end]) end++
        if (end - start > longest.end - longest.start) longest = { start, end }
      }
    }
    return longest
  }
}

/** In base64 a value looks different for each of the three positions in the surrounding bytes. */
const encodingsOf = (value: string): ReadonlySet<string> => {
  const base64 = [0, 1, 2].map((offset) => Buffer.from("\0".repeat(offset) + value).toString("base64"))
  return new Set([
    value,
    encodeURIComponent(wellFormed(value)),
    JSON.stringify(value).slice(1, -1),
    ...base64,
    ...base64.map((text) => text.replaceAll("+", "-").replaceAll("/", "_"))
  ])
}

/**
 * The secrets of the current job. JobRunner provides those of its event and of the environment; add others, such as the
 * credentials of an assumed role, with {@link addSecrets}.
 */
export const Secrets = Context.Reference<KnownSecrets>("effect-codepipeline/runtime/Secrets", {
  defaultValue: () => new KnownSecrets()
})

/** Redacts these values in the reports and log lines of the current job from now on. */
export const addSecrets = (...values: ReadonlyArray<string>): Effect.Effect<void> =>
  Effect.map(Secrets, (secrets) => secrets.add(values))

const variables = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"]

/**
 * @internal
 *
 * The credentials of the environment and of the event, valid or not.
 */
export const secretsOf = (event: unknown): Effect.Effect<KnownSecrets> =>
  Effect.forEach(variables, (name) => Effect.orElseSucceed(Config.String(name), () => "")).pipe(
    Effect.map((values) => {
      const secrets = new KnownSecrets()
      secrets.add(values)
      secrets.add(textsIn(["CodePipeline.job", "data", "artifactCredentials"].reduce(propertyOf, event)))
      return secrets
    })
  )

const propertyOf = (value: unknown, key: string): unknown => Predicate.hasProperty(value, key) ? value[key] : undefined

const textsIn = (value: unknown): ReadonlyArray<string> =>
  (Predicate.isObject(value) ? Object.values(value) : [value]).filter(Predicate.isString)
