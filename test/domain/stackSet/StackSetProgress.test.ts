import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import type { InstanceResult } from "../../../src/domain/stackSet/StackSet.ts"
import { advance, atStart, percent, summary } from "../../../src/domain/stackSet/StackSetProgress.ts"

const result = (status: string, region = "eu-west-1", reason?: string): InstanceResult => ({
  account: "111122223333",
  region,
  status,
  reason
})

const page = (items: ReadonlyArray<InstanceResult>, next?: string) => ({ items, next })

describe("the progress of an operation", () => {
  it("counts the instances of one page", () => {
    const progress = advance(
      atStart(4),
      page([
        result("SUCCEEDED"),
        result("FAILED", "eu-west-1", "no  such\nrole"),
        result("RUNNING", "us-east-1"),
        result("PENDING", "us-east-1")
      ]),
      1
    )
    assert.strictEqual(
      summary(progress),
      "2 of 4 instances, 1 failed (eu-west-1/111122223333: no such role), now us-east-1"
    )
    assert.strictEqual(percent(progress), 50)
  })

  it("goes through the pages, and says that its number is the least", () => {
    const first = advance(atStart(300), page(Array.from({ length: 100 }, () => result("SUCCEEDED")), "2"), 0)
    assert.strictEqual(first.token, "2")
    assert.strictEqual(summary(first), "at least 100 of 300 instances")
    const second = advance(first, page(Array.from({ length: 100 }, () => result("SUCCEEDED")), "3"), 0)
    const third = advance(second, page(Array.from({ length: 100 }, () => result("PENDING"))), 0)
    assert.strictEqual(summary(third), "at least 200 of 300 instances")
    assert.isUndefined(third.token)
    const again = advance(third, page(Array.from({ length: 100 }, () => result("SUCCEEDED")), "2"), 0)
    assert.strictEqual(again.done, 200)
  })

  it("learns the number of instances when all pages are read", () => {
    const first = advance(atStart(undefined), page([result("SUCCEEDED")], "2"), undefined)
    assert.strictEqual(summary(first), "at least 1 instance done")
    assert.isUndefined(percent(first))
    const second = advance(first, page([result("RUNNING")]), undefined)
    assert.strictEqual(summary(second), "at least 1 of 2 instances, now eu-west-1")
    assert.strictEqual(percent(second), 50)
  })

  it("begins again at the first page if the token of the next one has no room in the state", () => {
    const progress = advance(atStart(undefined), page([result("SUCCEEDED")], "x".repeat(1_025)), undefined)
    assert.isUndefined(progress.token)
    assert.strictEqual(progress.seen, 0)
  })

  it("shows failures without a reason by their status, and shortens long reasons", () => {
    const one = advance(atStart(1), page([result("FAILED")]), undefined)
    assert.strictEqual(summary(one), "1 of 1 instance, 1 failed (eu-west-1/111122223333: FAILED)")
    const long = advance(atStart(1), page([result("FAILED", "eu-west-1", "x".repeat(500))]), undefined)
    assert.isAtMost(long.failure?.length ?? 0, 100)
    assert.strictEqual(summary({ ...atStart(3), failed: 2 }), "0 of 3 instances, 2 failed")
  })

  const Pages = Schema.Array(Schema.Array(Schema.Literals(["PENDING", "RUNNING", "SUCCEEDED", "FAILED", "CANCELLED"])))

  it.prop("never has a smaller number of instances that are done, nor 100 percent", [Pages], ([pages]) => {
    let progress = atStart(10)
    for (const [index, statuses] of pages.entries()) {
      const next = index % 3 === 2 ? undefined : `${index}`
      const later = advance(progress, page(statuses.map((status) => result(status)), next), undefined)
      assert.isAtLeast(later.done, progress.done)
      assert.isAtLeast(later.failed, progress.failed)
      assert.isAtMost(percent(later) ?? 0, 99)
      progress = later
    }
  })
})
