// cache: adds V8's code cache to a function that was deployed in any way.
import { LambdaClient } from "@aws-sdk/client-lambda"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { scopedClient } from "../runtime/AwsClient.ts"
import { configureAws } from "./aws.ts"
import { addCodeCache, type CodeCacheResult } from "./cache/addCodeCache.ts"
import { makeLambdaFunctions } from "./cache/LambdaFunctions.ts"
import { ExitStatus, value } from "./commandLine/options.ts"
import { badUsage, Unsuccessful } from "./commandLine/usage.ts"
import { accountNotReady } from "./deploy/accountNotReady.ts"
import { makeCodeCacheClient } from "./deploy/code/codeCacheClient.ts"
import { makeTerminalReporter } from "./TerminalReporter.ts"

/** The arguments and options of `cache`. */
export const cacheConfig = {
  functionName: Argument.String("FUNCTION-NAME").pipe(Argument.withDescription("The function, by its name or ARN.")),
  region: value("region", {
    value: "REGION",
    text: "The region, instead of that of your environment or AWS profile."
  }),
  endpoint: value("endpoint-url", { value: "URL", text: "The address of AWS, such as an emulator's." })
} as const

export type CacheInput = Command.Command.Config.Infer<typeof cacheConfig>

const results: Readonly<Record<CodeCacheResult, string>> = {
  Unchanged: "starts with its V8 code cache already",
  Added: "starts with its V8 code cache",
  Rejected: "starts without a V8 code cache: V8 has rejected it. The function works as before"
}

/** Whether a name or an ARN, complete or not, ends with a version or an alias. */
const hasQualifier = (name: string) => /^(?:.*:)?function:[^:]+:|^[^:]+:[^:]+$/.test(name)

const main = Effect.fn("cache")(
  function*({ functionName, ...input }: CacheInput) {
    if (hasQualifier(functionName)) {
      return yield* badUsage(`${functionName}: the code of a version cannot be changed; name the function without it`)
    }
    const endpoint = Option.getOrUndefined(input.endpoint)
    yield* configureAws({ user: "cache", endpoint, region: Option.getOrUndefined(input.region) })
    const reporter = yield* makeTerminalReporter(process.stdout)
    const client = yield* scopedClient((shared) => new LambdaClient(shared))
    const result = yield* addCodeCache(functionName, {
      requestCodeCache: makeCodeCacheClient(client),
      functions: makeLambdaFunctions(client),
      reportStep: reporter.labelled
    })
    yield* reporter.labelled(result === "Rejected" ? "skipped" : "code cache", `${functionName} ${results[result]}`)
    if (result === "Rejected") return yield* new Unsuccessful()
  },
  Effect.scoped,
  Effect.catchTag(["AwsDenied", "AwsRejected", "AwsUnavailable"], (error) => Effect.fail(accountNotReady(error)))
)

export const cache = Command.make("cache", cacheConfig, main).pipe(
  Command.withShortDescription("Makes a deployed function start faster, with V8's code cache."),
  Command.withDescription(`
Requests V8's code cache from a function of this package, or one that build has built, and updates the function's code
with it, so that the function starts faster. It is for functions that CDK, SAM or Terraform have deployed: deploy does the
same by itself.

The code in Lambda then differs from the code that your tool has deployed, by the file function.cache. Run this again
after each deployment of other code, and when Lambda's Node.js was updated. It needs lambda:GetFunction,
lambda:GetFunctionConfiguration, lambda:InvokeFunction and lambda:UpdateFunctionCode.`),
  Command.withExamples([{ command: "npx effect-codepipeline cache my-deploy-stack --region eu-central-1" }]),
  Command.annotate(
    ExitStatus,
    "0 the function starts with its code cache, 1 it does not, 2 the command line is wrong, or the region or the " +
      "credentials are missing"
  )
)
