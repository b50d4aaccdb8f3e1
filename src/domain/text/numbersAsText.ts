// JSON numbers as they are written: 1.10 and 12345678901234567890 lose digits as numbers of JavaScript.
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"

/** The third argument of a reviver, which TypeScript's types do not have yet. Source: ECMA-262, JSON.parse. */
interface ReviverContext {
  readonly source?: string
}

/** Parses JSON. Numbers that would be written in another way are text. None if it is not JSON. */
export const parseWithNumbersAsText = Option.liftThrowable((json: string): unknown =>
  JSON.parse(
    json,
    ((_: string, value: unknown, { source }: ReviverContext = {}) =>
      Predicate.isNumber(value) && source !== undefined && String(value) !== source ? source : value) as (
        key: string,
        value: unknown
      ) => unknown
  )
)

/**
 * For these keys at the top of a parsed JSON object, replaces numbers by their text in the JSON if they would be written
 * in another way.
 */
export const withNumbersAsText = (json: string, value: unknown, keys: ReadonlyArray<string>): unknown => {
  if (!Predicate.isObject(value) || !keys.some((key) => Object.hasOwn(value, key))) return value
  const texts = Option.getOrUndefined(parseWithNumbersAsText(json))
  if (!Predicate.isObject(texts)) return value
  return { ...value, ...Object.fromEntries(Object.entries(texts).filter(([key]) => keys.includes(key))) }
}
