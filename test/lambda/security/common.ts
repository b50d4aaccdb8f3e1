// The scenarios that are the same for each function.
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { CodePipelineServer } from "../../contract/CodePipelineServer.ts"
import { Answer, denied, refused, unavailable } from "../../contract/server.ts"
import {
  artifactAt,
  artifactRequest,
  damaged,
  functionToken,
  hostileEvents,
  hostileZips,
  oddPlaces,
  quotations,
  refusals
} from "./inputs.ts"
import { credentials, scenarios, type Subject, zipped } from "./world.ts"

/** The calls of a job that works. */
export interface Calls {
  readonly operations: ReadonlyArray<string>
  /** A call that changes what exists. */
  readonly change: string
}

/** Defines the scenarios; returns what further ones need. */
export const commonScenarios = <Id>(
  subject: Subject<Id>,
  { change, operations }: Calls,
  /** Prepares what exists; returns the UserParameters of a job that makes the call `change`. */
  prepare: Effect.Effect<string, never, Id>
) => {
  const { folder, scenario } = scenarios(subject)

  scenario("no secret is reported or logged, whatever fails", ({ answered, deliver }) =>
    Effect.gen(function*() {
      const cloudFormation = yield* subject.cloudFormation
      const codePipeline = yield* CodePipelineServer
      for (const [name, s3] of damaged) yield* answered(name, { s3, remainingMillis: 600 })

      for (const operation of operations) {
        for (const answer of [...refusals, denied(operation)]) {
          yield* cloudFormation.answerAlways(operation, answer)
          yield* answered(`${operation} ${JSON.stringify(answer)}`, { remainingMillis: 600 })
        }
      }
      for (const operation of operations) yield* cloudFormation.answerNormally(operation)
      const userParameters = yield* prepare
      for (const answer of [unavailable, Answer.Cut()]) {
        yield* cloudFormation.answerAlways(change, answer)
        yield* answered(answer._tag, { userParameters, remainingMillis: 600 })
      }
      yield* cloudFormation.answerNormally(change)

      const quoted = quotations.map(([, quote]) => refused("ValidationError", quote(functionToken), 400))
      for (const answer of [...refusals.slice(0, 4), ...quoted, denied("PutJobSuccessResult")]) {
        // A signature is tried twice.
        yield* codePipeline.answerAlways("PutJobSuccessResult", answer)
        assert.property((yield* deliver()).result, "rejected")
      }
      yield* codePipeline.answerNormally("PutJobSuccessResult")
    }))

  scenario("an event is only data, whatever it contains", ({ answered }) =>
    Effect.gen(function*() {
      for (const event of hostileEvents) yield* answered(JSON.stringify(event).slice(0, 200), { event })
      for (const [bucket, key, place] of oddPlaces) {
        const { fetched } = yield* answered(`${bucket} ${key}`, { data: artifactAt(bucket, key) })
        assert.deepStrictEqual([...new Set(fetched)], place === undefined ? [] : [`GET ${place}?x-id=GetObject`])
      }
      for (
        const sessionToken of ["a\r\nHost: elsewhere", "a\0b", "\ud800", "ü"].map((odd) =>
          credentials.sessionToken + odd
        )
      ) {
        yield* answered(`token ${JSON.stringify(sessionToken)}`, {
          data: { artifactCredentials: { ...credentials, sessionToken } }
        })
      }
    }))

  scenario("a zip is only read, whatever it contains", ({ answered }) =>
    Effect.gen(function*() {
      for (const [index, [zip, says]] of hostileZips.entries()) {
        const { fetched, outcome } = yield* answered(`zip ${index}`, { s3: zipped(zip) })
        assert.match(String(outcome?.message), says, `zip ${index}`)
        assert.deepStrictEqual([...new Set(fetched)], [artifactRequest])
      }
    }))

  return { folder, scenario }
}
