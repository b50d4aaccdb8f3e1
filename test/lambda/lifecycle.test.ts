import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { fileURLToPath } from "node:url"
import { CodePipelineServer } from "../contract/CodePipelineServer.ts"
import { deployEvent } from "../fixtures.ts"
import { buildFunction, lastReport, timeout } from "./builtFunction.ts"

const tidy = buildFunction("tidy", fileURLToPath(new URL("tidy.ts", import.meta.url)))

const jobs = (lines: string) => lines.trimEnd().split("\n").filter((line) => line.includes("Job "))

/** Lambda's own `console.log` wraps its arguments in JSON, or drops them. */
const consoleOfLambda = { NODE_OPTIONS: "--import=data:text/javascript,console.log=()=>{}" }

describe("a built function", () => {
  it.live(
    "builds its layer once, and releases it and ends when Lambda shuts the container down",
    () =>
      Effect.gen(function*() {
        const { invoke, shutDown } = yield* tidy.start({})
        for (const id of ["1", "2", "3"]) {
          yield* invoke(deployEvent({ id }))
          const { parameters } = yield* lastReport
          assert.deepNestedInclude(parameters, { "executionDetails.summary": "1 for SIGTERM" })
        }
        const { signal, stderr, stdout } = yield* shutDown
        assert.strictEqual(stderr, "")
        assert.strictEqual(signal, "SIGTERM")
        const lines = stdout.trimEnd().split("\n")
        assert.strictEqual(lines[0], "acquired")
        assert.strictEqual(lines.at(-1), "released")
        assert.lengthOf(lines.filter((line) => line === "acquired"), 1)
      }).pipe(Effect.provide(CodePipelineServer.layer)),
    timeout
  )

  it.live("logs JSON lines at the level of Lambda's logging configuration", () =>
    Effect.gen(function*() {
      const { end, invoke } = yield* tidy.start({
        AWS_LAMBDA_LOG_FORMAT: "JSON",
        AWS_LAMBDA_LOG_LEVEL: "INFO",
        ...consoleOfLambda
      })
      yield* invoke(deployEvent({ id: "1" }))
      const { stdout } = yield* end
      const lines = jobs(stdout).map((line): Readonly<Record<string, unknown>> => JSON.parse(line))
      assert.deepStrictEqual(lines.map(({ message }) => message), ["Job started", "Job reported"])
      for (const line of lines) assert.deepInclude(line, { level: "INFO", jobId: "1", action: "tidy" })
    }).pipe(Effect.provide(CodePipelineServer.layer)), timeout)

  it.live("logs text if Lambda's logging configuration says so", () =>
    Effect.gen(function*() {
      const { end, invoke } = yield* tidy.start({ AWS_LAMBDA_LOG_FORMAT: "Text" })
      yield* invoke(deployEvent({ id: "1" }))
      const { stdout } = yield* end
      const [started = ""] = jobs(stdout)
      assert.match(started, /^timestamp=\S+ level=INFO .*message="Job started" .*jobId=1 action=tidy/)
    }).pipe(Effect.provide(CodePipelineServer.layer)), timeout)

  it.live("logs nothing of a successful job at the level ERROR", () =>
    Effect.gen(function*() {
      const { end, invoke } = yield* tidy.start({ AWS_LAMBDA_LOG_LEVEL: "ERROR" })
      yield* invoke(deployEvent({ id: "1" }))
      const { stdout } = yield* end
      assert.deepStrictEqual(stdout, "acquired\n")
    }).pipe(Effect.provide(CodePipelineServer.layer)), timeout)
})
