import { assert, describe, it } from "@effect/vitest"
import { Cookies } from "effect/http"
import * as PageCookies from "../../../src/domain/page/PageCookies.ts"

const page = new URL("https://www.example.com/a/b")

const afterResponse = (...headers: ReadonlyArray<string>) =>
  PageCookies.add(PageCookies.none, page, Cookies.fromSetCookie(headers), 0)

describe("the Cookie header", () => {
  it("has the cookies of the page after those of the request", () => {
    const cookies = afterResponse("session=new")
    assert.strictEqual(PageCookies.header(cookies, page, "a=1; session=old", 0), "a=1; session=new")
    assert.strictEqual(PageCookies.header(cookies, page, undefined, 0), "session=new")
  })

  it("is that of the request if the page has set none", () => {
    assert.strictEqual(PageCookies.header(PageCookies.none, page, "a=1", 0), "a=1")
    assert.isUndefined(PageCookies.header(PageCookies.none, page, undefined, 0))
  })

  it.each<readonly [cookie: string, url: string, now: number, isSent: boolean]>([
    ["a=1", "https://www.example.com/a/c", 0, true],
    ["a=1", "https://www.example.com/b", 0, false],
    ["a=1; Path=/", "https://www.example.com/b", 0, true],
    ["a=1; Path=/; Secure", "http://www.example.com/b", 0, false],
    ["a=1; Path=/; Max-Age=1", "https://www.example.com/", 999, true],
    ["a=1; Path=/; Max-Age=1", "https://www.example.com/", 1_000, false],
    ["a=1; Path=/; Domain=example.com", "https://www.example.com/", 0, true],
    ["a=1; Path=/; Domain=example.com", "https://other.example.com/", 0, false],
    ["a=1; Path=/; Domain=example.com", "https://example.com/", 0, false],
    ["a=1; Path=/; Domain=other.example.com", "https://www.example.com/", 0, false],
    ["a=1; Path=/; Domain=com", "https://www.example.com/", 0, false]
  ])("with the cookie %s at %s after %d ms: %s", (cookie, url, now, isSent) => {
    const header = PageCookies.header(afterResponse(cookie), new URL(url), undefined, now)
    assert.strictEqual(header, isSent ? "a=1" : undefined)
  })

  it("has at most 50 cookies of a host, the latest ones", () => {
    const cookies = afterResponse(...Array.from({ length: 60 }, (_, index) => `c${index}=1`))
    const pairs = PageCookies.header(cookies, page, undefined, 0)?.split("; ") ?? []
    assert.lengthOf(pairs, 50)
    assert.strictEqual(pairs.at(-1), "c59=1")
  })
})
