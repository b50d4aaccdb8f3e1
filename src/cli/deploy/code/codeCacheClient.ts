// Requests the V8 code cache of a function in Lambda.
import { InvokeCommand, type LambdaClient } from "@aws-sdk/client-lambda"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { AwsError } from "../../../domain/job/AwsError.ts"
import { callAws } from "../../../runtime/AwsClient.ts"
import { codeCacheRequest, type CodeCacheResponse } from "../../build/codeCache.ts"

/** The function does not start, or it has thrown. */
export class FunctionFailed
  extends Schema.TaggedError<FunctionFailed>()("FunctionFailed", { message: Schema.String })
{}

/** The response is not that of a built function's loader: it comes from an emulator, or from another function. */
export class UnexpectedResponse extends Schema.TaggedError<UnexpectedResponse>()("UnexpectedResponse", {
  message: Schema.String
}) {}

/** A loader's response, decoded. */
export const DecodedResponse = Schema.Union([
  Schema.Struct({ usesCodeCache: Schema.Literal(true) }),
  Schema.Struct({
    usesCodeCache: Schema.Literal(false),
    codeCache: Schema.Uint8ArrayFromBase64,
    sha256: Schema.String
  })
]) satisfies Schema.Codec<unknown, CodeCacheResponse>

export type RequestCodeCache = (
  functionName: string
) => Effect.Effect<typeof DecodedResponse.Type, FunctionFailed | UnexpectedResponse | AwsError>

const decodeResponse = Schema.decodeUnknownEffect(Schema.fromJsonString(DecodedResponse))

/** Lambda's payload when the function has thrown or could not start. */
const decodeFailure = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Struct({ errorMessage: Schema.String })))

export const makeCodeCacheClient = (client: Pick<LambdaClient, "send">): RequestCodeCache =>
  Effect.fn("requestCodeCache")(function*(functionName) {
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
      const reason = Option.match(decodeFailure(payload), {
        onNone: () => FunctionError,
        onSome: ({ errorMessage }) => errorMessage
      })
      return yield* new FunctionFailed({
        message: `Function ${functionName} is deployed, but does not start: ${reason}`
      })
    }
    return yield* Effect.mapError(
      decodeResponse(payload),
      () => new UnexpectedResponse({ message: "its response is not that of a built function" })
    )
  })
