// Generated templates: the in-memory CloudFormation ends as an independent evaluation of their plan predicts.
import { assert, it } from "@effect/vitest"
import { Effect, Option, Schema } from "effect"
import { TestClock } from "effect/testing"
import { stringify } from "yaml"
import { CloudFormation } from "../../../src/services/CloudFormation.ts"
import { CloudFormationMemory } from "../../../src/testing/CloudFormationMemory.ts"
import { create, stack, textOf, update, withMemory } from "./deploy.ts"

const Index = Schema.Literals([0, 1, 2, 3, 4, 5, 6, 7])
const Letter = Schema.Literals(["a", "b"])

/** A reference, mostly to an earlier resource or to a parameter: the others make circles, or need a resource that is absent. */
const Reference = Schema.Struct({
  to: Schema.Literals(["parameter", "earlier", "earlier", "earlier", "any"]),
  index: Index,
  how: Schema.Literals(["Ref", "GetAtt", "Sub", "SubAttribute", "DependsOn"])
})
type Reference = typeof Reference.Type

/** What a template is made from. Indexes count modulo the members; a condition beyond the last one is none. */
const Plan = Schema.Struct({
  isYaml: Schema.Boolean,
  parameters: Schema.Array(
    Schema.Struct({
      value: Letter,
      defaultValue: Letter,
      has: Schema.Literals(["default", "default", "value", "both", "nothing"])
    })
  ).check(Schema.isMaxLength(3)),
  conditions: Schema.Array(
    Schema.Struct({ parameter: Index, equals: Letter, isNegated: Schema.Boolean, and: Schema.NullOr(Index) })
  ).check(Schema.isMaxLength(3)),
  resources: Schema.NonEmptyArray(
    Schema.Struct({
      condition: Index,
      references: Schema.Array(Reference).check(Schema.isMaxLength(2)),
      branch: Schema.NullOr(Reference)
    })
  ).check(Schema.isMaxLength(6)),
  outputs: Schema.Array(Schema.Struct({ condition: Index, reference: Reference })).check(Schema.isMaxLength(3))
})
type Plan = typeof Plan.Type

/** The kind and the number of what a reference refers to; the resource `from` refers to earlier ones. */
const targetOf = ({ parameters, resources }: Plan, { index, to }: Reference, from: number) => {
  const earlier = to === "any" ? resources.length : from
  return to === "parameter" && parameters.length > 0
    ? { isParameter: true, number: index % parameters.length }
    : earlier === 0
    ? undefined
    : { isParameter: false, number: index % earlier }
}

/** The function that refers to the target. A parameter has no attributes. */
const callTo = (plan: Plan, reference: Reference, from: number): unknown => {
  const target = targetOf(plan, reference, from)
  if (target === undefined) return "nothing"
  const name = `${target.isParameter ? "P" : "R"}${target.number}`
  const calls = {
    Ref: { Ref: name },
    DependsOn: { Ref: name },
    Sub: { "Fn::Sub": `<\${${name}}>` },
    GetAtt: target.isParameter ? { Ref: name } : { "Fn::GetAtt": [name, "Arn"] },
    SubAttribute: { "Fn::Sub": target.isParameter ? `<\${${name}}>` : `<\${${name}.Arn}>` }
  }
  return calls[reference.how]
}

/** Members with numbered names. */
const members = (prefix: string, values: ReadonlyArray<unknown>) =>
  Object.fromEntries(values.map((value, index) => [`${prefix}${index}`, value]))

const templateOf = (plan: Plan) => {
  const { conditions, outputs, parameters, resources } = plan
  const conditionOf = (index: number) => index < conditions.length ? { Condition: `C${index}` } : {}
  const template = {
    Parameters: members(
      "P",
      parameters.map(({ defaultValue, has }) => ({
        Type: "String",
        ...((has === "default" || has === "both") && { Default: defaultValue })
      }))
    ),
    Conditions: members(
      "C",
      conditions.map(({ and, equals, isNegated, parameter }, index) => {
        const value = parameters.length === 0 ? "a" : { Ref: `P${parameter % parameters.length}` }
        const equal = { "Fn::Equals": [value, equals] }
        const own = isNegated ? { "Fn::Not": [equal] } : equal
        return and === null || index === 0 ? own : { "Fn::And": [own, { Condition: `C${and % index}` }] }
      })
    ),
    Resources: members(
      "R",
      resources.map(({ branch, condition, references }, index) => ({
        Type: "AWS::SNS::Topic",
        ...conditionOf(condition),
        DependsOn: references.flatMap((reference) => {
          const target = reference.how === "DependsOn" ? targetOf(plan, reference, index) : undefined
          return target === undefined || target.isParameter ? [] : [`R${target.number}`]
        }),
        Properties: {
          Values: references.filter(({ how }) => how !== "DependsOn").map((reference) =>
            callTo(plan, reference, index)
          ),
          ...(branch !== null && conditions.length > 0 && {
            Branch: { "Fn::If": ["C0", callTo(plan, branch, index), { Ref: "AWS::NoValue" }] }
          })
        }
      }))
    ),
    Outputs: members(
      "O",
      outputs.map(({ condition, reference }) =>
        Object.assign({ Value: callTo(plan, reference, resources.length) }, conditionOf(condition))
      )
    )
  }
  return plan.isYaml ? stringify(template, { aliasDuplicateObjects: false }) : textOf(template)
}

