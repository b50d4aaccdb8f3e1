// Deploys public templates of AWS to the in-memory CloudFormation, if their folder is beside the repository.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Predicate } from "effect"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { parseDocument } from "yaml"
import { create, everything, refusal, withMemory } from "./cloudFormation/deploy.ts"

const folder = new URL("../../../shared/templates/aws-samples/", import.meta.url)
const isThere = existsSync(folder)
const files = isThere ? readdirSync(folder).filter((file) => !file.endsWith(".txt")) : []

interface Parameter {
  readonly Type: string
  readonly Default?: unknown
  readonly AllowedValues?: ReadonlyArray<unknown>
  readonly AllowedPattern?: string
  readonly MinLength?: number
  readonly MaxLength?: number
}

interface Member {
  readonly Condition?: string
}

interface Sample {
  readonly file: string
  readonly text: string
  readonly Parameters?: Readonly<Record<string, Parameter>>
  readonly Resources: Readonly<Record<string, Member>>
  readonly Outputs?: Readonly<Record<string, Member>>
}

/** The sections, read without the project's own parser. The functions do not matter here. */
const samples = files.map((file): Sample => {
  const text = readFileSync(new URL(file, folder), "utf8")
  const sections: unknown = file.endsWith(".json")
    ? JSON.parse(text)
    : parseDocument(text, { version: "1.1", logLevel: "silent" }).toJS()
  return Object.assign({ file, text }, sections as Pick<Sample, "Resources">)
})

const required = ({ Parameters = {} }: Sample) =>
  Object.entries(Parameters).filter(([, { Default }]) => Default === undefined)

const candidates = [
  "abcdefghij",
  "Abcdefgh1",
  "1",
  "10.0.0.0/16",
  "10.0.0.1",
  "a@example.com",
  "ami-0123456789abcdef0",
  "vpc-0123456789abcdef0",
  "subnet-0123456789abcdef0",
  "123456789012",
  "us-east-1",
  "https://example.com/a",
  "example.com",
  "arn:aws:s3:::bucket",
  "s3://bucket/a",
  "d-0123456789",
  "rtb-0123456789abcdef0",
  "pcx-0123456789abcdef0",
  "arn:aws:iam::123456789012:role/Role",
  ""
]

/** A value that the parameter allows. */
const valueOf = (
  { AllowedPattern = ".*", AllowedValues = [], MaxLength = Infinity, MinLength = 0, Type }: Parameter
) => {
  const [allowed] = AllowedValues
  if (allowed !== undefined) return String(allowed)
  if (/List/.test(Type)) return "one,two,three,four,five,six"
  const pattern = new RegExp(`^(?:${AllowedPattern})$`)
  return (Type === "Number" ? ["1"] : candidates)
    .find((value) => pattern.test(value) && value.length >= MinLength && value.length <= MaxLength) ??
    assert.fail(`no value for ${AllowedPattern}`)
}

const valuesOf = (sample: Sample) =>
  Object.fromEntries(required(sample).map(([name, parameter]) => [name, valueOf(parameter)]))

/** Templates for Rain, a tool of AWS, which CloudFormation cannot read. */
const isForRain = ({ text }: Sample) => /!Rain::|"Rain::Module"/.test(text)

const unconditional = (members: Readonly<Record<string, Member>> = {}) =>
  Object.entries(members).filter(([name, { Condition }]) => Condition === undefined && !name.startsWith("Fn::")).map((
    [name]
  ) => name)

const without = (names: ReadonlyArray<string>, all: object = {}) => names.filter((name) => !Object.hasOwn(all, name))

const memory = withMemory({ resourceDuration: "1 second", exports: (name) => `export ${name}` })

describe.skipIf(!isThere)(
  `the public templates of AWS${isThere ? "" : " (../shared/templates/aws-samples is not there)"}`,
  () => {
    it("are there", () => {
      assert.isAtLeast(samples.length, 75)
    })

    it.effect.each(samples.filter(isForRain))(
      "$file is for another tool, and is refused",
      ({ text }) =>
        Effect.gen(function*() {
          assert.match(yield* refusal(text), /YAML not well-formed|Every Type member must be a string/)
        }).pipe(memory)
    )

    it.effect.each(samples.filter((sample) => !isForRain(sample) && required(sample).length > 0))(
      "$file is refused for exactly the parameters that have no default",
      (sample) =>
        Effect.gen(function*() {
          const names = required(sample).map(([name]) => name)
          assert.strictEqual(yield* refusal(sample.text), `Parameters: [${names.join(", ")}] must have values`)
        }).pipe(memory)
    )

    it.effect.each(samples.filter((sample) => !isForRain(sample)))(
      "$file deploys with all its resources and outputs when values are given",
      (sample) =>
        Effect.gen(function*() {
          const { outputs, resources, status } = yield* create(sample.text, {
            capabilities: everything,
            parameters: valuesOf(sample)
          })
          assert.strictEqual(status, "CREATE_COMPLETE")
          assert.deepStrictEqual(
            without(unconditional(sample.Resources), Object.fromEntries(resources.map((id) => [id, id]))),
            []
          )
          assert.deepStrictEqual(without(unconditional(sample.Outputs), outputs), [])
          if (!("Fn::ForEach::Tables" in sample.Resources)) {
            assert.deepStrictEqual(without(resources, sample.Resources), [])
          }
          assert.deepStrictEqual(without(Object.keys(outputs), sample.Outputs), [])
          assert.isTrue(
            Object.values(outputs).every((value) => Predicate.isString(value) && !value.includes("[object"))
          )
        }).pipe(memory)
    )
  }
)
