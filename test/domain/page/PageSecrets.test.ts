import { assert, describe, it } from "@effect/vitest"
import { Redacted, Schema } from "effect"
import { redactError, redactRequest, redactValues } from "../../../src/domain/page/PageSecrets.ts"
import { TextMissing } from "../../../src/domain/page/PageVerdict.ts"

const requestOf = (headers: Readonly<Record<string, string>>, url = "https://www.example.com/a") => ({
  url: new URL(url),
  headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, Redacted.make(value)]))
})

const redacted = (text: string, headers: Readonly<Record<string, string>>, url?: string) =>
  redactRequest(requestOf(headers, url))(text)

describe("the secrets of a request", () => {
  it.each<readonly [form: string, text: string]>([
    ["as it is", "p&ss \"w/rd"],
    ["in JSON", JSON.stringify("p&ss \"w/rd").slice(1, -1)],
    ["in a URL", encodeURIComponent("p&ss \"w/rd")],
    ["in HTML", "p&amp;ss &quot;w/rd"],
    ["in base64", btoa("p&ss \"w/rd")]
  ])("are redacted %s", (_, text) => {
    assert.strictEqual(redacted(`a ${text} b`, { "x-key": "p&ss \"w/rd" }), "a <redacted> b")
  })

  it("are redacted in part: the token of a scheme, the value of a cookie", () => {
    assert.strictEqual(redacted("token=abcdef123", { authorization: "Bearer abcdef123" }), "token=<redacted>")
    assert.strictEqual(redacted("[abcdef123]", { cookie: "a=1; session=abcdef123" }), "[<redacted>]")
  })

  it("include the user's password, which Basic authentication encodes", () => {
    const url = "https://user:hunter%322@www.example.com/"
    assert.strictEqual(redacted("hunter22", {}, url), "<redacted>")
    assert.strictEqual(redacted(`got ${btoa("user:hunter22")}`, {}, url), "got <redacted>")
    assert.strictEqual(redacted("hunter2", { Authorization: `Basic ${btoa("u:hunter2")}` }), "<redacted>")
  })

  it("include passwords and credentials that are encoded wrongly", () => {
    assert.strictEqual(redacted("hun%zzter", {}, "https://user:hun%zzter@www.example.com/"), "<redacted>")
    assert.strictEqual(redacted("hunter2*", { authorization: "Basic hunter2*" }), "<redacted>")
  })

  it("are redacted at the end of a beginning that is cut within them", () => {
    const beginning = "hunter2".repeat(1_000).slice(0, 2_000)
    assert.match(redacted(beginning, { "x-key": "hunter2" }), /^(<redacted>)+$/)
    assert.match(redacted(`x${beginning}`.slice(0, 2_000), { "x-key": "hunter2" }), /^x(<redacted>)+(hun?)?$/)
    assert.strictEqual(redacted("http://x/hunt", { "x-key": "hunter2" }), "http://x/hunt")
  })

  it("do not include short values, the Host header and the origin of the URL", () => {
    const headers = { "x-flag": "yes", Host: "virtual.example.com", origin: "https://www.example.com" }
    const text = "yes https://www.example.com/ virtual.example.com"
    assert.strictEqual(redacted(text, headers), text)
  })

  it.prop("never appear in a text", [Schema.String, Schema.String, Schema.String], ([value, before, after]) => {
    const secret = `${value.trim()}hunter2`
    assert.notInclude(redactValues([secret])(`${before}${secret}${after}`), secret)
  })
})

it("an error with secrets is replaced by one whose fields, message and stack have none", () => {
  const error = new TextMissing({ url: "http://x/hunter2", text: "a", beginning: "key: hunter2", readOnly: "64 MiB" })
  const copy = redactError(redactValues(["hunter2"]))(error)
  assert.instanceOf(copy, TextMissing)
  assert.deepStrictEqual({ ...copy }, {
    _tag: "TextMissing",
    url: "http://x/<redacted>",
    text: "a",
    beginning: "key: <redacted>",
    readOnly: "64 MiB"
  })
  assert.include(copy.message, "http://x/<redacted>: the first 64 MiB of the body")
  assert.notInclude(`${copy.message} ${copy.stack}`, "hunter2")
})
