import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { readObject } from "../../src/internal/s3Object.ts"
import { zipFiles } from "../../src/internal/zipFiles.ts"

interface Answer {
  readonly Body?: { transformToByteArray(): Promise<Uint8Array> }
  readonly ContentRange?: string
  readonly ETag?: string
}

const bodyOf = (bytes: Uint8Array) => ({ transformToByteArray: () => Promise.resolve(bytes) })

const refused = (name: string, httpStatusCode: number) =>
  Promise.reject(Object.assign(new Error(name), { name, $metadata: { httpStatusCode } }))

const read = (answer: () => Promise<Answer>) =>
  readObject({ send: answer }, { bucketName: "b", objectKey: "k" }, "a.json", 1_000)

describe("readObject reads a file from a response", () => {
  const zip = zipFiles({ "a.json": "the text of a" })

  it.effect.each<readonly [what: string, answer: (zip: Uint8Array) => Answer]>([
    [
      "that is a part of the object",
      (zip) => ({ Body: bodyOf(zip), ContentRange: `bytes 0-${zip.length - 1}/${zip.length}`, ETag: "\"1\"" })
    ],
    ["that does not state its range", (zip) => ({ Body: bodyOf(zip), ETag: "\"1\"" })],
    ["without an ETag", (zip) => ({ Body: bodyOf(zip) })]
  ])("%s", ([, answer]) =>
    Effect.gen(function*() {
      const bytes = yield* zip
      const text = Buffer.from(yield* read(() => Promise.resolve(answer(bytes)))).toString()
      assert.strictEqual(text, "the text of a")
    }))
})

describe("readObject of an empty object fails", () => {
  it.effect.each<readonly [what: string, answer: () => Promise<Answer>]>([
    ["given a response with an empty body", () => Promise.resolve({ Body: bodyOf(new Uint8Array()) })],
    ["given a response without a body", () => Promise.resolve({})]
  ])("%s", ([, answer]) =>
    Effect.gen(function*() {
      assert.deepInclude(yield* Effect.flip(read(answer)), { reason: "it is empty, not a zip" })
    }))

  it.effect("given the error InvalidRange twice", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(read(() => refused("InvalidRange", 416)))
      assert.deepInclude(error, { _tag: "AwsRejected", code: "InvalidRange" })
    }))
})