/** What the plan means, without a template: `undefined` if it has no stack. */
const predict = (plan: Plan) => {
  const { conditions, outputs, parameters, resources } = plan
  const values = parameters.map(({ defaultValue, has, value }) =>
    has === "nothing" ? undefined : has === "default" ? defaultValue : value
  )
  const holds: Array<boolean> = []
  for (const [index, { and, equals, isNegated, parameter }] of conditions.entries()) {
    const value = values.length === 0 ? "a" : values[parameter % values.length]
    holds.push((value === equals) !== isNegated && (and === null || index === 0 || holds[and % index] === true))
  }
  const isTrue = (condition: number) => holds[condition] ?? true
  const made = resources.map(({ condition }) => isTrue(condition))
  const resourceOf = (reference: Reference, from: number) => {
    const target = targetOf(plan, reference, from)
    return target === undefined || target.isParameter ? undefined : target.number
  }
  /** All edges, as the template has them, whatever the conditions are. */
  const edges = resources.map(({ branch, references }, index) =>
    [...references, ...(branch !== null && conditions.length > 0 ? [branch] : [])].flatMap((reference) =>
      resourceOf(reference, index) ?? []
    )
  )
  const reaches = (from: number, to: number, seen = new Set<number>()): boolean =>
    (edges[from] ?? []).some((next) => next === to || (!seen.has(next) && reaches(next, to, seen.add(next))))
  const isCircular = resources.some((_, index) => reaches(index, index))
  const usesAbsent = resources.some(({ branch, references }, index) => {
    const used = [
      ...references.filter(({ how }) => how !== "DependsOn"),
      ...(branch !== null && holds[0] === true ? [branch] : [])
    ]
    return made[index] === true && used.some((reference) => made[resourceOf(reference, index) ?? -1] === false)
  })
  const given = outputs.flatMap(({ condition, reference }, index) => isTrue(condition) ? [{ index, reference }] : [])
  const isAbsent = given.some(({ reference }) => made[resourceOf(reference, resources.length) ?? -1] === false)
  if (values.includes(undefined) || isCircular || usesAbsent || isAbsent) return undefined

  const textOfReference = (reference: Reference) => {
    const target = targetOf(plan, reference, resources.length)
    if (target === undefined) return "nothing"
    const { how } = reference
    const value = target.isParameter
      ? values[target.number]
      : `${stack}-R${target.number}${/Att/.test(how) ? ".Arn" : ""}`
    return how.startsWith("Sub") ? `<${value}>` : value
  }
  return {
    resources: resources.flatMap((_, index) => made[index] === true ? [`R${index}`] : []),
    before: edges.flatMap((others, index) =>
      others.flatMap((other) =>
        made[index] === true && made[other] === true ? [[`R${other}`, `R${index}`] as const] : []
      )
    ),
    outputs: Object.fromEntries(given.map(({ index, reference }) => [`O${index}`, textOfReference(reference)]))
  }
}

const assertPlan = (plan: Plan) =>
  Effect.gen(function*() {
    const { describe, events } = yield* CloudFormation
    const { operationTokens } = yield* CloudFormationMemory
    const template = templateOf(plan)
    const parameters = Object.fromEntries(
      plan.parameters.flatMap(({ has, value }, index) =>
        has === "value" || has === "both" ? [[`P${index}`, value]] : []
      )
    )
    const expected = predict(plan)
    const result = yield* Effect.result(create(template, { parameters }))
    if (expected === undefined) {
      assert.strictEqual(result._tag, "Failure", template)
      assert.deepStrictEqual([...operationTokens], [])
      assert.isTrue(Option.isNone(yield* describe(stack)))
      return
    }
    if (result._tag === "Failure") return assert.fail(`${result.failure.message}\n${template}`)
    const { outputs, resources, status } = result.success
    assert.strictEqual(status, "CREATE_COMPLETE")
    assert.deepStrictEqual(resources.toSorted(), expected.resources.toSorted())
    assert.deepStrictEqual(outputs, expected.outputs)
    const { id } = Option.getOrThrow(yield* describe(stack))
    const oldestFirst = (yield* events(id)).toReversed()
    const indexOf = (resource: string, end: string) =>
      oldestFirst.findIndex(({ logicalResourceId, status }) => logicalResourceId === resource && status.endsWith(end))
    for (const [first, second] of expected.before) {
      assert.isBelow(indexOf(first, "_COMPLETE"), indexOf(second, "_IN_PROGRESS"), `${first} before ${second}`)
    }

    const again = yield* Effect.result(update(template, { parameters }))
    assert.isTrue(again._tag === "Failure" && again.failure._tag === "NoUpdates")
    yield* CloudFormation.use((service) => service.delete({ stack, clientRequestToken: "delete" }))
    yield* TestClock.adjust("1 day")
    const deleted = yield* events(id)
    assert.deepStrictEqual(
      deleted.filter(({ physicalResourceId, status }) => status === "DELETE_COMPLETE" && physicalResourceId !== id)
        .map(({ logicalResourceId }) => logicalResourceId).toSorted(),
      expected.resources.toSorted()
    )
  }).pipe(withMemory())

let deployed = 0

it.effect.prop(
  "a template ends as its plan predicts, a refused one begins nothing, and an update to itself changes nothing",
  [Plan],
  ([plan]) => {
    if (predict(plan) !== undefined) deployed++
    return assertPlan(plan)
  },
  { arbitrary: { runs: 200 } }
)

it("many of the generated templates have a stack, and many have none", () => {
  assert.isAbove(deployed, 40)
  assert.isBelow(deployed, 160)
})
