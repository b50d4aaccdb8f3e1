// Every AWS call of the permission table, with a local clock that is wrong.
import * as CloudFormation from "@aws-sdk/client-cloudformation"
import * as CodePipeline from "@aws-sdk/client-codepipeline"
import * as S3 from "@aws-sdk/client-s3"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { text } from "node:stream/consumers"
import { permissions } from "../../scripts/permissions.ts"
import { callAws } from "../../src/runtime/AwsClient.ts"
import { Deadline } from "../../src/runtime/Deadline.ts"
import { clientOptions, clockProblem, listen } from "./server.ts"

// s3:ListBucket is no call: it decides how S3 answers GetObject.
const calls = [...new Set(permissions.flatMap(({ actions }) => actions))].filter((action) =>
  /^(cloudformation|codepipeline|s3):/.test(action) && action !== "s3:ListBucket"
)

/** Has the required members of all these calls. */
const input = {
  Bucket: "bucket",
  Key: "key",
  StackName: "stack",
  ChangeSetName: "change-set",
  EnableTerminationProtection: true,
  Body: "body",
  jobId: "job",
  failureDetails: { type: "JobFailed", message: "failed" }
}

interface Client {
  send(command: unknown, options: { readonly abortSignal: AbortSignal }): Promise<unknown>
  destroy(): void
}

const services: Readonly<Record<string, { readonly sdk: object; readonly client: new(options: object) => unknown }>> = {
  cloudformation: { sdk: CloudFormation, client: CloudFormation.CloudFormationClient },
  codepipeline: { sdk: CodePipeline, client: CodePipeline.CodePipelineClient },
  s3: { sdk: S3, client: S3.S3Client }
}

/** Rejects a wrong time as the service of the action does, and all requests if `always`; otherwise does what is asked. */
const serve = (action: string, always: boolean) => {
  const [service = "", name = ""] = action.split(":")
  const rejections = {
    cloudformation: (message: string) => ({
      status: 403,
      body:
        `<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code><Message>${message}</Message></Error></ErrorResponse>`
    }),
    codepipeline: (message: string) => ({
      status: 400,
      body: JSON.stringify({ __type: "InvalidSignatureException", message })
    }),
    s3: (message: string) => ({
      status: 403,
      body: `<Error><Code>SignatureDoesNotMatch</Code><Message>${message}</Message></Error>`
    })
  }
  const done = { cloudformation: `<${name}Response><${name}Result/></${name}Response>`, codepipeline: "{}", s3: "" }
  const problems: Array<string | undefined> = []
  const endpoint = listen((request, response) =>
    void text(request).then(() => {
      const problem = always ? "The signature does not match" : clockProblem(request.headers)
      problems.push(problem)
      const key = service as keyof typeof done
      const { body, status } = problem === undefined ? { status: 200, body: done[key] } : rejections[key](problem)
      response.writeHead(status).end(body)
    })
  )
  return { endpoint, problems }
}

const call = Effect.fnUntraced(function*(action: string, endpoint: string, systemClockOffset: number) {
  const [service = "", name = ""] = action.split(":")
  const { client: Client, sdk } = services[service] ?? assert.fail(service)
  const Command = (sdk as Record<string, new(input: object) => unknown>)[`${name}Command`] ?? assert.fail(name)
  const client = yield* Effect.acquireRelease(
    Effect.sync(() => new Client({ ...clientOptions(endpoint), forcePathStyle: true, systemClockOffset }) as Client),
    (client) => Effect.sync(() => client.destroy())
  )
  return yield* callAws(action, (options) => client.send(new Command(input), options)).pipe(
    // Too little time for a pause.
    Effect.provideService(Deadline, Date.now() + 5_000)
  )
})

describe.each(calls)("%s", (action) => {
  it.live.each([["behind", -1_200_000], ["ahead", 1_200_000]] as const)(
    "succeeds at the second try with a clock that is 20 minutes %s",
    ([, offset]) =>
      Effect.gen(function*() {
        const { endpoint, problems } = serve(action, false)
        yield* call(action, yield* endpoint, offset)
        assert.lengthOf(problems, 2)
        assert.match(String(problems[0]), offset < 0 ? /is now earlier than/ : /not yet current/)
      })
  )

  it.live("fails at the second try if the signature stays wrong", () =>
    Effect.gen(function*() {
      const { endpoint, problems } = serve(action, true)
      const error = yield* Effect.flip(call(action, yield* endpoint, 0))
      assert.deepInclude(error, { _tag: "AwsDenied", needed: undefined })
      assert.include(error.message, `AWS did not accept the credentials or the signature of ${action}: `)
      assert.lengthOf(problems, 2)
    }))
})
