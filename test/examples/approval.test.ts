import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { JobRunner } from "effect-codepipeline"
import { CodePipelineMemory, LocalPipeline } from "effect-codepipeline/testing"
import { type HttpClient, UrlParams } from "effect/http"
import { drive } from "../drive.ts"
import { Approval, ApprovalDesk } from "./approval.ts"
import { answering, silent } from "./web.ts"

const url = "https://desk.example.com/requests"

/** The action to its end, and what it had said before. */
const ask = (web: Layer.Layer<HttpClient.HttpClient>, hours?: number) =>
  Effect.gen(function*() {
    const said: Array<string> = []
    const outcome = yield* drive(
      LocalPipeline.run({
        event: LocalPipeline.event({ id: "first", userParameters: { url, hours } }),
        invoke: (event) => JobRunner.run(Approval, event, { remainingMillis: 60_000 }),
        interval: "5 minutes",
        observe: (happening) =>
          Effect.sync(() => {
            if (happening._tag === "Reported") said.push(happening.outcome.message)
          })
      }),
      "10 seconds"
    )
    return { outcome, said }
  }).pipe(Effect.provide(Layer.merge(Layer.provide(ApprovalDesk.layer, web), CodePipelineMemory.layer)))

describe("the example approval", () => {
  it.effect("asks of the same request until somebody says yes", () =>
    Effect.gen(function*() {
      const asked: Array<string> = []
      const { outcome, said } = yield* ask(answering((request) => {
        asked.push(`${request.url}?${UrlParams.toString(request.urlParams)}`)
        return Response.json(asked.length < 3 ? { _tag: "open" } : { _tag: "yes", by: "Ada" })
      }))
      assert.deepInclude(outcome, { _tag: "Succeeded", message: "Approved by Ada", outputVariables: { By: "Ada" } })
      assert.deepStrictEqual(asked, Array.from({ length: 3 }, () => `${url}?id=first`))
      assert.deepStrictEqual(said.slice(0, 2), Array.from({ length: 2 }, () => `Waiting for an answer of ${url}`))
    }))

  it.effect("fails when somebody says no", () =>
    Effect.gen(function*() {
      const { outcome } = yield* ask(answering(() => Response.json({ _tag: "no", by: "Bob", why: "it is Friday" })))
      assert.deepInclude(outcome, { _tag: "Failed", type: "JobFailed", message: "Bob refused: it is Friday" })
    }))

  it.effect("does not wait longer than it may", () =>
    Effect.gen(function*() {
      const { outcome, said } = yield* ask(answering(() => Response.json({ _tag: "open" })), 1)
      assert.include(outcome.message, "The action did not complete within 60 minutes")
      assert.lengthOf(said, 13)
    }))

  it.effect.each<readonly [what: string, web: Layer.Layer<HttpClient.HttpClient>]>([
    ["is silent", silent],
    ["cannot be reached", answering(() => undefined)],
    ["is broken", answering(() => new Response("", { status: 500 }))],
    ["says what nobody understands", answering(() => Response.json({ _tag: "perhaps" }))]
  ])("goes on for an hour while the desk %s, and then says so", ([, web]) =>
    Effect.gen(function*() {
      const { outcome, said } = yield* ask(web)
      assert.deepInclude(outcome, { _tag: "Failed", type: "SystemUnavailable" })
      assert.include(outcome.message, `${url} gave no answer that could be used: `)
      assert.isAbove(said.length, 10)
    }))
})
