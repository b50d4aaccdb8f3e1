// Shows what the action reads, and what Ctrl+C leaves on AWS.
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { reachTime, type StackEvent } from "../../domain/stack/StackEvents.ts"
import { isUnderWay } from "../../domain/stack/StackStatus.ts"
import { CloudFormation } from "../../services/CloudFormation.ts"
import { WebPage } from "../../services/WebPage.ts"
import type { TerminalReporter } from "../TerminalReporter.ts"
import type { RunOptions } from "./runOptions.ts"

const keyOf = (event: StackEvent) => JSON.stringify(event)

/** Shows each event of the resources of a stack once, but none of those before the run. */
const makeEventLog = ({ events }: CloudFormation["Service"], reporter: TerminalReporter) => {
  const shown = new Set<string>()
  let since = 0
  let isFirst = true
  let isDenied = false
  /** Reads the events of a stack by its id; `undefined` if it does not exist. */
  return (id: string | undefined) =>
    Effect.gen(function*() {
      const wasFirst = isFirst
      isFirst = false
      if (id === undefined || isDenied) return
      const until = since
      const read = yield* events(id, wasFirst ? undefined : (newest) => reachTime(newest, until))
      for (const event of read.toReversed()) {
        since = Math.max(since, event.timestamp)
        if (event.physicalResourceId === id || shown.has(keyOf(event))) continue
        shown.add(keyOf(event))
        if (!wasFirst) yield* reporter.showResource(event)
      }
    }).pipe(
      // The action goes on without them.
      Effect.catch(({ message }) => {
        isDenied = true
        return reporter.labelled("event", `the events cannot be read: ${message}`)
      })
    )
}

/** What is known of the stack. */
interface Known {
  stack: string | undefined
  status: string | undefined
  /** Whether a call that starts an operation has no answer yet. */
  isStarting: boolean
}

/** What goes on after Ctrl+C. Of a module, only its stack is known. */
export const interruption = ({ isStarting, stack, status = "" }: Known, module?: string) => {
  if (stack === undefined) {
    return module === undefined ? "nothing was started" : `what ${module} has started continues`
  }
  const goesOn = isUnderWay(status)
    ? `CloudFormation continues with stack "${stack}", which is in ${status}`
    : `CloudFormation may have started to change stack "${stack}"`
  return isUnderWay(status) || isStarting
    ? `${goesOn}. Run the same command to see how it ends`
    : `nothing is in progress on stack "${stack}"`
}

/** Says on Ctrl+C what goes on, which CloudFormation does without this process. */
const explainInterruption = (known: Known, module: string | undefined) => {
  const explain = () => {
    process.stderr.write(`\ninterrupted: ${interruption(known, module)}\n`)
    process.exit(130)
  }
  return Effect.acquireRelease(
    Effect.sync(() => process.once("SIGINT", explain)),
    () => Effect.sync(() => process.off("SIGINT", explain))
  )
}

/** Shows the status of the stack whenever the action reads it, and the events of its resources if they are wanted. */
export const showingStacks = (
  reporter: TerminalReporter,
  { chosen: { readyMade, title }, events: showsEvents, live }: Pick<RunOptions, "chosen" | "events" | "live">
) =>
  Layer.effect(
    CloudFormation,
    Effect.gen(function*() {
      const cloudFormation = yield* CloudFormation
      const known: Known = { stack: undefined, status: undefined, isStarting: false }
      if (live) yield* explainInterruption(known, readyMade === undefined ? title : undefined)
      const starting = <A, E>(status: string, call: Effect.Effect<A, E>) =>
        Effect.sync(() => void (known.isStarting = true)).pipe(
          Effect.andThen(call),
          Effect.tap(() => Effect.sync(() => void (known.status = status))),
          Effect.ensuring(Effect.sync(() => void (known.isStarting = false)))
        )
      const showing = (cloudFormation: CloudFormation["Service"]): CloudFormation["Service"] => {
        const logEvents = showsEvents ? makeEventLog(cloudFormation, reporter) : () => Effect.void
        return {
          ...cloudFormation,
          at: (destination, sessionName) =>
            Effect.map(cloudFormation.at(destination, sessionName), (there) => ({
              ...there,
              cloudFormation: showing(there.cloudFormation)
            })),
          create: (request) => starting("CREATE_IN_PROGRESS", cloudFormation.create(request)),
          update: (request) => starting("UPDATE_IN_PROGRESS", cloudFormation.update(request)),
          delete: (request) => starting("DELETE_IN_PROGRESS", cloudFormation.delete(request)),
          rollBack: (request) => starting("ROLLBACK_IN_PROGRESS", cloudFormation.rollBack(request)),
          continueRollback: (request) =>
            starting("UPDATE_ROLLBACK_IN_PROGRESS", cloudFormation.continueRollback(request)),
          executeChangeSet: (request) => starting("UPDATE_IN_PROGRESS", cloudFormation.executeChangeSet(request)),
          describe: (stack) =>
            cloudFormation.describe(stack).pipe(
              Effect.tap((found) => {
                known.status = Option.getOrUndefined(found)?.status
                known.stack = Option.getOrUndefined(found)?.name ?? stack
                return reporter.showStatus(known.status ?? "does not exist")
              }),
              Effect.tap((found) => logEvents(Option.getOrUndefined(found)?.id))
            ),
          events: (stackId, areEnough) =>
            Effect.tap(cloudFormation.events(stackId, areEnough), (events) => {
              const newest = events.find(({ physicalResourceId }) => physicalResourceId === stackId)
              if (newest === undefined || areEnough !== undefined) return Effect.void
              known.status = newest.status
              return Effect.andThen(reporter.showStatus(newest.status), logEvents(stackId))
            })
        }
      }
      return showing(cloudFormation)
    })
  )

/** Shows the response of a page whenever the action requests it. */
export const showingPages = (reporter: TerminalReporter) =>
  Layer.provide(
    Layer.effect(
      WebPage,
      Effect.map(WebPage, ({ open }) => ({
        open: (request) =>
          open(request).pipe(
            Effect.tap(({ status, url }) => reporter.showPage(`${status} ${url}`)),
            // The action reports the advice.
            Effect.tapError((error) =>
              reporter.showPage(error._tag === "PageUnreachable" ? `no response: ${error.detail}` : error.message)
            )
          )
      }))
    ),
    WebPage.layer
  )
