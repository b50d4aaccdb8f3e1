import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3"
import { Config, Context, Effect, Layer, Redacted, Schema } from "effect"
import { Action, type AwsError, callAws, CodePipeline, Lambda, UserParameters } from "effect-codepipeline"
import { FetchHttpClient, HttpClient, HttpClientRequest } from "effect/http"

export class NotSent extends Schema.TaggedError<NotSent>()("NotSent", { reason: Schema.String }) {
  override get message() {
    return `The message may not have been sent, and is not sent again: ${this.reason}`
  }
}

export class Unconfigured extends Schema.TaggedError<Unconfigured>()("Unconfigured", { variable: Schema.String }) {
  override get message() {
    return `The Lambda function needs the variable ${this.variable}`
  }
}

const variable = (name: string) =>
  Config.Redacted(name).pipe(Effect.mapError(() => new Unconfigured({ variable: name })))

export class Chat extends Context.Service<Chat, {
  post(text: string): Effect.Effect<void, NotSent | Unconfigured>
}>()("examples/Chat") {
  /** The URL of the webhook is a secret: who has it can post. */
  static readonly layer = Layer.effect(
    Chat,
    Effect.gen(function*() {
      const client = HttpClient.filterStatusOk(yield* HttpClient.HttpClient)
      return {
        post: Effect.fn("Chat.post")(function*(text) {
          const url = Redacted.value(yield* variable("CHAT_WEBHOOK"))
          yield* HttpClientRequest.post(url).pipe(
            HttpClientRequest.bodyJsonUnsafe({ text }),
            client.execute,
            Effect.timeout("10 seconds"),
            Effect.mapError((error) => new NotSent({ reason: "reason" in error ? error.reason._tag : error._tag }))
          )
        })
      }
    })
  )
}

/** Gives each key away once. */
export class Claims extends Context.Service<Claims, {
  /** Whether nobody had the key before. */
  take(key: string): Effect.Effect<boolean, AwsError | Unconfigured>
}>()("examples/Claims") {
  /** An empty object for each key: S3 writes it only where there is none. */
  static readonly layerClient = (client: Pick<S3Client, "send">) =>
    Layer.succeed(Claims, {
      take: Effect.fn("Claims.take")(function*(Key) {
        const Bucket = Redacted.value(yield* variable("CLAIMS_BUCKET"))
        const command = new PutObjectCommand({ Bucket, Key, IfNoneMatch: "*" })
        return yield* callAws("s3:PutObject", (options) => client.send(command, options)).pipe(
          Effect.as(true),
          Effect.catchIf(({ code }) => code === "PreconditionFailed", () => Effect.succeed(false))
        )
      })
    })
}

/** Posts a message into a chat, at most once in an execution of the pipeline, however often the action runs. */
export const Notify = Action.makeStateless({
  name: "notify",
  parameters: UserParameters.json({
    text: Schema.NonEmptyString,
    /** `#{codepipeline.PipelineExecutionId}` */
    execution: Schema.NonEmptyString
  }),
  start: Effect.fn("Notify.start")(function*({ parameters: { execution, text } }) {
    const claims = yield* Claims
    const chat = yield* Chat
    // First the claim: whatever happens after it, nobody posts a second time.
    if (!(yield* claims.take(`notify/${execution}`))) return Action.Step.Done({ message: "Sent before" })
    yield* chat.post(text)
    return Action.Step.Done({ message: "Sent" })
  })
})({
  ...Action.awsFailures,
  NotSent: "JobFailed",
  Unconfigured: "ConfigurationError"
})

export const handler = Lambda.handler(
  Notify,
  Layer.mergeAll(
    Layer.provide(Chat.layer, FetchHttpClient.layer),
    Claims.layerClient(new S3Client({ maxAttempts: 1 })),
    CodePipeline.layer
  )
)
