import { assert, describe, it } from "@effect/vitest"
import { Cause, ConfigProvider, Console, Effect, Layer } from "effect"
import { TestConsole } from "effect/testing"
import { lambdaLogs } from "../../src/lambda/LambdaLogger.ts"
import { KnownSecrets, Secrets } from "../../src/runtime/Secrets.ts"

const levels = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"] as const

/** The lines of one entry at each level, from the lowest to the highest. */
const linesWith = (settings: Readonly<Record<string, string>>) =>
  Effect.gen(function*() {
    const console = yield* TestConsole.make
    const logs = Layer.provide(lambdaLogs, ConfigProvider.layer(ConfigProvider.fromUnknown(settings)))
    yield* Effect.all([
      Effect.logTrace("TRACE"),
      Effect.logDebug("DEBUG"),
      Effect.logInfo("INFO"),
      Effect.logWarning("WARN"),
      Effect.logError("ERROR"),
      Effect.logFatal("FATAL")
    ]).pipe(
      Effect.annotateLogs({ jobId: "1" }),
      Effect.provide(Layer.merge(logs, Layer.succeed(Console.Console, console)))
    )
    return (yield* console.logLines).map(String)
  })

const parse = (line: string): Readonly<Record<string, unknown>> => JSON.parse(line)

/** Would break an escape sequence of JSON if a part of a line was cut out. */
const secret = "n\"secret\\value\"of\\nine"

const secretLines = (format: string) =>
  Effect.gen(function*() {
    const console = yield* TestConsole.make
    const settings = ConfigProvider.layer(ConfigProvider.fromUnknown({ AWS_LAMBDA_LOG_FORMAT: format }))
    const known = new KnownSecrets()
    known.add([secret])
    yield* Effect.logError(`\n${secret}\n`, Cause.die(new Error(`caused by ${secret}`))).pipe(
      Effect.annotateLogs({ note: secret, [secret]: { inner: [secret] } }),
      Effect.provideService(Secrets, known),
      Effect.provide(Layer.merge(Layer.provide(lambdaLogs, settings), Layer.succeed(Console.Console, console)))
    )
    return (yield* console.logLines).map(String)
  })

describe("the log of a function", () => {
  it.effect("has no known secret in messages, annotations and causes, as JSON", () =>
    Effect.gen(function*() {
      const [line = ""] = yield* secretLines("JSON")
      const { cause, message, note, "(hidden)": keyed } = parse(line)
      assert.deepStrictEqual([message, note, keyed], ["\n(hidden)\n", "(hidden)", { inner: ["(hidden)"] }])
      assert.match(String(cause), /^Error: caused by \(hidden\)/)
    }))

  it.effect("has no known secret as text", () =>
    Effect.gen(function*() {
      const [line = ""] = yield* secretLines("Text")
      for (const part of ["secret\\\\value", "secret\\value"]) assert.notInclude(line, part)
      assert.include(line, "(hidden)")
    }))

  it.effect.each(levels)("has entries of AWS_LAMBDA_LOG_LEVEL %s and above", (level) =>
    Effect.gen(function*() {
      const messages = (yield* linesWith({ AWS_LAMBDA_LOG_LEVEL: level })).map((line) => parse(line)["message"])
      assert.deepStrictEqual(messages, levels.slice(levels.indexOf(level)))
    }))

  it.effect.each<Readonly<Record<string, string>>>([
    {},
    { AWS_LAMBDA_LOG_LEVEL: "", AWS_LAMBDA_LOG_FORMAT: "" },
    { AWS_LAMBDA_LOG_LEVEL: "LOUD", AWS_LAMBDA_LOG_FORMAT: "XML" },
    { AWS_LAMBDA_LOG_LEVEL: "constructor", AWS_LAMBDA_LOG_FORMAT: "constructor" },
    { AWS_LAMBDA_LOG_FORMAT: "JSON" }
  ])("is JSON from the level INFO on with %o", (settings) =>
    Effect.gen(function*() {
      const lines = (yield* linesWith(settings)).map(parse)
      assert.deepStrictEqual(lines.map(({ jobId, level, message }) => [jobId, level, message]), [
        ["1", "INFO", "INFO"],
        ["1", "WARN", "WARN"],
        ["1", "ERROR", "ERROR"],
        ["1", "FATAL", "FATAL"]
      ])
    }))

  it.effect("is one line of text for each entry with AWS_LAMBDA_LOG_FORMAT Text", () =>
    Effect.gen(function*() {
      const lines = yield* linesWith({ AWS_LAMBDA_LOG_FORMAT: "Text", AWS_LAMBDA_LOG_LEVEL: "ERROR" })
      assert.lengthOf(lines, 2)
      assert.match(lines[0] ?? "", /^timestamp=\S+ level=ERROR fiber=#\d+ message=ERROR jobId=1$/)
    }))
})
