// The world of DeployStackSet's tests: its services in memory, the events of its jobs, and what the jobs leave.
import { assert } from "@effect/vitest"
import { type Duration, Effect, Layer } from "effect"
import { DeployStackSet } from "../../../src/actions/deployStackSet/DeployStackSet.ts"
import type { JobOutcome } from "../../../src/domain/job/JobOutcome.ts"
import * as JobRunner from "../../../src/JobRunner.ts"
import { StackSets } from "../../../src/services/StackSets.ts"
import { ArtifactStoreMemory } from "../../../src/testing/ArtifactStoreMemory.ts"
import { CodePipelineMemory } from "../../../src/testing/CodePipelineMemory.ts"
import * as LocalPipeline from "../../../src/testing/LocalPipeline.ts"
import { StackSetsMemory, type StackSetsMemoryOptions } from "../../../src/testing/StackSetsMemory.ts"
import { drive } from "../../drive.ts"
import { sampleTemplate, tokenOf } from "../../fixtures.ts"

export const stackSet = "MyStackSet"
export const file = "template.json"
export const accounts = ["111111111111", "222222222222"]
export const regions = ["eu-west-1", "us-east-1"]

/** The UserParameters of a stack set with four instances. */
export const required = { stackSet, file, artifact: "MyTemplate", accounts, regions }

export type Options = Readonly<Record<string, unknown>>

interface Given extends StackSetsMemoryOptions {
  readonly template?: string
  /** More files beside the template in the artifact. */
  readonly files?: Readonly<Record<string, string>>
}

/** The services in memory, with a template in the artifact `MyTemplate`. */
export const world = ({ files = {}, template = sampleTemplate, ...options }: Given = {}) =>
  Layer.mergeAll(
    ArtifactStoreMemory.layer({ MyTemplate: { [file]: template, ...files } }),
    StackSetsMemory.layer(options),
    CodePipelineMemory.layer
  )

interface Data {
  readonly id?: string
  readonly continuationToken?: string
  readonly outputArtifacts?: ReadonlyArray<string>
  readonly accountId?: string
}

/** The event of a job with exactly these UserParameters. */
export const eventWith = (userParameters: Options, { id = "1", ...data }: Data = {}) =>
  LocalPipeline.event({ id, userParameters, inputArtifacts: ["MyTemplate"], ...data })

/** The event of a job with the required UserParameters and these options. */
export const eventOf = (options: Options = {}, data?: Data) => eventWith({ ...required, ...options }, data)

/** The event of the next job of the same action. */
export const nextEvent = (outcome: JobOutcome, id: string, userParameters: Options = required) =>
  eventWith(userParameters, { id, continuationToken: tokenOf(outcome) })

/** Runs one job. */
export const invoke = (event: unknown) => drive(JobRunner.run(DeployStackSet, event))

/** Runs all jobs of the action; returns all outcomes. */
export const runAll = (event: unknown, interval: Duration.Input = "5 seconds") =>
  Effect.gen(function*() {
    const outcomes: Array<JobOutcome> = []
    yield* drive(LocalPipeline.run({
      event,
      interval,
      invoke: (event) => JobRunner.run(DeployStackSet, event),
      observe: (happening) =>
        Effect.sync(() => void (happening._tag === "Reported" && outcomes.push(happening.outcome)))
    }))
    return outcomes
  })

/** Runs all jobs of the action; returns the last outcome. */
export const runToEnd = (event: unknown) =>
  Effect.map(runAll(event), (outcomes) => outcomes.at(-1) ?? assert.fail("no outcome"))

/** The stack set exists with its four instances. */
export const createdEarlier = (options: Options = {}) => runToEnd(eventOf(options, { id: "earlier" }))

export const putFiles = (files: Readonly<Record<string, string>>) =>
  ArtifactStoreMemory.use(({ put }) => put("MyTemplate", { [file]: sampleTemplate, ...files }))

export const operationIds = StackSetsMemory.useSync(({ operationIds }) => [...operationIds])
/** The ids of the operations of one action. */
export const operationIdsOf = (job: string) =>
  Effect.map(operationIds, (ids) => ids.filter((id) => id.startsWith(`${job}-`)))
export const failInstance = (account: string, region: string, reason?: string) =>
  StackSetsMemory.use(({ failInstance }) => failInstance(account, region, reason))
export const deny = (operation: string) => StackSetsMemory.use(({ deny }) => deny(operation))

/** The instances as `account/region status`. */
export const instances = Effect.map(
  StackSetsMemory.use(({ instancesOf }) => instancesOf(stackSet)),
  (all) => all.map(({ account, region, status }) => `${account}/${region} ${status}`).toSorted()
)

export const isPresent = Effect.map(
  StackSets.use(({ describe }) => describe({ stackSet })),
  (found) => found._tag === "Some"
)

/** The message of a failed outcome, and its type. */
export const failureOf = (outcome: JobOutcome) =>
  outcome._tag === "Failed" ? outcome : assert.fail(`${outcome._tag}: ${outcome.message}`)

/** Records the names of the calls that an effect makes to StackSets. */
export const recordCalls = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const calls: Array<string> = []
    const recording = new Proxy(yield* StackSets, {
      get: (service, name) => (...args: ReadonlyArray<unknown>) => {
        calls.push(String(name))
        return Reflect.apply(Reflect.get(service, name), service, args)
      }
    })
    return { result: yield* Effect.provideService(effect, StackSets, recording), calls }
  })

/** Runs an effect whose calls to StackSets are partly answered by these methods. */
export const withAnswers = <A, E, R>(
  answers: (real: StackSets["Service"]) => Partial<StackSets["Service"]>,
  effect: Effect.Effect<A, E, R>
) =>
  Effect.gen(function*() {
    const real = yield* StackSets
    return yield* Effect.provideService(effect, StackSets, { ...real, ...answers(real) })
  })
