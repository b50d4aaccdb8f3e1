// Asks functions in Lambda for what V8 has compiled of them.
import { InvokeCommand, type LambdaClient } from "@aws-sdk/client-lambda"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { AwsError } from "../../src/domain/job/AwsError.ts"
import { callAws } from "../../src/runtime/AwsClient.ts"
import { codeCacheRequest, type CodeCacheResponse } from "../build/codeCache.ts"

/** The function cannot be started, or has ended on the way. */
export class FunctionFails extends Schema.TaggedError<FunctionFails>()("FunctionFails", { message: Schema.String }) {}

/** What has answered is not the loader of a built function: an emulator, or another function. */
export class NoAnswer extends Schema.TaggedError<NoAnswer>()("NoAnswer", { message: Schema.String }) {}

/** What a loader answers, decoded. */
export const Compiled = Schema.Union([
  Schema.Struct({ isCompiled: Schema.Literal(true) }),
  Schema.Struct({ isCompiled: Schema.Literal(false), code: Schema.Uint8ArrayFromBase64, sha256: Schema.String })
]) satisfies Schema.Codec<unknown, CodeCacheResponse>

export type Ask = (functionName: string) => Effect.Effect<typeof Compiled.Type, FunctionFails | NoAnswer | AwsError>

const decodeAnswer = Schema.decodeUnknownEffect(Schema.fromJsonString(Compiled))

/** What Lambda gives in place of an answer where the function has thrown, or could not be started. */
const decodeFailure = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Struct({ errorMessage: Schema.String })))

export const asking = (client: Pick<LambdaClient, "send">): Ask =>
  Effect.fn("askFunction")(function*(functionName) {
    const command = new InvokeCommand({
      FunctionName: functionName,
      Payload: Buffer.from(JSON.stringify(codeCacheRequest))
    })
    const { FunctionError, Payload } = yield* callAws(
      "lambda:InvokeFunction",
      (options) => client.send(command, options)
    )
    const payload = Payload?.transformToString() ?? ""
    if (FunctionError !== undefined) {
      const said = Option.match(decodeFailure(payload), {
        onNone: () => FunctionError,
        onSome: ({ errorMessage }) => errorMessage
      })
      return yield* new FunctionFails({ message: `Function ${functionName} is deployed, but does not start: ${said}` })
    }
    return yield* Effect.mapError(decodeAnswer(payload), () => new NoAnswer({ message: "it answers something else" }))
  })
