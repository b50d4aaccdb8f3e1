import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Schema } from "effect"
import { createHash } from "node:crypto"
import { addSecrets, KnownSecrets, Secrets, secretsOf } from "../../src/runtime/Secrets.ts"
import { deployEvent } from "../fixtures.ts"

const token = `IQoJb3JpZ2luX2VjEXAMPLE//${"wEaCXVzLWVhc3QtMSJHMEUCIQDx+/".repeat(20)}==`
const key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"

const known = (...values: ReadonlyArray<string>) => {
  const secrets = new KnownSecrets()
  secrets.add(values)
  return secrets
}

/** Like a session token: without repetitions. */
const random = Array.from({ length: 20 }, (_, index) => createHash("sha256").update(`${index}`).digest("base64")).join(
  ""
)

const base64 = (text: string) => Buffer.from(text).toString("base64")

describe("KnownSecrets", () => {
  it.each<readonly [text: string, redacted: string]>([
    [`the key ${key} is wrong`, "the key (hidden) is wrong"],
    [`<Token-0>${token}</Token-0>`, "<Token-0>(hidden)</Token-0>"],
    [`${key}${token}`, "(hidden)(hidden)"],
    [`?token=${encodeURIComponent(token)}&x=1`, "?token=(hidden)&x=1"],
    [`the beginning ${key.slice(0, 9)}…`, "the beginning (hidden)…"],
    [`the middle ${key.slice(7, 16)}…`, "the middle (hidden)…"],
    [`the end ${key.slice(-9)}`, "the end (hidden)"],
    [`too short ${key.slice(3, 11)}`, `too short ${key.slice(3, 11)}`],
    [`Basic ${base64(key)}`, "Basic (hidden)"],
    ["nothing secret", "nothing secret"],
    ["", ""]
  ])("redact %s", (text, redacted) => {
    assert.strictEqual(known(key, token).redact(text), redacted)
  })

  it.each([0, 1, 2, 3, 4])("redact a value within base64, after %i bytes", (before) => {
    const redacted = known(key).redact(base64(`${"x".repeat(before)}${key}:more`))
    for (let at = 0; at + 9 <= key.length; at++) {
      for (const offset of [0, 1, 2]) {
        const part = base64("\0".repeat(offset) + key).slice(4).slice(at, at + 9)
        if (part.length === 9 && !part.includes("=")) assert.notInclude(redacted, part)
      }
    }
    assert.include(redacted, "(hidden)")
  })

  it("redact a value in base64 for URLs", () => {
    const odd = "\u00fb\u00ff\u00be~~~???>>>secret"
    assert.strictEqual(known(odd).redact(`x.${Buffer.from(odd).toString("base64url")}`), "x.(hidden)")
  })

  it("redact a value as JSON", () => {
    const odd = "a\"b\\c\"d\\e\"f\\"
    assert.strictEqual(known(odd).redact(JSON.stringify({ odd })), "{\"odd\":\"(hidden)\"}")
  })

  it("do not redact ordinary words for the placeholders of a local run", () => {
    const text = "The local pipeline is local to this machine; priming is done"
    assert.strictEqual(known("local", "priming", "").redact(text), text)
  })

  it.prop(
    "redact every part of nine characters, and leave the text around it",
    [
      Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 591 })),
      Schema.Int.check(Schema.isBetween({ minimum: 9, maximum: 60 }))
    ],
    ([at, length]) => {
      const part = random.slice(at, at + length)
      if (part.length < 9) return
      const redacted = known(random, key).redact(`[${part}]`)
      assert.strictEqual(redacted, "[(hidden)]")
    }
  )

  it.prop("do not change a text without secrets", [Schema.String], ([text]) => {
    assert.strictEqual(known(key, token).redact(text), text)
  })

  it("are fast for a long text", () => {
    const secrets = known(key, token)
    const text = "arn:aws:cloudformation:us-east-1:123456789012:stack/MyTestStack ".repeat(2_000)
    const start = performance.now()
    assert.strictEqual(secrets.redact(text), text)
    assert.isBelow(performance.now() - start, 1_000)
  })
})

it.effect("the secrets of a job are those of the environment, of its event, and those that are added", () =>
  Effect.gen(function*() {
    const event = deployEvent({ artifactCredentials: { accessKeyId: key, secretAccessKey: token, sessionToken: null } })
    const secrets = yield* secretsOf(event).pipe(
      Effect.provide(ConfigProvider.layer(ConfigProvider.fromUnknown({ AWS_SESSION_TOKEN: "of the environment" })))
    )
    yield* Effect.provideService(addSecrets("of an assumed role"), Secrets, secrets)
    assert.strictEqual(
      secrets.redact(`${key} ${token} "of the environment" "of an assumed role"`),
      "(hidden) (hidden) \"(hidden)\" \"(hidden)\""
    )
  }))

it.effect.prop("any event has its secrets", [Schema.Json], ([json]) =>
  Effect.gen(function*() {
    for (
      const event of [json, { "CodePipeline.job": json }, {
        "CodePipeline.job": { data: { artifactCredentials: json } }
      }]
    ) {
      assert.strictEqual((yield* secretsOf(event)).redact("x"), "x")
    }
  }))
