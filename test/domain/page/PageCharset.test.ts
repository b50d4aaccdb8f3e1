import { assert, describe, it } from "@effect/vitest"
import { charsetOf, mayBeByteOrderMark } from "../../../src/domain/page/PageCharset.ts"

const bytes = (...values: ReadonlyArray<number>) => Uint8Array.from(values)

describe("the charset of a body", () => {
  it.each<readonly [contentType: string | undefined, charset: string]>([
    [undefined, "utf-8"],
    ["text/html", "utf-8"],
    ["text/html; charset=ISO-8859-1", "windows-1252"],
    ["text/html;charset=\"Shift_JIS\"", "shift_jis"],
    ["text/html; charset=klingon", "utf-8"]
  ])("is that of the content type %s without a byte-order mark", (contentType, charset) => {
    assert.strictEqual(charsetOf(bytes(0x61, 0x62, 0x63), contentType), charset)
  })

  it.each<readonly [mark: ReadonlyArray<number>, charset: string]>([
    [[0xef, 0xbb, 0xbf], "utf-8"],
    [[0xfe, 0xff], "utf-16be"],
    [[0xff, 0xfe], "utf-16le"]
  ])("is that of the byte-order mark %j, whatever the content type is", (mark, charset) => {
    assert.strictEqual(charsetOf(bytes(...mark, 0x61), "text/html; charset=iso-8859-1"), charset)
    for (let length = 0; length < mark.length; length++) {
      assert.isTrue(mayBeByteOrderMark(bytes(...mark.slice(0, length))))
      assert.strictEqual(charsetOf(bytes(...mark.slice(0, length)), "text/html; charset=big5"), "big5")
    }
    assert.isFalse(mayBeByteOrderMark(bytes(...mark)))
    assert.isFalse(mayBeByteOrderMark(bytes(0x61)))
    assert.isFalse(mayBeByteOrderMark(bytes(mark[0] ?? 0, 0x61)))
  })
})
