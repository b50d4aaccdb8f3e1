import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { JobRunner } from "effect-codepipeline"
import { CodePipelineMemory, LocalPipeline } from "effect-codepipeline/testing"
import { type HttpClient, UrlParams } from "effect/http"
import { drive } from "../drive.ts"
import { Approval, ApprovalDesk } from "./approval.ts"
import { answering, silent } from "./web.ts"

const url = "https://desk.example.com/requests"

/** Runs the action to its end. Returns its outcome and all reported messages. */
const run = (web: Layer.Layer<HttpClient.HttpClient>, hours?: number) =>
  Effect.gen(function*() {
    const messages: Array<string> = []
    const outcome = yield* drive(
      LocalPipeline.run({
        event: LocalPipeline.event({ id: "first", userParameters: { url, hours } }),
        invoke: (event) => JobRunner.run(Approval, event, { remainingMillis: 60_000 }),
        interval: "5 minutes",
        observe: (happening) =>
          Effect.sync(() => {
            if (happening._tag === "Reported") messages.push(happening.outcome.message)
          })
      }),
      "10 seconds"
    )
    return { outcome, messages }
  }).pipe(Effect.provide(Layer.merge(Layer.provide(ApprovalDesk.layer, web), CodePipelineMemory.layer)))

describe("the approval example", () => {
  it.effect("polls the same request until somebody approves it", () =>
    Effect.gen(function*() {
      const requested: Array<string> = []
      const { messages, outcome } = yield* run(answering((request) => {
        requested.push(`${request.url}?${UrlParams.toString(request.urlParams)}`)
        return Response.json(requested.length < 3 ? { _tag: "open" } : { _tag: "yes", by: "Ada" })
      }))
      assert.deepInclude(outcome, { _tag: "Succeeded", message: "Approved by Ada", outputVariables: { By: "Ada" } })
      assert.deepStrictEqual(requested, Array.from({ length: 3 }, () => `${url}?id=first`))
      assert.deepStrictEqual(messages.slice(0, 2), Array.from({ length: 2 }, () => `Waiting for an answer from ${url}`))
    }))

  it.effect("fails if somebody refuses the request", () =>
    Effect.gen(function*() {
      const { outcome } = yield* run(answering(() => Response.json({ _tag: "no", by: "Bob", why: "it is Friday" })))
      assert.deepInclude(outcome, { _tag: "Failed", type: "JobFailed", message: "Bob refused: it is Friday" })
    }))

  it.effect("fails after the given number of hours without an answer", () =>
    Effect.gen(function*() {
      const { messages, outcome } = yield* run(answering(() => Response.json({ _tag: "open" })), 1)
      assert.include(outcome.message, "The action did not complete within 60 minutes")
      assert.lengthOf(messages, 13)
    }))

  it.effect.each<readonly [what: string, web: Layer.Layer<HttpClient.HttpClient>]>([
    ["does not respond", silent],
    ["cannot be reached", answering(() => undefined)],
    ["responds with status 500", answering(() => new Response("", { status: 500 }))],
    ["returns an unknown answer", answering(() => Response.json({ _tag: "perhaps" }))]
  ])("retries for one hour if the desk %s, and then fails", ([, web]) =>
    Effect.gen(function*() {
      const { messages, outcome } = yield* run(web)
      assert.deepInclude(outcome, { _tag: "Failed", type: "SystemUnavailable" })
      assert.include(outcome.message, `${url} did not return a usable answer: `)
      assert.isAbove(messages.length, 10)
    }))
})
