// The text that a pipeline gives to its action, and what an action makes of it.
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import * as SchemaIssue from "effect/SchemaIssue"
import * as SchemaParser from "effect/SchemaParser"
import { problems } from "../text/problems.ts"

/** `UserParameters` is not what the action takes. */
export class UserParametersInvalid extends Schema.TaggedError<UserParametersInvalid>()("UserParametersInvalid", {
  problems: Schema.Array(Schema.String)
}) {
  override get message() {
    return this.problems.join("; ")
  }
}

/**
 * JSON in `UserParameters`: an object of these fields and no others. `shorthand` gives the object for which a text
 * stands that is not JSON.
 */
export const json = <const Fields extends Schema.Struct.Fields>(
  fields: Fields,
  shorthand: (text: string) => Option.Option<object> = Option.none
) => jsonText(shorthand).pipe(Schema.decodeTo(Schema.Struct(fields)))

/**
 * JSON in `UserParameters` whose fields depend on one another: `choose` looks at the object and says which schema it has
 * to meet.
 */
export const jsonBy = <S extends Schema.Codec<unknown, unknown>>(
  choose: (object: Readonly<Record<string, unknown>>) => S
): Schema.Codec<S["Type"], string> =>
  jsonText(Option.none).pipe(
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

/** All that is wrong with the text at once. */
export const decode = <A>(
  schema: Schema.Codec<A, string>,
  text: string
): Effect.Effect<A, UserParametersInvalid> =>
  Schema.decodeEffect(schema)(text, { errors: "all", onExcessProperty: "error" }).pipe(
    Effect.mapError(({ issue }) =>
      new UserParametersInvalid({
        problems: problems("UserParameters", issue, Option.getOrElse(parse(text), () => text))
      })
    )
  )

const parse = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Unknown))

const jsonText = (shorthand: (text: string) => Option.Option<object>) =>
  Schema.String.pipe(
    Schema.decodeTo(Schema.Unknown, {
      decode: SchemaGetter.transformEffect((text: string) =>
        Effect.fromOption(Option.orElse(shorthand(text), () => parse(text))).pipe(
          Effect.mapError(() => new SchemaIssue.InvalidValue({ message: whyNotJson(text) }))
        )
      ),
      encode: SchemaGetter.transform((value) => JSON.stringify(value))
    }),
    // Where no field is asked for: an empty struct would take anything.
    Schema.decodeTo(Schema.Record(Schema.String, Schema.Unknown))
  )

const whyNotJson = (text: string) =>
  text.trim() === ""
    ? "UserParameters could not be decoded as JSON: there are none"
    : "UserParameters could not be decoded as JSON. Where a variable (#{…}) is put into it, a quote or a line break in " +
      "the variable's value breaks the JSON"
