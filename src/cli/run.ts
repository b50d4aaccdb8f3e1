// run: acts as CodePipeline for one action on this machine, and shows what happens.
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Schema from "effect/Schema"
import { CheckWebpage } from "../actions/checkWebpage/CheckWebpage.ts"
import { DeployStack } from "../actions/deployStack/DeployStack.ts"
import { decodeJob, type Job } from "../domain/job/Job.ts"
import type { JobOutcome } from "../domain/job/JobOutcome.ts"
import * as UserParameters from "../domain/job/UserParameters.ts"
import { startability } from "../domain/stack/StackStatus.ts"
import * as JobRunner from "../JobRunner.ts"
import { ArtifactStore } from "../services/ArtifactStore.ts"
import { CloudFormation } from "../services/CloudFormation.ts"
import { CodePipelineMemory } from "../testing/CodePipelineMemory.ts"
import * as LocalPipeline from "../testing/LocalPipeline.ts"
import { configureAws } from "./aws.ts"
import { ExitStatus } from "./commandLine/options.ts"
import { BadUsage, Unsuccessful } from "./commandLine/usage.ts"
import { type GivenArtifact, upload } from "./run/artifacts.ts"
import { memory, parametersOf } from "./run/memory.ts"
import {
  readArtifacts,
  readEvent,
  readOptions,
  runConfig,
  type RunInput,
  type RunOptions,
  shownPath,
  withoutCredentials,
  withParameters
} from "./run/runOptions.ts"
import { showingPages, showingStacks } from "./run/showing.ts"
import { makeTerminalReporter, type TerminalReporter } from "./TerminalReporter.ts"

/** Puts the artifacts where the action reads them. In a real bucket, only artifacts of the command line. */
const putArtifacts = Effect.fn("putArtifacts")(function*(
  { artifacts: { length: given }, endpoint, live, yes }: RunOptions,
  artifacts: ReadonlyArray<GivenArtifact>,
  reporter: TerminalReporter
) {
  const emulator = endpoint !== undefined
  if (live && !emulator && given === 0) return
  const ifDifferent = given === 0 ? "keep" : yes ? "replace" : "refuse"
  const put = live ? yield* upload(artifacts, { emulator, ifDifferent }) : artifacts
  for (const { artifact, local: { file, name, path, zip } } of given === 0 ? put : artifacts) {
    const { bucketName, objectKey } = artifact.location.s3Location
    const where = !live
      ? ""
      : put.some((other) => other.artifact === artifact)
      ? `, uploaded to s3://${bucketName}/${objectKey}`
      : `, equal to s3://${bucketName}/${objectKey}`
    const as = file === undefined ? "" : ` as ${file}`
    yield* reporter.labelled("artifact", `${name}: ${shownPath(path)}${as}, ${zip.length} bytes as a zip${where}`)
  }
})

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

const deployStack = Effect.fn("deployStack")(
  function*(options: RunOptions, given: unknown, reporter: TerminalReporter) {
    if (options.live) yield* configureAws({ user: "--live", endpoint: options.endpoint })
    const withOptions = yield* withParameters(options, given)
    const event = options.live ? yield* withoutCredentials(withOptions) : withOptions
    // The action reports what is wrong with the event.
    const job = yield* Effect.option(decodeJob(event))
    const artifacts = Option.isNone(job) ? [] : yield* readArtifacts(options, job.value)
    yield* reporter.line(
      `deploy-stack on ${shownPath(options.event)}, ${options.live ? options.endpoint ?? "live" : "in memory"}`
    )
    yield* putArtifacts(options, artifacts, reporter)
    const { stackStatus } = options
    if (stackStatus !== undefined && startability(stackStatus) === "Busy") {
      const waits = Option.exists(yield* parametersOf(event), ({ whenBusy }) => whenBusy === "wait")
      if (waits) {
        yield* reporter.line(`    the stack stays in ${stackStatus}, and the action waits until you press Ctrl+C`)
      }
    }
    const services = options.live
      ? Layer.merge(ArtifactStore.layer, CloudFormation.layer)
      : memory(options, event, artifacts.map(({ local }) => local), reporter)
    const outcome = yield* runPipeline(options, event, reporter, (event) => JobRunner.run(DeployStack, event)).pipe(
      Effect.provide(
        showingStacks(reporter, options).pipe(Layer.provideMerge(Layer.merge(services, CodePipelineMemory.layer)))
      )
    )
    yield* checkStackFails(options, outcome)
    yield* showHints(options, job, artifacts, outcome, reporter)
    return outcome
  }
)

const checkWebpage = Effect.fn("checkWebpage")(
  function*(options: RunOptions, event: unknown, reporter: TerminalReporter) {
    yield* reporter.line(`check-webpage on ${shownPath(options.event)}`)
    return yield* runPipeline(options, event, reporter, (event) => JobRunner.run(CheckWebpage, event)).pipe(
      Effect.provide(Layer.merge(showingPages(reporter), CodePipelineMemory.layer))
    )
  }
)

/** Rejects an event that is valid for check-webpage only. */
const rejectOtherAction = Effect.fn("rejectOtherAction")(function*(event: unknown) {
  const isValid = (parameters: Schema.Codec<unknown, string>) =>
    decodeJob(event).pipe(
      Effect.flatMap(({ userParameters }) => UserParameters.decode(parameters, userParameters)),
      Effect.isSuccess
    )
  if (!(yield* isValid(DeployStack.parameters)) && (yield* isValid(CheckWebpage.parameters))) {
    return yield* new BadUsage({
      message:
        "this looks like an event of check-webpage: add --action check-webpage, or --action deploy-stack to insist"
    })
  }
})

const play = Effect.fn("run")(
  function*(input: RunInput) {
    const options = yield* readOptions(input)
    const event = yield* readEvent(options.event)
    if (!options.isNamed) yield* rejectOtherAction(event)
    const reporter = yield* makeTerminalReporter(process.stdout)
    const run = options.action === "check-webpage" ? checkWebpage : deployStack
    const outcome = yield* run(options, event, reporter)
    if (outcome._tag !== "Succeeded") return yield* new Unsuccessful()
  },
  Effect.scoped,
  Effect.catchTag("NotAJobEvent", ({ message }) => Effect.fail(new BadUsage({ message })))
)

export const run = Command.make("run", runConfig, play).pipe(
  Command.withShortDescription("Runs an action on an event, as CodePipeline would."),
  Command.withDescription(`
Runs an action on an event, as CodePipeline would, until the action ends. By default the action is deploy-stack, and
everything is in memory, without an AWS account or the network. npx effect-codepipeline event writes other events.`),
  Command.withExamples([
    { command: "npx effect-codepipeline run --stack-fails MySampleBucket" },
    { command: "npx effect-codepipeline run --mode REPLACE_ON_FAILURE --stack-status ROLLBACK_COMPLETE" },
    { command: "npx effect-codepipeline run --artifact MyTemplate=template.yaml --events" },
    { command: "npx effect-codepipeline run event.json --artifact MyTemplate=./template-package --live" }
  ]),
  Command.annotate(ExitStatus, "0 the action succeeded, 1 it failed, 2 the command line or one of its files is wrong")
)
