// The functions in Lambda, as far as a code cache needs them.
import {
  type Architecture,
  GetFunctionCommand,
  GetFunctionConfigurationCommand,
  type LambdaClient,
  UpdateFunctionCodeCommand
} from "@aws-sdk/client-lambda"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import { createHash } from "node:crypto"
import { type AwsError, AwsUnavailable } from "../../domain/job/AwsError.ts"
import { callAws } from "../../runtime/AwsClient.ts"
import { reason } from "../commandLine/usage.ts"

/** The code of a function in Lambda, at one moment. */
export interface DeployedCode {
  /** Changes with each change of the function. */
  readonly revision: string
  readonly architectures: ReadonlyArray<Architecture>
  /** The zip of the function. */
  readonly zip: Uint8Array
}

/** The function has no zip, such as one from a container image. */
export class NoZip extends Schema.TaggedError<NoZip>()("NoZip", { message: Schema.String }) {}

/** The function was changed in the meantime, or the update failed. */
export class UpdateFailed extends Schema.TaggedError<UpdateFailed>()("UpdateFailed", { message: Schema.String }) {}

export interface LambdaFunctions {
  readonly codeOf: (functionName: string) => Effect.Effect<DeployedCode, NoZip | AwsError>
  /** Replaces the code if the function has not changed since, and waits until Lambda uses it. */
  readonly update: (functionName: string, code: DeployedCode) => Effect.Effect<void, UpdateFailed | AwsError>
}

/** Lambda takes seconds for an update. */
const longestUpdate = "2 minutes"

/** The message of fetch has no details. Those of its cause have no path and no query. */
const detailOf = (error: unknown): string =>
  error instanceof Error && error.cause instanceof Error
    ? `${error.message}: ${error.cause.message}`
    : reason(error)

const download = (url: string): Effect.Effect<Uint8Array, AwsUnavailable> =>
  Effect.tryPromise({
    try: async (signal) => {
      const response = await fetch(url, { signal })
      if (!response.ok) throw new Error(`status ${response.status}`)
      return new Uint8Array(await response.arrayBuffer())
    },
    // Not the URL: whoever knows it may read the code.
    catch: (cause) =>
      new AwsUnavailable({ operation: "lambda:GetFunction", code: "CodeNotDownloaded", detail: detailOf(cause) })
  })

/** Another update is in progress, or has come first. */
const changed: ReadonlySet<string> = new Set(["PreconditionFailedException", "ResourceConflictException"])

export const makeLambdaFunctions = (client: Pick<LambdaClient, "send">): LambdaFunctions => {
  const configurationOf = (FunctionName: string) =>
    callAws(
      "lambda:GetFunctionConfiguration",
      (options) => client.send(new GetFunctionConfigurationCommand({ FunctionName }), options)
    )

  /** The other update may be ours: its response was lost, and the call was retried. */
  const checkSame = Effect.fn("checkSame")(function*(functionName: string, zip: Uint8Array) {
    const { CodeSha256 } = yield* configurationOf(functionName)
    if (CodeSha256 === createHash("sha256").update(zip).digest("base64")) return
    return yield* new UpdateFailed({
      message: `Function ${functionName} was changed in the meantime, and is left as it is. Run this again`
    })
  })

  return {
    codeOf: Effect.fn("codeOf")(function*(FunctionName) {
      const { Code, Configuration } = yield* callAws(
        "lambda:GetFunction",
        (options) => client.send(new GetFunctionCommand({ FunctionName }), options)
      )
      if (Configuration?.PackageType === "Image" || Code?.Location === undefined) {
        return yield* new NoZip({ message: `Function ${FunctionName} has no zip, but a container image` })
      }
      return {
        revision: Configuration?.RevisionId ?? "",
        architectures: Configuration?.Architectures ?? [],
        zip: yield* download(Code.Location)
      }
    }),

    update: Effect.fn("updateFunctionCode")(function*(FunctionName, { architectures, revision, zip }) {
      const command = new UpdateFunctionCodeCommand({
        FunctionName,
        ZipFile: zip,
        RevisionId: revision,
        // By default, Lambda takes x86_64.
        Architectures: [...architectures]
      })
      yield* callAws("lambda:UpdateFunctionCode", (options) => client.send(command, options)).pipe(
        Effect.catchIf(({ code }) => changed.has(code), () => checkSame(FunctionName, zip))
      )
      yield* configurationOf(FunctionName).pipe(
        Effect.flatMap(({ LastUpdateStatus, LastUpdateStatusReason: reason = "Lambda gives no reason" }) =>
          LastUpdateStatus === "Failed"
            ? new UpdateFailed({ message: `Function ${FunctionName}: the update failed: ${reason}` })
            : Effect.succeed(LastUpdateStatus !== "InProgress")
        ),
        Effect.repeat({ until: (isDone) => isDone, schedule: Schedule.spaced("1 second") }),
        Effect.timeoutOrElse({
          duration: longestUpdate,
          orElse: () =>
            Effect.fail(new UpdateFailed({ message: `Function ${FunctionName}: the update takes too long` }))
        })
      )
    })
  }
}
