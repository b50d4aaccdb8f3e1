// The world of DeployStack's tests: its services in memory, the events of its jobs, and what the jobs leave.
import { Clock, Duration, Effect, Layer, Logger, Option } from "effect"
import { DeployStack } from "../../../src/actions/deployStack/DeployStack.ts"
import type { JobOutcome } from "../../../src/domain/job/JobOutcome.ts"
import * as JobRunner from "../../../src/JobRunner.ts"
import { CloudFormation } from "../../../src/services/CloudFormation.ts"
import { ArtifactStoreMemory, type Content } from "../../../src/testing/ArtifactStoreMemory.ts"
import { CloudFormationMemory, type CloudFormationMemoryOptions } from "../../../src/testing/CloudFormationMemory.ts"
import { CodePipelineMemory } from "../../../src/testing/CodePipelineMemory.ts"
import * as LocalPipeline from "../../../src/testing/LocalPipeline.ts"
import { drive } from "../../drive.ts"
import { deployEvent, readEvent, sampleTemplate, tokenOf } from "../../fixtures.ts"

export const stack = "MyTestStack"
export const file = "template-package/template.json"

/** The required UserParameters. */
export const required = { stack, file, artifact: "MyTemplate" }

type Options = Readonly<Record<string, unknown>>
type Data = Parameters<typeof deployEvent>[0]

/** The services in memory, with these artifacts. */
export const worldOf = (artifacts: Readonly<Record<string, Content>>, options?: CloudFormationMemoryOptions) =>
  Layer.mergeAll(
    ArtifactStoreMemory.layer(artifacts),
    CloudFormationMemory.layer(options),
    CodePipelineMemory.layer
  )

interface OtherFiles {
  /** More files beside the template in the artifact `MyTemplate`. */
  readonly files?: Readonly<Record<string, string>>
  /** The files of the artifact `MyBuild`. */
  readonly build?: Readonly<Record<string, string>>
}

/** The services in memory, with this template in the artifact `MyTemplate`. */
export const world = (template: string | Uint8Array = sampleTemplate, { build = {}, files = {} }: OtherFiles = {}) =>
  worldOf({ MyTemplate: { [file]: template, ...files }, MyBuild: build })

/** The event of a job with exactly these UserParameters. */
export const eventWith = (userParameters: Options, data: Data = {}) =>
  deployEvent({ ...data, userParameters: JSON.stringify(userParameters) })

/** The event of a job with the required UserParameters and these options. */
export const eventOf = (options: Options = {}, data: Data = {}) => eventWith({ ...required, ...options }, data)

/** The event of a job whose action has the artifact `MyBuild` too. */
export const eventWithBuild = (options: Options, id = "1") =>
  eventOf(options, {
    id,
    inputArtifacts: readEvent("deploy-stack-options")["CodePipeline.job"].data["inputArtifacts"]
  })

/** The event of the next job of the same action. */
export const nextEvent = (outcome: JobOutcome, id: string, userParameters: Options = required) =>
  eventWith(userParameters, { id, continuationToken: tokenOf(outcome) })

/** Runs one job. */
export const invoke = (event: unknown, step?: Duration.Input) => drive(JobRunner.run(DeployStack, event), step)

/** Runs all jobs of the action. */
export const runToEnd = (event: unknown, step?: Duration.Input) =>
  drive(LocalPipeline.run({ event, invoke: (event) => JobRunner.run(DeployStack, event) }), step)

/** Runs all jobs of the action, ten seconds apart. The first job has this id. */
export const runAction = (id: string, userParameters: Options) =>
  runToEnd(eventWith(userParameters, { id }), "10 seconds")

/** Replaces the artifact `MyTemplate`. */
export const putFiles = (template: string, files: Readonly<Record<string, string>>) =>
  ArtifactStoreMemory.use(({ put }) => put("MyTemplate", { [file]: template, ...files }))

export const putTemplate = (template: string) => putFiles(template, {})

