// An action that needs a service which nobody provides: to TypeScript this is an error, but a module is not checked when
// it is run, and Effect dies when the action asks for the service.
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type { Action } from "../../Action.ts"
import type { AnyAction } from "../../lambda/handler.ts"
import { BadUsage } from "../commandLine/usage.ts"

/** The key of the service, in the defect of Effect. */
const missingService = (defect: unknown) =>
  defect instanceof Error ? /^Service not found: (\S+)/.exec(defect.message)?.[1] : undefined

/** An action whose services are provided, or else refused. */
// oxlint-disable-next-line typescript/no-explicit-any
type RunnableAction = Action<any, any, any, never>

/** Runs `play` with the action, and ends it with a usage error as soon as the action needs a service that is missing. */
export const refusingMissingServices = <A, E, R>(
  action: AnyAction,
  title: string,
  play: (action: RunnableAction) => Effect.Effect<A, E, R>
): Effect.Effect<A, E | BadUsage, R> =>
  Effect.gen(function*() {
    const missing = yield* Deferred.make<never, BadUsage>()
    // `never`: a missing service is refused.
    const refuse = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
      Effect.catchDefect(effect as Effect.Effect<A, E>, (defect) => {
        const key = missingService(defect)
        if (key === undefined) return Effect.die(defect)
        const message = `${title} needs the service ${key}, and nothing provides it: export a handler made by ` +
          "Lambda.handler, or an object { action, layer }, whose layer provides it"
        return Effect.andThen(Deferred.fail(missing, new BadUsage({ message })), Effect.never)
      })
    const { onFailure, recover, resume, start } = action
    const refusing: RunnableAction = {
      ...action,
      start: (invocation) => refuse(start(invocation)),
      resume: (invocation, state) => refuse(resume(invocation, state)),
      recover: recover && ((invocation) => refuse(recover(invocation))),
      onFailure: onFailure && ((invocation, state, context) => refuse(onFailure(invocation, state, context)))
    }
    return yield* Effect.raceFirst(play(refusing), Deferred.await(missing))
  })
