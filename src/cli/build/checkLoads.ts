// Loads a built function once, so that a function that cannot start is not deployed.
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { fork } from "node:child_process"
import { mkdtemp, realpath, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { BuildFailed, noHandler } from "./compile.ts"
import { beside, type FunctionFiles } from "./functionFiles.ts"

/** Lambda ends an initialization that takes longer. Source: "Understanding the Lambda execution environment lifecycle". */
const initialization = Duration.seconds(10)

/** The variables that Lambda sets, as far as a function could need them while it loads. AWS cannot be reached with them. */
const environment = (name: string, folder: string): NodeJS.ProcessEnv => ({
  AWS_ACCESS_KEY_ID: "AKIAIOSFODNN7EXAMPLE",
  AWS_SECRET_ACCESS_KEY: "not-a-key",
  AWS_SESSION_TOKEN: "not-a-token",
  AWS_REGION: "us-east-1",
  AWS_DEFAULT_REGION: "us-east-1",
  AWS_EXECUTION_ENV: "AWS_Lambda_nodejs24.x",
  AWS_LAMBDA_FUNCTION_NAME: name,
  AWS_LAMBDA_FUNCTION_VERSION: "$LATEST",
  AWS_LAMBDA_FUNCTION_MEMORY_SIZE: "128",
  AWS_LAMBDA_INITIALIZATION_TYPE: "on-demand",
  AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${name}`,
  AWS_LAMBDA_LOG_STREAM_NAME: "build",
  AWS_EC2_METADATA_DISABLED: "true",
  // Nothing listens at this port.
  AWS_ENDPOINT_URL: "http://127.0.0.1:9",
  LAMBDA_TASK_ROOT: folder,
  _HANDLER: "index.handler",
  TZ: ":UTC",
  // Node needs it on Windows.
  ...(process.env["SystemRoot"] !== undefined && { SystemRoot: process.env["SystemRoot"] })
})

const LoadResult = Schema.Union([
  Schema.Struct({ handler: Schema.String }),
  Schema.Struct({ error: Schema.String })
])

type Ended = {
  readonly result: Option.Option<typeof LoadResult.Type>
  readonly ending: string
  readonly output: string
}

/** Loads the function in a process that has only the function's files and Lambda's variables. */
const load = (name: string, folder: string): Effect.Effect<Ended> =>
  Effect.callback((resume) => {
    const child = fork(beside("loadingProcess"), [join(folder, "index.mjs")], {
      cwd: folder,
      env: environment(name, folder),
      execArgv: [],
      stdio: ["ignore", "ignore", "pipe", "ipc"]
    })
    let result: Option.Option<typeof LoadResult.Type> = Option.none()
    let output = ""
    child.stderr?.on("data", (chunk) => output += chunk)
    child.on("message", (message) => result = Schema.decodeUnknownOption(LoadResult)(message))
    child.on("error", (error) => resume(Effect.succeed({ result, ending: error.message, output })))
    child.on("close", (code, signal) =>
      resume(Effect.succeed({ result, ending: signal === null ? `exit status ${code}` : signal, output })))
    return Effect.sync(() =>
      child.kill("SIGKILL")
    )
  })

/** A folder with nothing but the function, that has no node_modules above it. */
const withFiles = (files: FunctionFiles): Effect.Effect<string, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.promise(async () => mkdtemp(join(await realpath(tmpdir()), "effect-codepipeline-build-"))),
    (folder) => Effect.promise(() => rm(folder, { recursive: true, force: true }))
  ).pipe(Effect.tap((folder) =>
    Effect.promise(() =>
      Promise.all(Object.entries(files).map(([file, bytes]) => writeFile(join(folder, file), bytes)))
    )
  ))

/** Node ends with it if a promise at the top level of a module is never settled. */
const unsettled = "exit status 13"

/** The lines of an error up to the first one that is not in the function. */
const shorten = (error: string, folder: string) =>
  error.replaceAll(`${folder}/`, "").split("\n").filter((line) =>
    !/^\s+at .*(?:node:|loadingProcess|index\.mjs)/.test(line)
  )
    .slice(0, 6).join("\n")

/** The bundle may have syntax of Lambda's Node that this one does not know. */
const versionNote = (version: string) =>
  Number(/^v(\d+)/.exec(version)?.[1]) < 24 ? `. It was loaded with Node ${version.slice(1)}, and Lambda's is 24` : ""

/** Fails if the function does not load, or if its handler is not a function. `shown` is its entry. */
export const checkLoads = Effect.fn("checkLoads")(function*(
  { files, name, shown }: { readonly name: string; readonly files: FunctionFiles; readonly shown: string }
) {
  const folder = yield* withFiles(files)
  const ended = yield* Effect.timeoutOption(load(name, folder), initialization)
  const failed = (why: string) =>
    new BuildFailed({
      message: `${shown} does not load in Lambda's environment: ${why}\nIt is loaded without AWS: what needs AWS ` +
        `belongs in the handler. To build without loading it, use --no-load${versionNote(process.version)}`
    })
  if (Option.isNone(ended)) {
    return yield* failed(`it takes longer than ${Duration.format(initialization)}, after which Lambda ends it`)
  }
  const { ending, output, result } = ended.value
  if (Option.isNone(result)) {
    return yield* failed(
      ending === unsettled
        ? "an await at the top level of a module never ends"
        : `it ends the process (${ending})${output === "" ? "" : `\n${shorten(output, folder)}`}`
    )
  }
  if ("error" in result.value) return yield* failed(shorten(result.value.error, folder))
  if (result.value.handler !== "function") return yield* new BuildFailed({ message: noHandler(shown) })
}, Effect.scoped)
