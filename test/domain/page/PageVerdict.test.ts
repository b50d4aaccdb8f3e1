import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import type { Expectation } from "../../../src/domain/page/PageExpectation.ts"
import { judgeBody, judgeStatus, searchPiece, startSearch, Verdict } from "../../../src/domain/page/PageVerdict.ts"

const url = "http://www.example.com/"

/** The verdict on a page with this status and body. */
const judge = (expectation: Expectation, status: number, pieces: ReadonlyArray<string>, readOnly?: string) => {
  const first = judgeStatus(expectation, url, status)
  return Verdict.$is("Search")(first) ? judgeBody(pieces.reduce(searchPiece, first.search), url, readOnly) : first
}

const messageOf = (verdict: Verdict) => Verdict.$is("Failed")(verdict) ? verdict.error.message : verdict._tag

// A small alphabet, so that texts are found, almost found, and found across pieces.
const Letters = Schema.Array(Schema.Literals(["a", "b", "ab", "\u00e9", "\u{1f600}"]))
const Pieces = Schema.Array(Letters)

describe("the search for a text", () => {
  it.prop(
    "finds it if it is in the whole body, wherever the pieces end",
    [Pieces, Letters],
    ([pieces, letters]) => {
      const text = `a${letters.slice(0, 3).join("")}`
      const parts = pieces.map((piece) => piece.join(""))
      const { found, length } = parts.reduce(searchPiece, startSearch(text))
      assert.strictEqual(found, parts.join("").includes(text))
      assert.strictEqual(length, parts.join("").length)
    },
    { arbitrary: { runs: 2_000 } }
  )

  it.prop("finds it across any boundary of two pieces", [Schema.NonEmptyString, Schema.String], ([text, around]) => {
    const body = `${around}${text}${around}`
    for (let cut = 0; cut <= body.length; cut++) {
      assert.isTrue([body.slice(0, cut), body.slice(cut)].reduce(searchPiece, startSearch(text)).found)
    }
  })

  it("does not keep the body", () => {
    let current = startSearch("needle")
    for (let piece = 0; piece < 100; piece++) {
      current = searchPiece(current, "hay".repeat(1_000))
      assert.isAtMost(current.beginning.length + current.end.length, 2_005)
    }
    assert.strictEqual(current.length, 300_000)
  })
})

describe("the verdict", () => {
  it.prop(
    "is Passed if status and body are as expected, and otherwise names what is not",
    [Schema.Int.check(Schema.isBetween({ minimum: 200, maximum: 599 })), Pieces, Schema.Boolean],
    ([status, pieces, asks]) => {
      const expectation = { status: [200, "4xx"], ...(asks && { contains: "ab" }) } as const
      const parts = pieces.map((piece) => piece.join(""))
      const statusIsExpected = status === 200 || (status >= 400 && status <= 499)
      const verdict = judge(expectation, status, parts)
      const passed = statusIsExpected && (!asks || parts.join("").includes("ab"))
      assert.strictEqual(verdict._tag, passed ? "Passed" : "Failed")
      if (!passed) assert.include(messageOf(verdict), statusIsExpected ? "\"ab\"" : `got ${status}`)
    }
  )

  it("needs no body if the status is not expected, or no text is expected", () => {
    assert.strictEqual(
      messageOf(judgeStatus({ status: [200, "3xx"], contains: "x" }, url, 503)),
      "http://www.example.com/: expected status 200 or 3xx, got 503"
    )
    assert.deepStrictEqual(judgeStatus({ status: 200, contains: false }, url, 200), Verdict.Passed())
    assert.deepStrictEqual(judgeStatus({ status: 200 }, url, 200), Verdict.Passed())
  })

  it("shows the beginning of a body without the text", () => {
    const expectation = { status: 200, contains: "Congratulations" } as const
    assert.strictEqual(
      messageOf(judge(expectation, 200, ["<h1>\r\n\tSorry", "\u0000</h1>", "\n"])),
      "http://www.example.com/: the body does not contain \"Congratulations\". It begins with: <h1> Sorry </h1>"
    )
    assert.strictEqual(
      messageOf(judge(expectation, 200, [])),
      "http://www.example.com/: the body does not contain \"Congratulations\": it is empty"
    )
    assert.strictEqual(
      messageOf(judge(expectation, 200, ["yes ".repeat(100)], "64 MiB")),
      "http://www.example.com/: the first 64 MiB of the body do not contain \"Congratulations\". It begins with: " +
        "yes ".repeat(50).trim()
    )
  })

  it.prop(
    "shows at most 200 characters of the body, and no half of a surrogate pair",
    [Arbitrary.schema(Pieces)],
    ([pieces]) => {
      const parts = [`${"x".repeat(190)}\u{1f600}`, ...pieces.map((piece) => piece.join(""))]
      const shown = messageOf(judge({ status: 200, contains: "z" }, 200, parts)).split("It begins with: ")[1] ?? ""
      assert.isAtMost(shown.length, 200)
      assert.notMatch(shown, /\p{Surrogate}/u)
      assert.isTrue(parts.join("").startsWith(shown))
      assert.isAtLeast(shown.length, Math.min(199, parts.join("").length))
    }
  )

  it("shortens a long URL", () => {
    const message = messageOf(judgeStatus({ status: 200 }, `http://x/${"y".repeat(3_000)}`, 404))
    assert.match(message, /y … \(cut\): expected status 200, got 404$/)
    assert.isBelow(message.length, 600)
  })
})
