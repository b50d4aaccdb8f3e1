import { assert, it } from "@effect/vitest"
import { Cause, Schema } from "effect"
import { loggable, shapeOf } from "../../../src/domain/text/loggable.ts"

class Response {
  readonly status = 500
  readonly body = "hunter2"
}

it.each<readonly [value: unknown, shape: string]>([
  [new Response(), "Response { status, body }"],
  [{ _tag: "Broken", password: "hunter2" }, "Broken { _tag, password }"],
  [{ a: 1, b: { c: "hunter2" } }, "Object { a, b }"],
  [Object.create(null), "Object {  }"],
  [["hunter2", "hunter2"], "Array(2)"],
  [function hunt() {}, "function hunt"],
  ["words", "string of 5 characters"],
  ["x".repeat(1_000), "string of 1000 characters"],
  [7n, "7"],
  [Symbol("s"), "Symbol(s)"],
  [null, "null"],
  [undefined, "undefined"],
  [
    Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`k${index}`, "hunter2"])),
    `Object { ${Array.from({ length: 20 }, (_, index) => `k${index}`).join(", ")}, … }`
  ]
])("the shape of %o is %s", (value, shape) => {
  assert.strictEqual(shapeOf(value), shape)
})

it("a cause has the shape of each value that is no error", () => {
  const secret = { headers: { authorization: "hunter2" } }
  const nested = new Error("outer", { cause: new Error("inner", { cause: secret }) })
  for (
    const cause of [
      Cause.die(secret),
      Cause.fail(secret),
      Cause.die(nested),
      Cause.combine(Cause.die(secret), Cause.interrupt())
    ]
  ) {
    const text = Cause.pretty(loggable(cause))
    assert.include(text, "Object { headers }")
    assert.notInclude(text, "hunter2")
  }
  assert.include(Cause.pretty(loggable(Cause.die(nested))), "outer")
})

it("an error keeps its message, its stack and its causes", () => {
  const error = new TypeError("outer", { cause: new Error("inner") })
  assert.strictEqual(Cause.pretty(loggable(Cause.die(error))), Cause.pretty(Cause.die(error)))
  const circular = new Error("round")
  circular.cause = circular
  assert.include(Cause.pretty(loggable(Cause.die(circular))), "round")
})

it.prop("any value has a shape", [Schema.Json], ([json]) => {
  assert.isString(shapeOf(json))
})
