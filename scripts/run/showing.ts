// Shows what the action reads, and what Ctrl+C leaves on AWS.
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { reachTime, type StackEvent } from "../../src/domain/stack/StackEvents.ts"
import { isUnderWay } from "../../src/domain/stack/StackStatus.ts"
import { CloudFormation } from "../../src/services/CloudFormation.ts"
import { WebPage } from "../../src/services/WebPage.ts"
import type { TerminalReporter } from "./TerminalReporter.ts"

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

/** Says on Ctrl+C what goes on, which CloudFormation does without this process. */
const explainInterruption = (known: { readonly stack: string; readonly status: string | undefined }) => {
  const explain = () => {
    const { stack, status } = known
    process.stderr.write(
      status !== undefined && isUnderWay(status)
        ? `\ninterrupted: CloudFormation continues with stack "${stack}", which is in ${status}. ` +
          "Run the same command to see how it ends\n"
        : `\ninterrupted: nothing is in progress on stack "${stack}"${status === undefined ? "" : ` (${status})`}\n`
    )
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
  { events: showsEvents, live }: { readonly events: boolean; readonly live: boolean }
) =>
  Layer.effect(
    CloudFormation,
    Effect.gen(function*() {
      const cloudFormation = yield* CloudFormation
      const known: { stack: string; status: string | undefined } = { stack: "", status: undefined }
      if (live) yield* explainInterruption(known)
      const logEvents = showsEvents ? makeEventLog(cloudFormation, reporter) : () => Effect.void
      const starting = <A, E>(status: string, call: Effect.Effect<A, E>) =>
        Effect.tap(call, () => Effect.sync(() => void (known.status = status)))
      return {
        ...cloudFormation,
        create: (request) => starting("CREATE_IN_PROGRESS", cloudFormation.create(request)),
        update: (request) => starting("UPDATE_IN_PROGRESS", cloudFormation.update(request)),
        delete: (request) => starting("DELETE_IN_PROGRESS", cloudFormation.delete(request)),
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