export const operationTokens = CloudFormationMemory.useSync(({ operationTokens }) => [...operationTokens])
export const deny = (operation: string) => CloudFormationMemory.use(({ deny }) => deny(operation))
export const failResource = (id: string, reason: string) =>
  CloudFormationMemory.use(({ failResource }) => failResource(id, reason))
export const setStatus = (status: string) => CloudFormationMemory.use(({ setStatus }) => setStatus(stack, status))

export const describeStack = CloudFormation.use(({ describe }) => describe(stack))
export const statusOfStack = Effect.map(describeStack, Option.map(({ status }) => status))
export const stackId = Effect.map(describeStack, Option.match({ onNone: () => "", onSome: ({ id }) => id }))
export const settings = Effect.map(CloudFormationMemory.use(({ settingsOf }) => settingsOf(stack)), Option.getOrThrow)
export const parameterValues = Effect.map(settings, ({ parameters }) => Object.fromEntries(parameters))

/** Records the log of an effect, as text. */
export const recordLog = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    const lines: Array<string> = []
    const logger = Logger.map(Logger.formatJson, (line) => void lines.push(line))
    return Effect.map(Effect.provide(effect, Logger.layer([logger])), (result) => ({ result, lines }))
  })

/** Records the names of the calls that an effect makes to CloudFormation. */
export const recordCalls = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const calls: Array<string> = []
    const recording = new Proxy(yield* CloudFormation, {
      get: (service, name) => (...args: ReadonlyArray<unknown>) => {
        calls.push(String(name))
        return Reflect.apply(Reflect.get(service, name), service, args)
      }
    })
    return { result: yield* Effect.provideService(effect, CloudFormation, recording), calls }
  })

/** Runs an effect by a clock that is ahead of that of CloudFormation. */
export const withClockAhead = (by: Duration.Input) => <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const clock = yield* Clock.Clock
    const millis = Duration.toMillis(by)
    const ahead: Clock.Clock = Object.assign(Object.create(clock), {
      currentTimeMillisUnsafe: () => clock.currentTimeMillisUnsafe() + millis,
      currentTimeMillis: Effect.map(clock.currentTimeMillis, (now) => now + millis)
    })
    const punctual = new Proxy(yield* CloudFormation, {
      get: (service, name) => (...args: ReadonlyArray<unknown>) =>
        Effect.provideService(
          Reflect.apply(Reflect.get(service, name), service, args) as Effect.Effect<unknown>,
          Clock.Clock,
          clock
        )
    })
    return yield* effect.pipe(
      Effect.provideService(CloudFormation, punctual),
      Effect.provideService(Clock.Clock, ahead)
    )
  })

/** A template with these resources: types by logical id. */
export const templateOf = (resources: Readonly<Record<string, string>>) =>
  JSON.stringify({ Resources: Object.fromEntries(Object.entries(resources).map(([id, Type]) => [id, { Type }])) })

/** A template with these parameters, one resource `Topic`, and more sections. */
export const templateWith = (parameters: object, sections: object = {}) =>
  JSON.stringify({ Parameters: parameters, Resources: { Topic: { Type: "AWS::SNS::Topic" } }, ...sections })

/** From the first template to the second, one resource is replaced, one removed and one added. */
export const firstTemplate = templateOf({ Topic: "AWS::SNS::Topic", Table: "AWS::DynamoDB::Table" })
export const secondTemplate = templateOf({ Queue: "AWS::SQS::Queue", Table: "AWS::DynamoDB::GlobalTable" })

/** The sample template with a change: another description alone would be none. */
export const otherTemplate = sampleTemplate.replace("\"Type\"", "\"Metadata\": { \"Revision\": 2 }, \"Type\"")

/** Creates the stack by an earlier run of the action, then changes the template. */
export const createdEarlier = Effect.andThen(runToEnd(eventOf({}, { id: "earlier" })), putTemplate(otherTemplate))

/** A continuation token of AWS's sample. */
export const foreignToken = JSON.stringify({ previous_job_id: "c0d76431-b0e7-xmpl-97e3-e8ee786eb6f6" })
