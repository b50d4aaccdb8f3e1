// CodePipeline as it answers over HTTP (protocol awsJson1.1), for the two calls that report a result.
import { Context, Effect, Layer } from "effect"
import { type Answer, type AwsServer, done, type Protocol, refused, serve } from "./server.ts"

export class CodePipelineServer extends Context.Service<
  CodePipelineServer,
  AwsServer & {
    /** CodePipeline has never heard of the job. */
    forget(jobId: string): Effect.Effect<void>
  }
>()("effect-codepipeline/test/CodePipelineServer") {
  /** Any job is open until it has its result. */
  static readonly layer: Layer.Layer<CodePipelineServer> = Layer.effect(
    CodePipelineServer,
    Effect.gen(function*() {
      const closed = new Map<unknown, Answer>()
      const server = yield* serve(protocol, ({ operation, parameters }) => {
        const refusal = closed.get(parameters["jobId"]) ?? broken(operation, parameters)
        if (refusal !== undefined) return refusal
        closed.set(parameters["jobId"], refused("InvalidJobStateException", "The job has its result already"))
        return done("")
      })
      const unknown = refused("JobNotFoundException", "The specified job cannot be found")
      return { ...server, forget: (jobId) => Effect.sync(() => void closed.set(jobId, unknown)) }
    })
  )
}

const protocol: Protocol = {
  contentType: "application/x-amz-json-1.1",
  read: (headers, body) => ({
    operation: String(headers["x-amz-target"]).replace("CodePipeline_20150709.", ""),
    parameters: JSON.parse(body)
  }),
  refusal: ({ code, message }) => JSON.stringify({ __type: code, message }),
  wrongSignature: { status: 400, code: "InvalidSignatureException" }
}

/** Which rule of CodePipeline's API the call breaks. */
const broken = (operation: string, parameters: Readonly<Record<string, unknown>>): Answer | undefined => {
  const { continuationToken, executionDetails, failureDetails, outputVariables } = parameters as {
    readonly continuationToken?: string
    readonly executionDetails?: { readonly summary?: string; readonly percentComplete?: number }
    readonly failureDetails?: { readonly message: string }
    readonly outputVariables?: object
  }
  const rules = {
    "continuationToken has 1 to 2048 characters": fits(continuationToken, 2_048),
    "outputVariables do not go with a continuationToken": !(outputVariables && continuationToken),
    "summary has 1 to 2048 characters": fits(executionDetails?.summary, 2_048),
    "percentComplete is 0 to 100": inPercent(executionDetails?.percentComplete),
    "failureDetails go with a failure": (operation === "PutJobFailureResult") === (failureDetails !== undefined),
    "message has 1 to 5000 characters": fits(failureDetails?.message, 5_000)
  }
  const rule = Object.entries(rules).find(([, kept]) => !kept)?.[0]
  return rule === undefined ? undefined : refused("ValidationException", `1 validation error detected: ${rule}`)
}

const fits = (text: string | undefined, limit: number) =>
  text === undefined || (text.length > 0 && text.length <= limit)

const inPercent = (value: number | undefined) =>
  value === undefined || (Number.isInteger(value) && value >= 0 && value <= 100)
