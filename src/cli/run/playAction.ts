// Acts as CodePipeline for one action on this machine, and shows what happens.
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { decodeJob, type Job } from "../../domain/job/Job.ts"
import type { JobOutcome } from "../../domain/job/JobOutcome.ts"
import { startability } from "../../domain/stack/StackStatus.ts"
import * as JobRunner from "../../JobRunner.ts"
import { ArtifactStoreMemory } from "../../testing/ArtifactStoreMemory.ts"
import * as LocalPipeline from "../../testing/LocalPipeline.ts"
import { configureAws } from "../aws.ts"
import { BadUsage } from "../commandLine/usage.ts"
import type { TerminalReporter } from "../TerminalReporter.ts"
import type { GivenArtifact } from "./artifacts.ts"
import { memory, parametersOf } from "./memory.ts"
import { refusingMissingServices } from "./missingService.ts"
import { putArtifacts, readArtifacts } from "./runArtifacts.ts"
import { eventOf, withoutCredentials } from "./runEvent.ts"
import { type RunOptions, shownPath } from "./runOptions.ts"
import { buildServices } from "./services.ts"
import { showingPages, showingStacks } from "./showing.ts"

/** In memory, artifacts and exports can be missing because nobody has given them. */
const showHints = Effect.fn("showHints")(function*(
  { live }: RunOptions,
  job: Option.Option<Job>,
  artifacts: ReadonlyArray<GivenArtifact>,
  outcome: JobOutcome,
  reporter: TerminalReporter
) {
  if (live || outcome._tag !== "Failed") return
  const [, name] = /No export named (\S+) found/.exec(outcome.message) ?? []
  if (name !== undefined) yield* reporter.labelled("hint", `no other stack is in memory: add --export ${name}=VALUE`)
  if (outcome.type !== "RevisionUnavailable" || Option.isNone(job)) return
  const given = new Set(artifacts.map(({ local }) => local.name))
  for (const { name } of job.value.inputArtifacts.filter(({ name }) => !given.has(name))) {
    yield* reporter.labelled(
      "hint",
      `artifact ${name} is not in memory: add --artifact ${name}=PATH, a zip, a folder or a template`
    )
  }
})

const runPipeline = Effect.fn("runPipeline")(function*<E, R>(
  { interval }: RunOptions,
  event: unknown,
  reporter: TerminalReporter,
  invoke: (event: unknown) => Effect.Effect<unknown, E, R>
) {
  let invocations = 0
  const outcome = yield* LocalPipeline.run({
    event,
    invoke,
    interval: interval * 1000,
    observe: (event) => {
      invocations = event.invocation
      return reporter.showEvent(event)
    }
  })
  yield* reporter.showEnd(outcome, invocations)
  return outcome
})

/** In memory, --stack-fails with a resource that does not exist is a mistake on the command line. */
const checkStackFails = ({ stackFails }: RunOptions, outcome: JobOutcome) =>
  stackFails !== undefined && outcome._tag === "Succeeded"
    ? Effect.fail(
      new BadUsage({
        message:
          `--stack-fails ${stackFails}: nothing failed, because no resource with this name was created or updated`
      })
    )
    : Effect.void

/** The first line: what is played, on which event, and where. */
const titleOf = ({ chosen: { readyMade, title }, endpoint, event, live }: RunOptions) => {
  const on = event === undefined ? "" : ` on ${shownPath(event)}`
  return `${title}${on}${readyMade === "check-webpage" ? "" : `, ${live ? endpoint ?? "live" : "in memory"}`}`
}

/** Warns of a run that only Ctrl+C ends. */
const warnOfWaiting = Effect.fn("warnOfWaiting")(function*(
  { stackStatus }: RunOptions,
  event: unknown,
  reporter: TerminalReporter
) {
  if (stackStatus === undefined || startability(stackStatus) !== "Busy") return
  if (Option.exists(yield* parametersOf(event), ({ whenBusy }) => whenBusy === "wait")) {
    yield* reporter.line(`    the stack stays in ${stackStatus}, and the action waits until you press Ctrl+C`)
  }
})

/** The files that the action has written into output artifacts in memory. */
const showOutputs = Effect.fn("showOutputs")(function*(reporter: TerminalReporter) {
  const store = yield* Effect.serviceOption(ArtifactStoreMemory)
  for (const [name, files] of Option.isSome(store) ? store.value.outputs : []) {
    yield* reporter.labelled("artifact", `${name} was written: ${Object.keys(files).join(", ")}`)
  }
})

/** Plays the action to its end, and returns its outcome. */
export const playAction = Effect.fn("playAction")(function*(options: RunOptions, reporter: TerminalReporter) {
  const { chosen, endpoint, live } = options
  const given = yield* eventOf(options)
  if (live) yield* configureAws({ user: "--live", endpoint })
  const event = live ? yield* withoutCredentials(given) : given
  // The action reports what is wrong with the event.
  const job = yield* Effect.option(decodeJob(event))
  const usesArtifacts = chosen.readyMade !== "check-webpage"
  const artifacts = Option.isSome(job) && usesArtifacts ? yield* readArtifacts(options, job.value) : []
  yield* reporter.line(titleOf(options))
  yield* putArtifacts(options, artifacts, reporter)
  yield* warnOfWaiting(options, event, reporter)
  const services = yield* buildServices(
    chosen,
    live ? undefined : memory(options, event, artifacts.map(({ local }) => local), reporter),
    { pages: showingPages(reporter), stacks: showingStacks(reporter, options) }
  )
  return yield* refusingMissingServices(
    chosen.action,
    chosen.title,
    (action) => runPipeline(options, event, reporter, (event) => JobRunner.run(action, event))
  ).pipe(
    Effect.tap((outcome) => checkStackFails(options, outcome)),
    Effect.tap((outcome) => showHints(options, job, artifacts, outcome, reporter)),
    Effect.tap(() => showOutputs(reporter)),
    Effect.provide(services)
  )
})
