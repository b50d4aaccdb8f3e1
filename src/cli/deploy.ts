// deploy: deploys functions into your account, the ready-made ones and those of one's own modules.
import { CloudFormationClient } from "@aws-sdk/client-cloudformation"
import { LambdaClient } from "@aws-sdk/client-lambda"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { scopedClient } from "../runtime/AwsClient.ts"
import { ArtifactStore } from "../services/ArtifactStore.ts"
import { CloudFormation } from "../services/CloudFormation.ts"
import { configureAws } from "./aws.ts"
import { ExitStatus } from "./commandLine/options.ts"
import { Unsuccessful } from "./commandLine/usage.ts"
import { makeCodeCacheClient } from "./deploy/code/codeCacheClient.ts"
import { buildOwnFunctions } from "./deploy/code/ownFunctions.ts"
import { type FunctionName, readyMadeFunctions } from "./deploy/code/readyMade.ts"
import { deploy as deployFunctions } from "./deploy/deployment.ts"
import { deployConfig, type DeployInput, readOptions } from "./deploy/deployOptions.ts"
import { makeReadTemplate } from "./deploy/existingStack.ts"
import { makeTerminalReporter } from "./TerminalReporter.ts"

const main = Effect.fn("deploy")(
  function*(input: DeployInput) {
    const options = yield* readOptions(input)
    const { endpoint, own } = options
    const region = yield* configureAws({ user: "deploy", endpoint, region: options.region })
    const reporter = yield* makeTerminalReporter(process.stdout)
    const deployed = yield* deployFunctions(options, {
      requestCodeCache: makeCodeCacheClient(yield* scopedClient((shared) => new LambdaClient(shared))),
      readDeployed: makeReadTemplate(yield* scopedClient((shared) => new CloudFormationClient(shared))),
      build: (actions: ReadonlyArray<FunctionName>) =>
        Effect.map(Effect.all([readyMadeFunctions(actions), buildOwnFunctions(own)]), (functions) => functions.flat()),
      interval: endpoint === undefined ? "3 seconds" : "300 millis",
      region,
      reporter
    })
    if (!deployed) return yield* new Unsuccessful()
  },
  Effect.scoped,
  Effect.provide(Layer.merge(ArtifactStore.layer, CloudFormation.layer))
)

export const deploy = Command.make("deploy", deployConfig, main).pipe(
  Command.withShortDescription("Deploys the functions of actions into your AWS account."),
  Command.withDescription(`
Uploads functions, and creates or updates their stack in your account, with a log group and a role for each. Then it
checks that each function starts, and deploys it again with the V8 code cache that the function returns, so that it
starts faster. A second run deploys only what has changed.

The functions are the ready-made ones of this package and those of modules of your own, which are built first. A function
has the name of its file: run-task for runTask.ts.`),
  Command.withExamples([
    { command: "npx effect-codepipeline deploy --bucket my-code --dry-run" },
    {
      command: "npx effect-codepipeline deploy --bucket my-code --actions deploy-stack --parameter \"Stacks=shop-*\""
    },
    { command: "npx effect-codepipeline deploy greet.ts --bucket my-code" }
  ]),
  Command.annotate(
    ExitStatus,
    "0 deployed, 1 not deployed, 2 the command line is wrong, or the region or the credentials are missing"
  )
)
