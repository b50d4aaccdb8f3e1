import { assert, describe, it } from "@effect/vitest"
import {
  isInSync,
  isPending,
  judge,
  lines,
  type ResourceDrift,
  resources
} from "../../../src/domain/stack/StackDrift.ts"

const differences = [{ path: "/A", expected: "a", actual: "b" }]
const topic: ResourceDrift = {
  logicalResourceId: "Topic",
  resourceType: "AWS::SNS::Topic",
  status: "MODIFIED",
  differences
}
const plain = (_: string, value: string) => value

describe("a drift detection", () => {
  it("is pending only while it is in progress", () => {
    assert.isTrue(isPending({ status: "DETECTION_IN_PROGRESS" }))
    assert.isFalse(isPending({ status: "DETECTION_COMPLETE" }))
    assert.isFalse(isPending({ status: "DETECTION_FAILED" }))
  })

  it("that is complete and in sync needs no list of resources", () => {
    assert.isTrue(isInSync({ status: "DETECTION_COMPLETE", driftStatus: "IN_SYNC" }))
    assert.isFalse(isInSync({ status: "DETECTION_FAILED", driftStatus: "IN_SYNC" }))
    assert.isFalse(isInSync({ status: "DETECTION_COMPLETE", driftStatus: "DRIFTED" }))
  })

  it("counts the listed resources, or those of the detection if the list was replaced", () => {
    assert.deepStrictEqual(judge({ status: "DETECTION_COMPLETE", driftStatus: "DRIFTED" }, [topic, topic]), {
      drifted: 2
    })
    assert.deepStrictEqual(judge({ status: "DETECTION_COMPLETE", driftStatus: "DRIFTED", driftedResources: 3 }, []), {
      drifted: 3
    })
    assert.deepStrictEqual(judge({ status: "DETECTION_COMPLETE", driftStatus: "DRIFTED" }, []), { drifted: 1 })
    assert.deepStrictEqual(judge({ status: "DETECTION_COMPLETE", driftStatus: "NOT_CHECKED" }, []), { drifted: 0 })
  })

  it("that failed for some resources still has the others", () => {
    assert.deepStrictEqual(judge({ status: "DETECTION_FAILED", reason: "No access" }, [topic]), {
      drifted: 1,
      unchecked: "No access"
    })
    assert.deepStrictEqual(judge({ status: "DETECTION_COMPLETE", driftStatus: "UNKNOWN" }, []), {
      drifted: 0,
      unchecked: "the detection ended with DETECTION_COMPLETE, without a reason"
    })
  })
})

describe("the text about drifted resources", () => {
  it("has the template's and the actual value of each property, and names deleted resources", () => {
    assert.deepStrictEqual(lines([topic, { ...topic, status: "DELETED", differences: [] }], plain), [
      "Topic (AWS::SNS::Topic) was changed: /A: a → b",
      "Topic (AWS::SNS::Topic) was deleted"
    ])
  })

  it("has at most five properties of a resource, 200 characters of a value and 20 resources", () => {
    const long = { path: "/B", expected: "x".repeat(1_000), actual: "" }
    const [line = ""] = lines([{ ...topic, differences: Array.from({ length: 7 }, () => long) }], plain)
    assert.match(line, /, and 2 more$/)
    assert.isBelow(line.length, 1_100)
    const all = lines(Array.from({ length: 25 }, () => topic), plain)
    assert.strictEqual(all.length, 21)
    assert.strictEqual(all.at(-1), "and 5 more")
  })

  it("has no value that is hidden", () => {
    assert.deepStrictEqual(lines([topic], (path, value) => `${path}=${value.length}`), [
      "Topic (AWS::SNS::Topic) was changed: /A: /A=1 → /A=1"
    ])
  })

  it("counts one resource in the singular", () => {
    assert.deepStrictEqual([0, 1, 2].map(resources), ["0 resources", "1 resource", "2 resources"])
  })
})
