// The logger of a function, as configured in the logging configuration of Lambda.
import * as Config from "effect/Config"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Formatter from "effect/Formatter"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import type { Severity } from "effect/LogLevel"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Record from "effect/Record"
import { MinimumLogLevel } from "effect/References"
import { Console as NodeConsole } from "node:console"
import { Secrets } from "../runtime/Secrets.ts"

/** The levels by their names in Lambda. */
const levels: Readonly<Record<string, Severity>> = {
  TRACE: "Trace",
  DEBUG: "Debug",
  INFO: "Info",
  WARN: "Warn",
  ERROR: "Error",
  FATAL: "Fatal"
}

/** One JSON object per line, with the annotations (`jobId`, `action`, …) beside `level`, `timestamp` and `message`. */
const jsonLines = Logger.make((entry) => {
  const { annotations, cause, level, message, timestamp } = Logger.formatStructured.log(entry)
  // Unlike JSON.stringify, it accepts everything that an action may log: a bigint, an object that contains itself.
  const line = Formatter.formatJson({ ...annotations, timestamp, level, message, cause })
  const { redact } = entry.fiber.getRef(Secrets)
  return redact(line) === line ? line : JSON.stringify(JSON.parse(line, redactWith(redact)))
})

/** A reviver of JSON; redacting the text of the whole line could split an escape sequence. */
const redactWith = (redact: (text: string) => string) => (_: string, value: unknown) => {
  if (Predicate.isString(value)) return redact(value)
  return Predicate.isObject(value)
    ? Object.fromEntries(Object.entries(value).map(([key, inner]) => [redact(key), inner]))
    : value
}

/** Pairs of `key=value`. */
const textLines = Logger.make((entry) => entry.fiber.getRef(Secrets).redact(Logger.formatLogFmt.log(entry)))

const setting = (name: string) => Effect.orElseSucceed(Config.String(name), () => "")

/**
 * Logs JSON lines from the level INFO on, unless the function's logging configuration says otherwise. Lambda passes it in
 * `AWS_LAMBDA_LOG_FORMAT` (`JSON`, or `Text` for lines of `key=value`) and `AWS_LAMBDA_LOG_LEVEL` (`TRACE` to `FATAL`).
 * Unknown values are ignored. The known {@link Secrets} of a job are redacted.
 *
 * The lines go to stdout and not through `console`, which Lambda replaces: it would wrap them in JSON a second time, and
 * at the level ERROR it would drop all of them, errors too.
 *
 * Source: "Configuring advanced logging controls for Lambda functions" in the Lambda developer guide.
 */
export const lambdaLogs: Layer.Layer<never> = Layer.unwrap(Effect.gen(function*() {
  const format = yield* setting("AWS_LAMBDA_LOG_FORMAT")
  const level = Record.get(levels, (yield* setting("AWS_LAMBDA_LOG_LEVEL")).toUpperCase())
  return Layer.mergeAll(
    Logger.layer([Logger.withConsoleLog(format.toUpperCase() === "TEXT" ? textLines : jsonLines)]),
    Layer.sync(Console.Console, () => new NodeConsole(process.stdout, process.stderr)),
    Layer.succeed(MinimumLogLevel, Option.getOrElse(level, () => "Info" as const))
  )
}))
