// S3 and CloudFormation in memory, as the command line sets them up.
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { DeployStack } from "../../actions/deployStack/DeployStack.ts"
import { decodeJob } from "../../domain/job/Job.ts"
import * as UserParameters from "../../domain/job/UserParameters.ts"
import { accountOf } from "../../domain/stack/Destination.ts"
import { ArtifactStoreMemory } from "../../testing/ArtifactStoreMemory.ts"
import { CloudFormationMemory } from "../../testing/CloudFormationMemory.ts"
import { StackSetsMemory } from "../../testing/StackSetsMemory.ts"
import type { TerminalReporter } from "../TerminalReporter.ts"
import type { LocalArtifact } from "./artifacts.ts"

/** The event's parameters of deploy-stack, if they are valid. */
export const parametersOf = (event: unknown) =>
  decodeJob(event).pipe(
    Effect.flatMap(({ userParameters }) => UserParameters.decode(DeployStack.parameters, userParameters)),
    Effect.option
  )

/**
 * The file of an artifact that a URL probably means: its path is the end of the URL, the longer the better. The stack's own
 * template is not nested in itself.
 */
const fileAt = (url: string, artifacts: ReadonlyArray<LocalArtifact>, ownFile: string | undefined) => {
  const segments = url.replace(/[?#].*/, "").split("/")
  const paths = segments.map((_segment, index) => segments.slice(index).join("/")).filter((path) => path !== ownFile)
  return paths.flatMap((path) =>
    artifacts
      .filter(({ file, files }) => file === undefined && Object.hasOwn(files, path))
      .map(({ files, name }) => ({ content: files[path], title: `${name}::${path}` }))
  ).at(0)
}

const textOf = (content: string | Uint8Array | undefined) => content && Buffer.from(content).toString()

interface MemoryOptions {
  readonly stackFails: string | undefined
  readonly stackStatus: string | undefined
  /** The instance of the stack set that fails, as `REGION/ACCOUNT`. */
  readonly instanceFails: string | undefined
  readonly exports: ReadonlyMap<string, string>
}

/** CloudFormation's words. */
const noExecutionRole = (account: string) =>
  `Account ${account} should have 'AWSCloudFormationStackSetExecutionRole' role with trust relationship to Role ` +
  "'AWSCloudFormationStackSetAdministrationRole'."

/**
 * The services in memory. Behind a URL are the uploaded templates. Nested templates, which nobody can fetch, are files of
 * the artifacts; the reporter shows which.
 */
export const memory = (
  { exports, instanceFails, stackFails, stackStatus }: MemoryOptions,
  event: unknown,
  artifacts: ReadonlyArray<LocalArtifact>,
  reporter: TerminalReporter
) => {
  const used = new Map<string, string>()
  const cloudFormation = Layer.unwrap(Effect.gen(function*() {
    const { uploads } = yield* ArtifactStoreMemory
    const { assumeRole, file: ownFile, region } = Option.getOrUndefined(yield* parametersOf(event)) ?? {}
    return CloudFormationMemory.layer({
      resourceDuration: "500 millis",
      exports: (name) => exports.get(name),
      // One account and region are enough for one action. Any role may be assumed.
      ...(assumeRole !== undefined && { accountId: accountOf(assumeRole) }),
      roles: () => ({}),
      region: region ?? process.env["AWS_REGION"] ?? process.env["AWS_DEFAULT_REGION"] ?? "us-east-1",
      templates: (url) => {
        const found = uploads.has(url) ? undefined : fileAt(url, artifacts, ownFile)
        if (found !== undefined) used.set(url, found.title)
        return textOf(uploads.get(url) ?? found?.content)
      }
    })
  }))
  const stackSets = Layer.unwrap(
    Effect.map(ArtifactStoreMemory, ({ uploads }) =>
      StackSetsMemory.layer({
        instanceDuration: "400 millis",
        templates: (url) => textOf(uploads.get(url))
      }))
  )
  const prepare = Effect.gen(function*() {
    const { failResource, notChecked, setStatus } = yield* CloudFormationMemory
    const parameters = yield* parametersOf(event)
    if (stackStatus !== undefined && Option.isSome(parameters)) yield* setStatus(parameters.value.stack, stackStatus)
    if (stackFails !== undefined) yield* failResource(stackFails, "It fails because of --stack-fails")
    if (instanceFails !== undefined) {
      const { failInstance } = yield* StackSetsMemory
      const [region = "", account = ""] = instanceFails.split("/")
      yield* failInstance(account, region, noExecutionRole(account))
    }
    yield* Effect.addFinalizer(() =>
      Effect.gen(function*() {
        for (const [url, file] of used) yield* reporter.line(`${url} is not fetched: it stands for ${file}`)
        const unchecked = yield* notChecked
        if (unchecked.length > 0) yield* reporter.line(`not checked here: ${unchecked.join(", ")}`)
      })
    )
  })
  return Layer.effectDiscard(prepare).pipe(
    Layer.provideMerge(Layer.merge(cloudFormation, stackSets)),
    Layer.provideMerge(ArtifactStoreMemory.layer(Object.fromEntries(artifacts.map(({ name, zip }) => [name, zip]))))
  )
}
