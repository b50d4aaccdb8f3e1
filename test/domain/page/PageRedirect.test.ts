import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { address, Redirect, redirect } from "../../../src/domain/page/PageRedirect.ts"

const here = new URL("https://www.example.com/a/b?c=d")

describe("redirect", () => {
  it.prop(
    "only the five statuses with a location redirect",
    [Schema.Int.check(Schema.isBetween({ minimum: 200, maximum: 599 })), Schema.Boolean],
    ([status, located]) => {
      const step = redirect(here, status, located ? "/x" : undefined, 0)
      const follows = located && /^30[12378]$/.test(String(status))
      assert.strictEqual(step._tag, follows ? "Follow" : "None")
    },
    { arbitrary: { runs: 1_000 } }
  )

  it.each<readonly [location: string, href: string, sameOrigin: boolean]>([
    ["c", "https://www.example.com/a/c", true],
    ["?e", "https://www.example.com/a/b?e", true],
    ["//other.example.com", "https://other.example.com/", false],
    ["https://www.example.com:8443/", "https://www.example.com:8443/", false],
    ["https://user:word@www.example.com/x", "https://www.example.com/x", true]
  ])("follows %s", (location, href, sameOrigin) => {
    assert.deepStrictEqual(redirect(here, 302, location, 0), Redirect.Follow({ url: new URL(href), sameOrigin }))
  })

  it("follows from http to https, and takes it for another origin", () => {
    assert.deepStrictEqual(
      redirect(new URL("http://www.example.com/"), 301, "https://www.example.com/", 0),
      Redirect.Follow({ url: new URL("https://www.example.com/"), sameOrigin: false })
    )
  })

  it.each<readonly [location: string, reason: string]>([
    ["http://www.example.com/", "redirects from https to http://www.example.com/, which is not followed"],
    ["http://u:hunter2@x/", "redirects from https to http://x/, which is not followed"],
    ["ftp://u:hunter2@x/", "redirects to a URL of ftp:, which is not followed"],
    ["javascript:hunter2", "redirects to a URL of javascript:, which is not followed"],
    ["https://hunter2:port/", "redirects to what is no URL"]
  ])("refuses %s", (location, reason) => {
    assert.deepStrictEqual(redirect(here, 307, location, 0), Redirect.Refuse({ reason }))
  })

  it.each([
    "localhost",
    "LOCALHOST:9001",
    "a.localhost",
    "127.0.0.1:9001",
    "0x7f.1",
    "2130706433",
    "0.0.0.0",
    "169.254.169.254",
    "[::1]:80",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[fe80::1]"
  ])("does not lead from elsewhere into the function: %s", (host) => {
    const step = redirect(here, 302, `https://${host}/`, 0)
    assert.deepStrictEqual(
      step,
      Redirect.Refuse({
        reason: `redirects to ${address(new URL(`https://${host}/`))}, inside the function, which is not followed`
      })
    )
    assert.strictEqual(redirect(new URL("http://127.0.0.1:8080/"), 302, `https://${host}/`, 0)._tag, "Follow")
  })

  it.each(["128.0.0.1", "10.0.0.1", "localhost.example.com", "[2001:db8::1]"])("leads to %s", (host) => {
    assert.strictEqual(redirect(here, 302, `https://${host}/`, 0)._tag, "Follow")
  })

  it("follows five, and not a sixth", () => {
    for (const followed of [0, 1, 2, 3, 4]) assert.strictEqual(redirect(here, 308, "/x", followed)._tag, "Follow")
    assert.deepStrictEqual(
      redirect(here, 308, "/x", 5),
      Redirect.Refuse({ reason: "redirects to https://www.example.com/x, after 5 redirects already" })
    )
  })
})

describe("address", () => {
  it("shows no password, no fragment and no signature", () => {
    assert.strictEqual(
      address(new URL("https://user:hunter2@x/a?b=c&X-Amz-Signature=hunter2#hunter2")),
      "https://x/a?b=c&X-Amz-Signature=REDACTED"
    )
  })
})
