// Shows the progress of a local pipeline on the terminal.
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { styleText } from "node:util"
import type { JobOutcome } from "../domain/job/JobOutcome.ts"
import type { StackEvent } from "../domain/stack/StackEvents.ts"
import type { Happening } from "../testing/LocalPipeline.ts"

type Style = Parameters<typeof styleText>[0]

const styles = { Succeeded: "green", Continued: "cyan", Failed: "red" } satisfies Record<JobOutcome["_tag"], Style>

/** Indents all lines of a message but the first. */
const indented = (text: string) => text.replaceAll("\n", `\n${" ".repeat(16)}`)

/** The end of a text, on one line of at most this many columns: there is what changes, and how long it takes. */
const fitted = (text: string, columns: number) => {
  const line = text.replace(/\s+/g, " ")
  return line.length <= columns ? line : `…${line.slice(line.length - columns + 1)}`.slice(0, columns)
}

/** The elapsed time in a message, as `StackProgress.summary` writes it. */
const elapsed = /, \d+ (?:s|min|h \d+ min)(?=\))/

/** Writes lines. On a terminal, a last line with a spinner shows what the pipeline is waiting for. */
export const makeTerminalReporter = Effect.fn("makeTerminalReporter")(function*(out: NodeJS.WriteStream) {
  const startedAt = yield* Clock.currentTimeMillis
  let waitingFor = ""
  let hasSpinner = false
  let lastShown = ""

  // `styleText` respects NO_COLOR, and adds no colours if `out` is not a terminal.
  const style = (style: Style, text: string) => styleText(style, text, { stream: out })

  const line = (text: string) =>
    Effect.sync(() => {
      out.write(`${hasSpinner ? "\r\u001B[2K" : ""}${text}\n`)
      hasSpinner = false
    })

  const seconds = Effect.map(Clock.currentTimeMillis, (now) => `${((now - startedAt) / 1000).toFixed(1)} s`)

  const labelled = (label: string, text: string) => line(`    ${style("bold", label.padEnd(10))}  ${text}`)

  const outcomeLines = (outcome: JobOutcome) => {
    const percent = "percentComplete" in outcome && outcome.percentComplete !== undefined
      ? style("dim", ` (${outcome.percentComplete} %)`)
      : ""
    const type = outcome._tag === "Failed" ? `${outcome.type}: ` : ""
    const word = style(styles[outcome._tag], outcome._tag.toLowerCase().padEnd(10))
    const variables = outcome._tag === "Succeeded" ? Object.entries(outcome.outputVariables ?? {}) : []
    return Effect.andThen(
      line(`    ${word}  ${indented(`${type}${outcome.message}`)}${percent}`),
      Effect.forEach(variables, ([name, value]) => line(`    ${"variable".padEnd(10)}  ${name}: ${value}`), {
        discard: true
      })
    )
  }

  if (out.isTTY) {
    const frames = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
    const draw = Effect.map(Clock.currentTimeMillis, (now) => {
      if (waitingFor === "") return
      // A line wider than the terminal would wrap, and could not be erased.
      const shown = fitted(waitingFor, Math.max(0, out.columns - 7))
      out.write(`\r\u001B[2K    ${frames[Math.floor(now / 100) % frames.length]} ${style("dim", shown)}`)
      hasSpinner = true
    })
    yield* Effect.forkScoped(Effect.repeat(draw, Schedule.spaced("100 millis")))
  }

  return {
    line,
    /** Shows a line about something that has a name. */
    labelled,
    /** Shows an outcome, unless it differs from the previous one only by the elapsed time. The spinner shows that. */
    showOutcome: (outcome: JobOutcome) => {
      waitingFor = outcome._tag === "Continued" ? outcome.message : ""
      const key = JSON.stringify({ ...outcome, continuationToken: "", message: outcome.message.replace(elapsed, "") })
      if (key === lastShown) return Effect.void
      lastShown = key
      return outcomeLines(outcome)
    },
    /** Shows the response of a page, or why there is none. */
    showPage: (response: string) => {
      waitingFor = "waiting for the next attempt"
      return labelled("page", response)
    },
    /** Shows the status of a stack, or of its newest event, when it has changed. */
    showStatus: (status: string) => {
      waitingFor = `${status}, the action is running`
      if (status === lastShown) return Effect.void
      lastShown = status
      return labelled("stack", status)
    },
    /** Shows an event of a resource. */
    showResource: ({ logicalResourceId, reason, resourceType, status }: StackEvent) =>
      labelled(
        "event",
        `${status} ${logicalResourceId} (${resourceType})${reason ? `: ${reason.replace(/\s+/g, " ")}` : ""}`
      ),
    /** Shows an invocation, or its report. */
    showEvent: (event: Happening) => {
      const { invocation, jobId } = event
      switch (event._tag) {
        case "Invoked":
          waitingFor = "the action is running"
          lastShown = ""
          return line(`${style("bold", String(invocation).padStart(2))}  job ${jobId}`)
        default:
          waitingFor = "waiting for the next invocation"
          return outcomeLines(event.outcome)
      }
    },
    /** Shows the final outcome. */
    showEnd: (outcome: JobOutcome, invocations: number) =>
      Effect.gen(function*() {
        waitingFor = ""
        const word = style(styles[outcome._tag], outcome._tag)
        yield* line(`\n${word} after ${invocations} invocation${invocations === 1 ? "" : "s"} in ${yield* seconds}`)
      })
  }
})

export type TerminalReporter = Effect.Success<ReturnType<typeof makeTerminalReporter>>
