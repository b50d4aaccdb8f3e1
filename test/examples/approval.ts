import { Context, Duration, Effect, Layer, Schema } from "effect"
import { Action, CodePipeline, Lambda, UserParameters } from "effect-codepipeline"
import { FetchHttpClient, HttpClient, HttpClientResponse } from "effect/http"

export class DeskUnreachable extends Schema.TaggedError<DeskUnreachable>()("DeskUnreachable", {
  url: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `${this.url} did not return a usable answer: ${this.reason}`
  }
}

export class Refused extends Schema.TaggedError<Refused>()("Refused", {
  by: Schema.String,
  why: Schema.String
}) {
  override get message() {
    return `${this.by} refused: ${this.why}`
  }
}

const Answer = Schema.TaggedUnion({
  open: {},
  yes: { by: Schema.String },
  no: { by: Schema.String, why: Schema.String }
})

/** The service where people approve or refuse requests. */
export class ApprovalDesk extends Context.Service<ApprovalDesk, {
  ask(url: string, id: string): Effect.Effect<typeof Answer.Type, DeskUnreachable>
}>()("examples/ApprovalDesk") {
  static readonly layer = Layer.effect(
    ApprovalDesk,
    Effect.gen(function*() {
      const client = HttpClient.filterStatusOk(yield* HttpClient.HttpClient)
      return {
        ask: (url, id) =>
          client.get(url, { urlParams: { id } }).pipe(
            Effect.flatMap(HttpClientResponse.schemaBodyJson(Answer)),
            Effect.timeout("10 seconds"),
            Effect.mapError(({ message }) => new DeskUnreachable({ url, reason: message }))
          )
      }
    })
  )
}

/** Polls until the answer is yes or no, for the given number of hours. */
export const Approval = Action.makeStateless({
  name: "approval",
  parameters: UserParameters.json({
    url: Schema.String,
    hours: Schema.optionalKey(Schema.Finite)
  }),
  timeout: ({ hours = 12 }) => Duration.hours(hours),
  start: Effect.fn("Approval.start")(function*({ execution, parameters: { url } }) {
    const desk = yield* ApprovalDesk
    const answer = yield* desk.ask(url, execution.firstJobId)
    return yield* Answer.match(answer, {
      open: () => Effect.succeed(Action.Step.StartAgain({ message: `Waiting for an answer from ${url}` })),
      yes: ({ by }) =>
        Effect.succeed(
          Action.Step.Done({ message: `Approved by ${by}`, outputVariables: { By: by } })
        ),
      no: ({ by, why }) => Effect.fail(new Refused({ by, why }))
    })
  })
})({
  // Later jobs retry for one hour.
  DeskUnreachable: "SystemUnavailable",
  Refused: "JobFailed"
})

export const handler = Lambda.handler(
  Approval,
  Layer.merge(Layer.provide(ApprovalDesk.layer, FetchHttpClient.layer), CodePipeline.layer)
)
