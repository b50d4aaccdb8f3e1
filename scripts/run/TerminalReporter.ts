// Tells on the terminal what happens in a local pipeline.
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { styleText } from "node:util"
import type { JobOutcome } from "../../src/domain/job/JobOutcome.ts"
import type { Happening } from "../../src/testing/LocalPipeline.ts"

type Style = Parameters<typeof styleText>[0]

const styles = { Succeeded: "green", Continued: "cyan", Failed: "red" } satisfies Record<JobOutcome["_tag"], Style>

/** Further lines of a message below its first. */
const indented = (text: string) => text.replaceAll("\n", `\n${" ".repeat(16)}`)

/** How long something has lasted, as `StackProgress.summary` has it. */
const lasted = /, \d+ (?:s|min|h \d+ min)(?=\))/

/** Lines, and on a terminal one more that is rewritten while there is something to wait for. */
export const makeTerminalReporter = Effect.fn("makeTerminalReporter")(function*(out: NodeJS.WriteStream) {
  const startedAt = yield* Clock.currentTimeMillis
  let waitingFor = ""
  let liveLine = false
  let seen = ""

  // `styleText` knows NO_COLOR, and what is no terminal.
  const style = (style: Style, text: string) => styleText(style, text, { stream: out })

  const line = (text: string) =>
    Effect.sync(() => {
      out.write(`${liveLine ? "\r\u001B[2K" : ""}${text}\n`)
      liveLine = false
    })

  const seconds = Effect.map(Clock.currentTimeMillis, (now) => `${((now - startedAt) / 1000).toFixed(1)} s`)

  const told = (outcome: JobOutcome) => {
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
      // What is wider than the terminal could not be taken back.
      const shown = waitingFor.slice(0, Math.max(0, out.columns - 7))
      out.write(`\r\u001B[2K    ${frames[Math.floor(now / 100) % frames.length]} ${style("dim", shown)}`)
      liveLine = true
    })
    yield* Effect.forkScoped(Effect.repeat(draw, Schedule.spaced("100 millis")))
  }

  return {
    line,
    /**
     * What the action says, as CodePipeline would be told it. What differs from the line before only by how long
     * something has lasted is left to the line that is rewritten.
     */
    said: (outcome: JobOutcome) => {
      waitingFor = outcome._tag === "Continued" ? outcome.message : ""
      const news = JSON.stringify({ ...outcome, continuationToken: "", message: outcome.message.replace(lasted, "") })
      if (news === seen) return Effect.void
      seen = news
      return told(outcome)
    },
    /** A page was asked for: this came back. */
    sawPage: (answer: string) => {
      waitingFor = "waiting for the next attempt"
      return line(`    ${style("bold", "page".padEnd(10))}  ${answer}`)
    },
    /** A stack, or the newest of its events, was looked at. */
    saw: (status: string) => {
      waitingFor = `${status}, the action is at work`
      if (status === seen) return Effect.void
      seen = status
      return line(`    ${style("bold", "stack".padEnd(10))}  ${status}`)
    },
    happened: (happening: Happening) => {
      const { invocation, jobId } = happening
      switch (happening._tag) {
        case "Invoked":
          waitingFor = "the action is at work"
          seen = ""
          return line(`${style("bold", String(invocation).padStart(2))}  job ${jobId}`)
        default:
          waitingFor = "waiting for the next invocation"
          return told(happening.outcome)
      }
    },
    end: (outcome: JobOutcome, invocations: number) =>
      Effect.gen(function*() {
        waitingFor = ""
        const word = style(styles[outcome._tag], outcome._tag)
        yield* line(`\n${word} after ${invocations} invocation${invocations === 1 ? "" : "s"} in ${yield* seconds}`)
      })
  }
})

export type TerminalReporter = Effect.Success<ReturnType<typeof makeTerminalReporter>>
