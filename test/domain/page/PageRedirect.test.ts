import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { displayUrl, Redirect, redirect } from "../../../src/domain/page/PageRedirect.ts"

const here = new URL("https://www.example.com/a/b?c=d")
const policy = { followed: 0, maxRedirects: 5, allowsLocal: false }

describe("a redirect", () => {
  it.prop(
    "has one of five statuses and a location",
    [Schema.Int.check(Schema.isBetween({ minimum: 200, maximum: 599 })), Schema.Boolean],
    ([status, located]) => {
      const decision = redirect(here, status, located ? "/x" : undefined, policy)
      const follows = located && /^30[12378]$/.test(String(status))
      assert.strictEqual(decision._tag, follows ? "Follow" : "None")
    },
    { arbitrary: { runs: 1_000 } }
  )

  it.each<readonly [location: string, href: string, sameOrigin: boolean]>([
    ["c", "https://www.example.com/a/c", true],
    ["?e", "https://www.example.com/a/b?e", true],
    ["//other.example.com", "https://other.example.com/", false],
    ["https://www.example.com:8443/", "https://www.example.com:8443/", false],
    ["https://user:word@www.example.com/x", "https://www.example.com/x", true],
    // The bytes of UTF-8, as HTTP clients pass them on.
    ["/caf\u00c3\u00a9", "https://www.example.com/caf%C3%A9", true],
    ["https://b\u00c3\u00bccher.example/", "https://xn--bcher-kva.example/", false],
    // Not valid as UTF-8.
    ["/caf\u00e9", "https://www.example.com/caf%C3%A9", true],
    ["/caf\u00e9\u20ac", "https://www.example.com/caf%C3%A9%E2%82%AC", true]
  ])("to %s is followed to %s", (location, href, sameOrigin) => {
    assert.deepStrictEqual(redirect(here, 302, location, policy), Redirect.Follow({ url: new URL(href), sameOrigin }))
  })

  it("from http to https is followed, to another origin", () => {
    assert.deepStrictEqual(
      redirect(new URL("http://www.example.com/"), 301, "https://www.example.com/", policy),
      Redirect.Follow({ url: new URL("https://www.example.com/"), sameOrigin: false })
    )
  })

  it.each<readonly [location: string, reason: string]>([
    ["http://www.example.com/", "redirects from https to http://www.example.com/, which is not followed"],
    ["http://u:hunter2@x/", "redirects from https to http://x/, which is not followed"],
    ["ftp://u:hunter2@x/", "redirects to a URL of ftp:, which is not followed"],
    ["javascript:hunter2", "redirects to a URL of javascript:, which is not followed"],
    ["https://hunter2:port/", "redirects to an invalid URL"]
  ])("to %s is refused", (location, reason) => {
    assert.deepStrictEqual(redirect(here, 307, location, policy), Redirect.Refuse({ reason }))
  })

  it.each<readonly [host: string, kind: string]>([
    ["localhost", "loopback"],
    ["127.0.0.1:9001", "loopback"],
    ["0x7f.1", "loopback"],
    ["0.0.0.0", "unspecified"],
    ["169.254.169.254", "link-local"],
    ["[::ffff:127.0.0.1]", "loopback"],
    ["[fe80::1]", "link-local"]
  ])("to the local address %s is refused unless local addresses are allowed", (host, kind) => {
    const url = new URL(`https://${host}/`)
    assert.deepStrictEqual(
      redirect(here, 302, url.href, policy),
      Redirect.Refuse({
        reason: `redirects to ${url.href}, which has the ${kind} address ${url.hostname} and is not followed`
      })
    )
    assert.strictEqual(redirect(here, 302, url.href, { ...policy, allowsLocal: true })._tag, "Follow")
  })

  it("to a private address is followed", () => {
    assert.strictEqual(redirect(here, 302, "https://10.0.0.1/", policy)._tag, "Follow")
  })

  it.each<readonly [maxRedirects: number, reason: string]>([
    [0, "redirects to https://www.example.com/x, which is not followed because maxRedirects is 0"],
    [
      1,
      "redirects too often: after 1 redirect (maxRedirects), the next one leads to https://www.example.com/x"
    ],
    [
      5,
      "redirects too often: after 5 redirects (maxRedirects), the next one leads to https://www.example.com/x"
    ]
  ])("is followed %d times if that is the maximum", (maxRedirects, reason) => {
    for (let followed = 0; followed < maxRedirects; followed++) {
      assert.strictEqual(redirect(here, 308, "/x", { ...policy, followed, maxRedirects })._tag, "Follow")
    }
    assert.deepStrictEqual(
      redirect(here, 308, "/x", { ...policy, followed: maxRedirects, maxRedirects }),
      Redirect.Refuse({ reason })
    )
  })
})

describe("a URL in a message", () => {
  it("has no password, no fragment and no signature", () => {
    assert.strictEqual(
      displayUrl(new URL("https://user:hunter2@x/a?b=c&X-Amz-Signature=hunter2#hunter2")),
      "https://x/a?b=c&X-Amz-Signature=REDACTED"
    )
  })
})
