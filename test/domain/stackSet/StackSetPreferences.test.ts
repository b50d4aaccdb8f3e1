import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import {
  countOf,
  FailureTolerance,
  inRegions,
  MaxConcurrent
} from "../../../src/domain/stackSet/StackSetPreferences.ts"

const accepts = (schema: typeof MaxConcurrent) => Schema.is(schema)

describe("an amount of accounts", () => {
  it("is a number or a percentage", () => {
    for (const value of [1, 25, "1%", "25%", "100%"]) assert.isTrue(accepts(MaxConcurrent)(value), String(value))
    for (const value of [0, -1, 1.5, "0%", "101%", "25", "%"]) {
      assert.isFalse(accepts(MaxConcurrent)(value), String(value))
    }
  })

  it("of tolerated failures can be zero", () => {
    for (const value of [0, 3, "0%", "100%"]) assert.isTrue(accepts(FailureTolerance)(value), String(value))
    for (const value of [-1, "101%"]) assert.isFalse(accepts(FailureTolerance)(value), String(value))
  })

  it("is a count or a percentage for CloudFormation", () => {
    assert.deepStrictEqual(countOf(3), { count: 3 })
    assert.deepStrictEqual(countOf("25%"), { percentage: 25 })
    assert.deepStrictEqual(countOf(undefined), {})
  })
})

describe("the order of regions", () => {
  const regionOrder = ["us-east-1", "eu-west-1"]

  it("has exactly the regions of the operation", () => {
    assert.deepStrictEqual(inRegions({ regionOrder, maxConcurrent: 2 }, ["eu-west-1", "sa-east-1"]), {
      regionOrder: ["eu-west-1", "sa-east-1"],
      maxConcurrent: 2
    })
  })

  it("stays as it is for the whole stack set, and without an order", () => {
    assert.deepStrictEqual(inRegions({ regionOrder }, undefined), { regionOrder })
    assert.deepStrictEqual(inRegions({}, ["eu-west-1"]), {})
  })
})
