// How a function logs: as the logging configuration of the Lambda function has it.
import * as Config from "effect/Config"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Formatter from "effect/Formatter"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import type { Severity } from "effect/LogLevel"
import * as Option from "effect/Option"
import * as Record from "effect/Record"
import { MinimumLogLevel } from "effect/References"
import { Console as NodeConsole } from "node:console"

/** Lambda's names of levels. */
const levels: Readonly<Record<string, Severity>> = {
  TRACE: "Trace",
  DEBUG: "Debug",
  INFO: "Info",
  WARN: "Warn",
  ERROR: "Error",
  FATAL: "Fatal"
}

/** One JSON object a line, with the annotations (`jobId`, `action`, …) beside `level`, `timestamp` and `message`. */
const jsonLines = Logger.withConsoleLog(
  Logger.map(
    Logger.formatStructured,
    ({ annotations, cause, level, message, timestamp }) =>
      // Not JSON.stringify, which fails on what an action may log: a bigint, an object that holds itself.
      Formatter.formatJson({ ...annotations, timestamp, level, message, cause })
  )
)

const setting = (name: string) => Effect.orElseSucceed(Config.String(name), () => "")

/**
 * Lines of JSON from the level INFO on, if the function's logging configuration asks for nothing else: Lambda hands it on
 * in `AWS_LAMBDA_LOG_FORMAT` (`JSON`, or `Text` for lines of `key=value`) and `AWS_LAMBDA_LOG_LEVEL` (`TRACE` to
 * `FATAL`). A value that is not known counts as none.
 *
 * The lines go to stdout and not through `console`, which Lambda replaces: there they would be put into JSON a second
 * time, and dropped, errors too, where only errors are asked for.
 *
 * Source: "Configuring advanced logging controls for Lambda functions" in the Lambda developer guide.
 */
export const lambdaLogs: Layer.Layer<never> = Layer.unwrap(Effect.gen(function*() {
  const format = yield* setting("AWS_LAMBDA_LOG_FORMAT")
  const level = Record.get(levels, (yield* setting("AWS_LAMBDA_LOG_LEVEL")).toUpperCase())
  return Layer.mergeAll(
    Logger.layer([format.toUpperCase() === "TEXT" ? Logger.consoleLogFmt : jsonLines]),
    Layer.sync(Console.Console, () => new NodeConsole(process.stdout, process.stderr)),
    Layer.succeed(MinimumLogLevel, Option.getOrElse(level, () => "Info" as const))
  )
}))
