// What the log says of values that are no errors: their shape, as what they hold may be secret.
import * as Cause from "effect/Cause"
import * as Predicate from "effect/Predicate"
import { truncate } from "../job/JobOutcome.ts"

/** The maximum number of keys that are named, and of causes that are followed. */
const limit = 20

/** The cause with every value that is not an `Error` replaced by an error that describes its shape. */
export const loggable = (cause: Cause.Cause<unknown>): Cause.Cause<unknown> =>
  Cause.fromReasons(cause.reasons.map((reason) => {
    if (Cause.isInterruptReason(reason)) return reason
    const value = Cause.isFailReason(reason) ? reason.error : reason.defect
    const error = errorOf(value, limit)
    // What stays has the annotations of its spans.
    return error === value ? reason : Cause.makeDieReason(error)
  }))

const errorOf = (value: unknown, depth: number): Error => {
  if (!(value instanceof Error)) return new NotAnError(shapeOf(value))
  if (value.cause === undefined || depth === 0) return value
  const cause = errorOf(value.cause, depth - 1)
  return cause === value.cause ? value : Object.create(value, { cause: { value: cause } })
}

class NotAnError extends Error {
  override readonly name = "NotAnError"
}

/** Such as `Response { status, headers }`. Numbers are shown; of texts only the length, as they can be secret. */
export const shapeOf = (value: unknown): string => {
  if (Predicate.isFunction(value)) return `function ${value.name}`
  if (Predicate.isString(value)) return `string of ${value.length} characters`
  if (!Predicate.isObjectKeyword(value)) return truncate(String(value), 200)
  if (Array.isArray(value)) return `Array(${value.length})`
  const tag = Predicate.hasProperty(value, "_tag") && Predicate.isString(value._tag) ? value._tag : undefined
  const name = tag ?? value.constructor?.name ?? "Object"
  const keys = Object.keys(value)
  const more = keys.length > limit ? ", …" : ""
  return truncate(`${name} { ${keys.slice(0, limit).join(", ")}${more} }`, 1_000)
}
