// npm run deploy: brings the functions into your account.
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as References from "effect/References"
import { ArtifactStore } from "../src/services/ArtifactStore.ts"
import { CloudFormation } from "../src/services/CloudFormation.ts"
import { buildFunction, entryPoints } from "./bundle.ts"
import { deploy } from "./deployment.ts"
import { type DeployOptions, help, readOptions } from "./deployOptions.ts"
import { makeStory } from "./story.ts"

/** Tells the AWS SDK what the options say. An emulator takes any region and credentials. */
const configureSdk = ({ endpoint, region }: DeployOptions) =>
  Effect.sync(() => {
    if (region !== undefined) process.env["AWS_REGION"] = region
    if (endpoint === undefined) return
    process.env["AWS_ENDPOINT_URL"] = endpoint
    process.env["AWS_REGION"] ??= "us-east-1"
    process.env["AWS_ACCESS_KEY_ID"] ??= "local"
    process.env["AWS_SECRET_ACCESS_KEY"] ??= "local"
  })

const build = ({ actions }: DeployOptions) =>
  Effect.promise(async () => {
    const wanted = (await entryPoints()).filter(([name]) => actions.some((action) => action === name))
    return Promise.all(wanted.map(([name, module]) => buildFunction(name, module)))
  })

const main = Effect.gen(function*() {
  const options = yield* readOptions(process.argv.slice(2))
  if (options.help) {
    process.stdout.write(help)
    return 0
  }
  yield* configureSdk(options)
  const story = yield* makeStory(process.stdout)
  const interval = options.endpoint === undefined ? "3 seconds" : "300 millis"
  const deployed = yield* deploy(options, { build: build(options), interval, story }).pipe(
    Effect.provide(Layer.merge(ArtifactStore.layer, CloudFormation.layer))
  )
  return deployed ? 0 : 1
}).pipe(
  Effect.scoped,
  Effect.catch((error) => {
    process.stderr.write(`${error.message}\n`)
    return Effect.succeed(error._tag === "BadUsage" ? 2 : 1)
  }),
  Effect.provide(Logger.layer([Logger.withConsoleError(Logger.formatSimple)])),
  // Failures are part of the story; bugs are not.
  Effect.provideService(References.MinimumLogLevel, "Error")
)

process.exitCode = await Effect.runPromise(main)
