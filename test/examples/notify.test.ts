import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Layer } from "effect"
import { JobRunner } from "effect-codepipeline"
import { CodePipelineMemory, LocalPipeline } from "effect-codepipeline/testing"
import { Chat, Claims, Notify } from "./notify.ts"
import { answering } from "./web.ts"

const webhook = "https://chat.example.com/hooks/secret-of-the-webhook"
const configured = { CHAT_WEBHOOK: webhook, CLAIMS_BUCKET: "claims" }

/** Responds like S3 to PutObject requests on the condition that the object does not exist. */
const bucket = () => {
  const keys = new Set<string>()
  return {
    send: ({ input }: { readonly input: { readonly Key?: string | undefined } }) => {
      if (keys.has(input.Key ?? "")) return Promise.reject(Object.assign(new Error(), { name: "PreconditionFailed" }))
      keys.add(input.Key ?? "")
      return Promise.resolve({})
    },
    destroy: () => undefined
  }
}

const services = (posts: Array<string>, status = 200, config: Readonly<Record<string, string>> = configured) =>
  Layer.mergeAll(
    Claims.layer(bucket),
    Layer.provide(
      Chat.layer,
      answering((request) => {
        const body = request.body._tag === "Uint8Array" ? new TextDecoder().decode(request.body.body) : ""
        posts.push(`${request.url} ${body}`)
        return status === 0 ? undefined : new Response("", { status })
      })
    ),
    CodePipelineMemory.layer,
    ConfigProvider.layer(ConfigProvider.fromUnknown(config))
  )

const notify = (id: string, execution: string) =>
  LocalPipeline.run({
    event: LocalPipeline.event({ id, userParameters: { text: "It is live", execution } }),
    invoke: (event) => JobRunner.run(Notify, event)
  })

describe("the notify example", () => {
  it.effect("posts once per execution of the pipeline, even if the action is retried", () => {
    const posts: Array<string> = []
    return Effect.gen(function*() {
      assert.deepInclude(yield* notify("1", "execution-1"), { _tag: "Succeeded", message: "Sent" })
      assert.deepInclude(yield* notify("2", "execution-1"), { _tag: "Succeeded", message: "Already sent" })
      assert.deepStrictEqual(posts, [`${webhook} {"text":"It is live"}`])
      assert.deepInclude(yield* notify("3", "execution-2"), { _tag: "Succeeded", message: "Sent" })
      assert.lengthOf(posts, 2)
    }).pipe(Effect.provide(services(posts)))
  })

  it.effect.each([0, 500])("does not post again if the first attempt may have posted (status %i)", (status) => {
    const posts: Array<string> = []
    return Effect.gen(function*() {
      const outcome = yield* notify("1", "execution-1")
      assert.deepInclude(outcome, { _tag: "Failed", type: "JobFailed" })
      assert.include(outcome.message, "It is unknown whether the message was sent, so it is not sent again")
      assert.notInclude(outcome.message, "secret-of-the-webhook")
      yield* notify("2", "execution-1")
      assert.lengthOf(posts, 1)
    }).pipe(Effect.provide(services(posts, status)))
  })

  it.effect("names the environment variable that is missing", () =>
    Effect.gen(function*() {
      assert.deepInclude(yield* notify("1", "execution-1"), {
        type: "ConfigurationError",
        message: "The Lambda function needs the variable CLAIMS_BUCKET"
      })
    }).pipe(Effect.provide(services([], 200, {}))))
})
