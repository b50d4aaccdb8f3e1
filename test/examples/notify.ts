import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3"
import { Config, Context, Effect, Layer, Redacted, Schema } from "effect"
import {
  Action,
  awsClient,
  type AwsError,
  type ClientOptions,
  CodePipeline,
  Lambda,
  UserParameters
} from "effect-codepipeline"
import { FetchHttpClient, HttpClient, HttpClientRequest } from "effect/http"

export class NotSent extends Schema.TaggedError<NotSent>()("NotSent", { reason: Schema.String }) {
  override get message() {
    return `It is unknown whether the message was sent, so it is not sent again: ${this.reason}`
  }
}

export class Unconfigured extends Schema.TaggedError<Unconfigured>()("Unconfigured", {
  variable: Schema.String
}) {
  override get message() {
    return `The Lambda function needs the variable ${this.variable}`
  }
}

const variable = (name: string) =>
  Config.Redacted(name).pipe(Effect.mapError(() => new Unconfigured({ variable: name })))

export class Chat extends Context.Service<Chat, {
  post(text: string): Effect.Effect<void, NotSent | Unconfigured>
}>()("examples/Chat") {
  /** The URL of the webhook is a secret: anyone who knows it can post. */
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

/** Keys that can be claimed once. */
export class Claims extends Context.Service<Claims, {
  /** Claims the key. Returns whether it was unclaimed. */
  claim(key: string): Effect.Effect<boolean, AwsError | Unconfigured>
}>()("examples/Claims") {
  /** Writes an empty object for each key, on the condition that the object does not exist. */
  static readonly layer = (
    make: (options: ClientOptions) => Pick<S3Client, "send" | "destroy">
  ) =>
    Layer.effect(
      Claims,
      Effect.gen(function*() {
        const s3 = yield* awsClient(make)
        return {
          claim: Effect.fn("Claims.claim")(function*(Key) {
            const Bucket = Redacted.value(yield* variable("CLAIMS_BUCKET"))
            const command = new PutObjectCommand({ Bucket, Key, IfNoneMatch: "*" })
            return yield* s3.call("s3:PutObject", (client, options) => client.send(command, options)).pipe(
              Effect.as(true),
              Effect.catchIf(({ code }) => code === "PreconditionFailed", () => Effect.succeed(false))
            )
          })
        }
      })
    )
}

/**
 * Posts a message to a chat, at most once per pipeline execution, even if the action is retried.
 */
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
    // The claim comes first, so that a failure after it cannot lead to a second post.
    if (!(yield* claims.claim(`notify/${execution}`))) {
      return Action.Step.Done({ message: "Already sent" })
    }
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
    Claims.layer((options) => new S3Client(options)),
    CodePipeline.layer
  )
)
