// The text that a pipeline passes to its action, and its decoding.
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import * as SchemaIssue from "effect/SchemaIssue"
import * as SchemaParser from "effect/SchemaParser"
import { type JsonError, parse } from "../text/json.ts"
import { problems } from "../text/problems.ts"

export { confidential } from "../text/problems.ts"

/** `UserParameters` do not satisfy the schema of the action. */
export class UserParametersInvalid extends Schema.TaggedError<UserParametersInvalid>()("UserParametersInvalid", {
  problems: Schema.Array(Schema.String)
}) {
  override get message() {
    return this.problems.join("; ")
  }
}

/**
 * JSON in `UserParameters`: an object with these fields and no others, without duplicate keys, and with at most 64 levels
 * and 10,000 values. `shorthand` returns the object for a text that is not JSON. Messages quote rejected values; use `Schema.RedactedFromValue` for secret fields, or annotate their schema
 * with {@link confidential}.
 */
export const json = <const Fields extends Schema.Struct.Fields>(
  fields: Fields,
  shorthand: (text: string) => Option.Option<object> = Option.none
) => jsonText(shorthand).pipe(Schema.decodeTo(Schema.Struct(fields)))

/**
 * JSON in `UserParameters` whose fields depend on each other: `choose` returns the schema for the object. In the fields
 * `numbersAsText`, numbers become the text that they have in the JSON, so that `1.10` stays `1.10`.
 */
export const jsonBy = <S extends Schema.Codec<unknown, unknown>>(
  choose: (object: Readonly<Record<string, unknown>>) => S,
  numbersAsText: ReadonlyArray<string> = []
): Schema.Codec<S["Type"], string> =>
  jsonText(Option.none, numbersAsText).pipe(
    Schema.decodeTo(Schema.declare((value: unknown): value is S["Type"] => Predicate.isObject(value)), {
      decode: SchemaGetter.transformEffect((object, options) =>
        SchemaParser.decodeEffect(choose(object))(object, options)
      ),
      encode: SchemaGetter.transformEffect((value, options) => {
        const object = value as Readonly<Record<string, unknown>>
        return SchemaParser.encodeUnknownEffect(choose(object))(object, options).pipe(
          Effect.map((encoded) => encoded as Readonly<Record<string, unknown>>)
        )
      })
    })
  )

/** Fails with all problems of the text at once: the first 20, and how many more there are. */
export const decode = <A>(
  schema: Schema.Codec<A, string>,
  text: string
): Effect.Effect<A, UserParametersInvalid> =>
  Schema.decodeEffect(schema)(text, { errors: "all", onExcessProperty: "error" }).pipe(
    Effect.mapError(({ issue }) =>
      new UserParametersInvalid({
        problems: problems("UserParameters", issue, Result.getOrElse(parse(text), () => text))
      })
    )
  )

const jsonText = (
  shorthand: (text: string) => Option.Option<object>,
  numbersAsText: ReadonlyArray<string> = []
) =>
  Schema.String.pipe(
    Schema.decodeTo(Schema.Unknown, {
      decode: SchemaGetter.transformEffect((text: string) =>
        Option.match(shorthand(text), {
          onNone: () => parse(text, { numbersAsText: (key) => numbersAsText.includes(key) }),
          onSome: (object): Result.Result<unknown, JsonError> => Result.succeed(object)
        }).pipe(
          Result.mapError((error) => new SchemaIssue.InvalidValue({ message: whyNotJson(text, error) })),
          Effect.fromResult
        )
      ),
      encode: SchemaGetter.transform((value) => JSON.stringify(value))
    }),
    // Without fields: an empty struct accepts any value.
    Schema.decodeTo(Schema.Record(Schema.String, Schema.Unknown))
  )

const whyNotJson = (text: string, { place, what }: JsonError) => {
  if (text.trim() === "") return `${notDecoded}: they are empty`
  return what === "error" ? `${notDecoded}: error in ${place}. ${ofVariables}` : `${notDecoded}: ${what}, in ${place}`
}

const notDecoded = "UserParameters could not be decoded as JSON"

const ofVariables = "If a variable (#{…}) is inserted, a quote or a line break in its value breaks the JSON"
