// npm run deploy: deploys the functions into your account.
import { LambdaClient } from "@aws-sdk/client-lambda"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as References from "effect/References"
import { configureAws } from "../../src/cli/aws.ts"
import { makeTerminalReporter } from "../../src/cli/TerminalReporter.ts"
import { scopedClient } from "../../src/runtime/AwsClient.ts"
import { ArtifactStore } from "../../src/services/ArtifactStore.ts"
import { CloudFormation } from "../../src/services/CloudFormation.ts"
import { buildFunction, building, entryPoints } from "../build/bundle.ts"
import { type CommandLine, runScript } from "../commandLine.ts"
import { makeCodeCacheClient } from "./codeCacheClient.ts"
import { deploy } from "./deployment.ts"
import { type DeployOptions, readOptions, script } from "./deployOptions.ts"

const build = ({ actions }: DeployOptions) =>
  building(async () => {
    const selected = (await entryPoints()).filter(([name]) => actions.some((action) => action === name))
    return Promise.all(selected.map(([name, module]) => buildFunction(name, module)))
  })

const main = Effect.fn("main")(
  function*(commandLine: CommandLine<keyof typeof script["options"]>) {
    const options = yield* readOptions(commandLine)
    const { endpoint } = options
    const region = yield* configureAws({ user: script.command, endpoint, region: options.region })
    const reporter = yield* makeTerminalReporter(process.stdout)
    const interval = endpoint === undefined ? "3 seconds" : "300 millis"
    const requestCodeCache = makeCodeCacheClient(yield* scopedClient((shared) => new LambdaClient(shared)))
    const deployed = yield* deploy(options, { requestCodeCache, build: build(options), interval, region, reporter })
      .pipe(
        Effect.provide(Layer.merge(ArtifactStore.layer, CloudFormation.layer))
      )
    return deployed ? 0 : 1
  },
  Effect.scoped,
  Effect.provide(Logger.layer([Logger.withConsoleError(Logger.formatSimple)])),
  // The reporter shows failures; the log is for defects.
  Effect.provideService(References.MinimumLogLevel, "Error")
)

await runScript(script, main)
