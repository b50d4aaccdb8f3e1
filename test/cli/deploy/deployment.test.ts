import { assert, describe, it } from "@effect/vitest"
import { Config, Effect, Layer, Option, Record, References } from "effect"
import { createHash } from "node:crypto"
import { readFile } from "node:fs/promises"
import { PassThrough } from "node:stream"
import { gzipSync } from "node:zlib"
import {
  FunctionFailed,
  type RequestCodeCache,
  UnexpectedResponse
} from "../../../src/cli/deploy/code/codeCacheClient.ts"
import { functionNames } from "../../../src/cli/deploy/code/readyMade.ts"
import { deploy } from "../../../src/cli/deploy/deployment.ts"
import { deployConfig, readOptions } from "../../../src/cli/deploy/deployOptions.ts"
import type { ReadTemplate } from "../../../src/cli/deploy/existingStack.ts"
import { makeTerminalReporter } from "../../../src/cli/TerminalReporter.ts"
import { AwsDenied } from "../../../src/domain/job/AwsError.ts"
import type { Stack } from "../../../src/domain/stack/Stack.ts"
import { ArtifactStore, CloudFormation } from "../../../src/index.ts"
import { readEntry } from "../../../src/internal/zipEntry.ts"
import { zipFiles } from "../../../src/internal/zipFiles.ts"
import { CloudFormationMemory } from "../../../src/testing/index.ts"
import { environment } from "../../contract/environment.ts"
import { S3Server } from "../../contract/S3Server.ts"
import { hasMoto, startMoto } from "../../scripts/moto.ts"
import { toJson } from "../../scripts/template.ts"
import { inputOf } from "../inputOf.ts"
import { deployScript } from "./deployScript.ts"

const inJson = <A extends object>(request: A): A =>
  "templateBody" in request ? { ...request, templateBody: toJson(String(request.templateBody)) } : request

/** Bucket names are lower-case. */
const withLowerCaseBucket = (stack: Stack): Stack => ({
  ...stack,
  outputs: Record.map(stack.outputs, (value, name) => name === "SourceBucketName" ? value.toLowerCase() : value)
})

/** CloudFormation in memory. It reads only JSON, and names a bucket like any other resource. */
const cloudFormation = Layer.provideMerge(
  Layer.effect(
    CloudFormation,
    Effect.map(CloudFormation, (memory) => ({
      ...memory,
      describe: (stack) => Effect.map(memory.describe(stack), Option.map(withLowerCaseBucket)),
      create: (request) => memory.create(inJson(request)),
      update: (request) => memory.update(inJson(request)),
      templateSummary: (template) => memory.templateSummary(inJson(template))
    }))
  ),
  CloudFormationMemory.layer({ resourceDuration: "10 millis" })
)

/** The environment of a developer who has signed in. */
const signedIn = (endpoint: string) =>
  environment({
    AWS_REGION: "eu-central-1",
    AWS_ACCESS_KEY_ID: "AKIADEVELOPER",
    AWS_SECRET_ACCESS_KEY: "secret-of-the-developer",
    AWS_ENDPOINT_URL: endpoint
  })

const account = Layer.mergeAll(ArtifactStore.layer, cloudFormation).pipe(
  Layer.provideMerge(Layer.unwrap(S3Server.useSync(({ endpoint }) => signedIn(endpoint)))),
  Layer.provideMerge(S3Server.layer)
)

/** moto simulates all services. */
const moto = Layer.mergeAll(ArtifactStore.layer, CloudFormation.layer).pipe(
  Layer.provideMerge(Layer.unwrap(Effect.map(startMoto, signedIn)))
)

const noCodeCache: RequestCodeCache = () => Effect.fail(new UnexpectedResponse({ message: "no function responds" }))

const noTemplate: ReadTemplate = () =>
  Effect.fail(new AwsDenied({ operation: "cloudformation:GetTemplate", code: "AccessDenied", detail: "no" }))

/** Runs the command with a build that takes no time, and returns its result and its output. */
const run = Effect.fnUntraced(
  function*(
    args: ReadonlyArray<string>,
    code = "the code",
    requestCodeCache: RequestCodeCache = noCodeCache,
    readDeployed: ReadTemplate = noTemplate
  ) {
    const endpoint = yield* Config.String("AWS_ENDPOINT_URL")
    const options = yield* inputOf("deploy", deployConfig, ["--bucket=code", `--endpoint-url=${endpoint}`, ...args])
      .pipe(
        Effect.flatMap(readOptions)
      )
    const out = new PassThrough()
    let builds = 0
    const build = (actions: ReadonlyArray<string>) => {
      builds++
      return Effect.forEach([...actions, ...options.own.map(({ name }) => name)], (name) => {
        const files = { "index.mjs": Buffer.from(name), "function.js": Buffer.from(code) }
        return Effect.map(zipFiles(files), (zip) => ({
          name,
          origin: `dist/${name}.zip`,
          isBuilt: true,
          files,
          zip
        }))
      })
    }
    const reporter = yield* makeTerminalReporter(out as unknown as NodeJS.WriteStream)
    const result = yield* Effect.result(
      deploy(options, { requestCodeCache, readDeployed, build, interval: "5 millis", region: "eu-central-1", reporter })
    )
    return { result, builds, output: String(out.read() ?? "") }
  },
  Effect.scoped,
  Effect.provideService(References.MinimumLogLevel, "Error")
)

const succeeds = (args: ReadonlyArray<string>, code?: string, requestCodeCache?: RequestCodeCache) =>
  Effect.map(run(args, code, requestCodeCache), ({ result, output }) => {
    assert.deepInclude(result, { _tag: "Success", success: true }, output)
    return output
  })

const failure = ({ result }: Effect.Success<ReturnType<typeof run>>) =>
  result._tag === "Failure" ? result.failure.message : ""

const writes = Effect.map(
  S3Server,
  ({ requests }) => requests.filter(({ method }) => method !== "GET" && method !== "HEAD")
)

const otherTemplate = "{\"Resources\":{\"Shop\":{\"Type\":\"AWS::S3::Bucket\"}}}"

const withBucket = S3Server.use(({ makeBucket }) => makeBucket("code"))

describe("effect-codepipeline deploy", () => {
  it.live("uploads the functions and creates their stack only once", () =>
    Effect.gen(function*() {
      yield* withBucket
      const output = yield* succeeds([])
      assert.match(output, /upload +s3:\/\/code\/effect-codepipeline-functions\/deploy-stack-[0-9a-f]{64}\.zip/)
      assert.match(
        output,
        /Stack create started[^]*Stack update complete[^]*DeployStackFunction[^]*Next, add an action/
      )
      const stack = yield* CloudFormation.use(({ describe }) => describe("codepipeline-actions"))
      assert.deepInclude(stack, { _tag: "Some" })
      assert.lengthOf(yield* writes, functionNames.length)

      const again = yield* succeeds([])
      assert.match(again, /unchanged[^]*unchanged[^]*There were no stack updates/)
      assert.lengthOf(yield* writes, functionNames.length)

      const changed = yield* succeeds([], "other code")
      assert.match(changed, /upload[^]*upload[^]*Stack update started[^]*Stack update complete/)
      assert.lengthOf(yield* writes, 2 * functionNames.length)
    }).pipe(Effect.provide(account)))

  it.live("keeps the parameters of an earlier run, and updates those of the command line", () =>
    Effect.gen(function*() {
      yield* withBucket
      yield* succeeds(["--parameter=MemorySize=512"])
      assert.include(yield* succeeds([]), "There were no stack updates")
      assert.include(yield* succeeds(["--parameter=MemorySize=1024"]), "Stack update complete")
      assert.include(yield* succeeds(["--actions=check-webpage", "--remove"]), "Stack update complete")
    }).pipe(Effect.provide(account)))

  it.live("creates the example's pipeline after its sample is uploaded", () =>
    Effect.gen(function*() {
      yield* withBucket
      yield* S3Server.use(({ makeBucket }) => makeBucket("codepipeline-actions-example-sourcebucket"))
      const output = yield* succeeds(["--pipeline-example"])
      const [, example = ""] = output.split("\nstack codepipeline-actions-example\n")
      assert.match(
        example,
        /Stack create started[^]*upload +s3:\S+\/template-package\.zip[^]*Stack update started[^]*has started its first execution/
      )
      const again = yield* succeeds(["--pipeline-example"])
      assert.match(
        again,
        /unchanged +s3:\S+\/template-package\.zip[^]*There were no stack updates[^]*-example exists[^]*get-pipeline-state[^]*To start an execution/
      )
      assert.notInclude(again, "first execution")
    }).pipe(Effect.provide(account)))

  it.live("creates no pipeline when the example's bucket cannot be created", () =>
    Effect.gen(function*() {
      yield* withBucket
      yield* CloudFormationMemory.use(({ failResource }) => failResource("SourceBucket", "Too many buckets"))
      const { result, output } = yield* run(["--pipeline-example"])
      assert.deepInclude(result, { _tag: "Success", success: false })
      assert.match(
        output,
        /SourceBucket \(AWS::S3::Bucket\): Too many buckets\n\nRemove the cause, then run this again/
      )
    }).pipe(Effect.provide(account)))

  it.live("reports the causes of a failure, and recreates the stack in the next run", () =>
    Effect.gen(function*() {
      yield* withBucket
      yield* CloudFormationMemory.use(({ failResource }) => failResource("DeployStackRole", "Not with this boundary"))
      const { result, output } = yield* run([])
      assert.deepInclude(result, { _tag: "Success", success: false })
      assert.match(
        output,
        /Update failed: ROLLBACK_COMPLETE\n +DeployStackRole \(AWS::IAM::Role\): Not with this boundary/
      )
      assert.include(output, "Remove the cause, then run this again")
      assert.notInclude(output, "the action")
      assert.match((yield* run([])).output, /Stack delete started[^]*Stack create started/)
    }).pipe(Effect.provide(account)))

  it.live("reports in a dry run what it would do, and changes nothing", () =>
    Effect.gen(function*() {
      yield* withBucket
      const output = yield* succeeds([
        "--dry-run",
        "--pipeline-example",
        "--template-bucket=code",
        "--parameter=Stacks=shop-*"
      ])
      assert.match(output, /to upload[^]*to upload[^]*to create +stack codepipeline-actions, [^]*Stacks: shop-\*/)
      assert.include(output, "TemplateBucket: code")
      assert.match(output, /MemorySize: 256[^]*to create +stack codepipeline-actions-example[^]*template-package\.zip/)
      assert.lengthOf(yield* writes, 0)
      assert.deepInclude(yield* CloudFormation.use(({ describe }) => describe("codepipeline-actions")), {
        _tag: "None"
      })
    }).pipe(Effect.provide(account)))
})

describe("a function of one's own", () => {
  const entry = "test/examples/runTask.ts"

  /** Reads the template that the last deployment wrote. */
  const written = Effect.promise(() => readFile("dist/functions.yaml", "utf8"))

  it.live("is deployed alone with its role, and is added to the ready-made functions that the stack has", () =>
    Effect.gen(function*() {
      yield* withBucket
      const output = yield* succeeds([entry])
      assert.match(output, /built +dist\/run-task\.zip[^]*template +dist\/functions\.yaml/)
      assert.match(output, /RunTaskFunction[^]*FunctionName +codepipeline-actions-RunTask/)
      assert.notInclude(output, "deploy-stack.zip")
      assert.lengthOf(yield* writes, 1)
      assert.include(yield* written, "ecs:RunTask")

      assert.include(yield* succeeds(["--actions=deploy-stack", entry]), "Stack update complete")
      // Without --actions, the stack keeps deploy-stack, and does not get check-webpage.
      const again = yield* succeeds([entry])
      assert.match(again, /unchanged +\S+deploy-stack-[^]*unchanged +\S+run-task-[^]*There were no stack updates/)
    }).pipe(Effect.provide(account)))

  it.live("is not removed from the stack by a deployment that does not name it, unless --remove says so", () =>
    Effect.gen(function*() {
      yield* withBucket
      yield* succeeds([entry])
      const outcome = yield* run([])
      assert.strictEqual(
        failure(outcome),
        "Stack \"codepipeline-actions\" has run-task, which this deployment would remove. To keep it, name the module of " +
          "run-task; otherwise, give --remove"
      )
      assert.strictEqual(outcome.builds, 0)
      assert.include(yield* succeeds(["--remove"]), "Stack update complete")
      assert.include(
        failure(yield* run([entry, "--actions=none"])),
        "To keep them, name deploy-stack,deploy-stack-set,check-webpage in --actions; otherwise, give --remove"
      )
    }).pipe(Effect.provide(account)))

  it.live("is shown in a dry run as a difference to the deployed template", () =>
    Effect.gen(function*() {
      yield* withBucket
      yield* succeeds([])
      const deployed = yield* Effect.promise(() => readFile("scripts/templates/functions.yaml", "utf8"))
      const before = yield* writes
      const { output } = yield* run([entry, "--dry-run", "--parameter=MemorySize=512"], undefined, undefined, () =>
        Effect.succeed(deployed))
      assert.match(output, /parameter +MemorySize: 256 → 512/)
      assert.match(output, /template +\+ parameter RunTaskKey[^]*\+ resource RunTaskRole \(AWS::IAM::Role\)/)
      assert.notMatch(output, /template +[-~]/)
      assert.deepStrictEqual(yield* writes, before)

      const same = yield* run(["--dry-run"], undefined, undefined, () =>
        Effect.succeed(deployed))
      assert.match(same.output, /template +no difference/)
      const unknown = yield* run(["--dry-run"])
      assert.match(unknown.output, /template +the difference is unknown: cloudformation:GetTemplate is not permitted/)
    }).pipe(Effect.provide(account)))
})

describe("the V8 code cache of the functions", () => {
  const sha256 = createHash("sha256").update("the code").digest("hex")
  const answered = { usesCodeCache: false, codeCache: gzipSync("compiled"), sha256 } as const

  /** Functions that use a code cache after their first response. */
  const lambda = () => {
    const requested = new Set<string>()
    const requestCodeCache: RequestCodeCache = (name) => {
      const usesCodeCache = requested.has(name)
      requested.add(name)
      return Effect.succeed(usesCodeCache ? { usesCodeCache } : answered)
    }
    return { requestCodeCache, requested }
  }

  it.live("is deployed with the functions once", () =>
    Effect.gen(function*() {
      yield* withBucket
      const { requestCodeCache, requested } = lambda()
      const output = yield* succeeds([], "the code", requestCodeCache)
      assert.match(
        output,
        /create started[^]*upload.*-code-cache-[^]*upload.*-code-cache-[^]*update started[^]*starts with its V8 code cache[^]*Next,/
      )
      assert.lengthOf([...requested], functionNames.length)
      const uploads = yield* writes
      assert.lengthOf(uploads, 2 * functionNames.length)

      const { get } = yield* S3Server
      const key = /s3:\/\/code\/(\S+check-webpage-\S+-code-cache-\S+\.zip)/.exec(output)?.[1] ?? ""
      const zip = yield* get("code", key)
      const tail = { size: zip.length, tail: zip, fetch: () => Effect.die("all of it is there") }
      for (
        const [file, text] of [["index.mjs", "check-webpage"], ["function.js", "the code"], [
          "function.cache",
          "compiled"
        ]] as const
      ) {
        assert.strictEqual(String(yield* readEntry(tail, file, 1_000)), text)
      }

      const again = yield* succeeds([], "the code", requestCodeCache)
      assert.match(
        again,
        /unchanged.*-code-cache-[^]*unchanged.*-code-cache-[^]*no stack updates[^]*starts with its V8 code cache/
      )
      assert.lengthOf(yield* writes, 2 * functionNames.length)
    }).pipe(Effect.provide(account)))

  it.live("is replaced when Lambda's V8 has rejected it", () =>
    Effect.gen(function*() {
      yield* withBucket
      yield* succeeds([], "the code", lambda().requestCodeCache)
      const newer = lambda()
      const requestCodeCache: RequestCodeCache = (name) =>
        Effect.map(newer.requestCodeCache(name), (answer) =>
          answer.usesCodeCache ? answer : { ...answer, codeCache: gzipSync("newer") })
      const output = yield* succeeds([], "the code", requestCodeCache)
      assert.match(
        output,
        /unchanged.*-code-cache-[^]*upload.*-code-cache-[^]*Stack update started[^]*starts with its V8 code cache/
      )
      assert.lengthOf(yield* writes, 3 * functionNames.length)
    }).pipe(Effect.provide(account)))

  it.live.each<readonly [what: string, requestCodeCache: RequestCodeCache, why: RegExp, uploads: number]>([
    [
      "another deployment has replaced the code",
      () => Effect.succeed({ ...answered, sha256: "other" }),
      /another deployment has replaced its code in the meantime/,
      1
    ],
    ["V8 rejects it", () => Effect.succeed(answered), /V8 has rejected it/, 2],
    [
      "the functions may not be invoked",
      () => Effect.fail(new AwsDenied({ operation: "lambda:InvokeFunction", code: "AccessDenied", detail: "no" })),
      /lambda:InvokeFunction is not permitted/,
      1
    ],
    ["the response is not that of a built function", noCodeCache, /no function responds/, 1]
  ])(
    "is skipped, and the functions are deployed, when %s",
    ([, requestCodeCache, why, uploads]) =>
      Effect.gen(function*() {
        yield* withBucket
        const output = yield* succeeds(["--actions=check-webpage"], "the code", requestCodeCache)
        assert.match(
          output,
          new RegExp(`skipped +check-webpage starts without a V8 code cache: ${why.source}[^]*Next, add`)
        )
        assert.lengthOf(yield* writes, uploads)
      }).pipe(Effect.provide(account))
  )

  it.live("cannot be fetched from a function that does not start, and the deployment fails", () =>
    Effect.gen(function*() {
      yield* withBucket
      const outcome = yield* run(
        [],
        "the code",
        () => Effect.fail(new FunctionFailed({ message: "it does not start" }))
      )
      assert.strictEqual(failure(outcome), "it does not start")
      assert.include(outcome.output, "Stack update complete")
    }).pipe(Effect.provide(account)))
})

describe("nothing is built or uploaded", () => {
  it.live("for a parameter that the template does not declare", () =>
    Effect.gen(function*() {
      yield* withBucket
      const outcome = yield* run(["--dry-run", "--parameter=MemorySiz=512"])
      assert.strictEqual(
        failure(outcome),
        "--parameter MemorySiz: scripts/templates/functions.yaml has no parameter with this name; did you mean MemorySize?"
      )
      assert.strictEqual(outcome.builds, 0)
    }).pipe(Effect.provide(account)))

  it.live("for values that the template does not allow", () =>
    Effect.gen(function*() {
      yield* withBucket
      const outcome = yield* run(["--dry-run", "--parameter=MemorySize=abc", "--parameter=Architecture=arm"])
      assert.strictEqual(
        failure(outcome),
        "--parameter MemorySize: Parameter 'MemorySize' must be a number\n" +
          "--parameter Architecture: Parameter 'Architecture' must be one of AllowedValues: arm64, x86_64"
      )
      assert.strictEqual(outcome.builds, 0)
    }).pipe(Effect.provide(account)))

  it.live("if the stack has another template", () =>
    Effect.gen(function*() {
      yield* withBucket
      const { create } = yield* CloudFormation
      yield* create({ stack: "codepipeline-actions", clientRequestToken: "other", templateBody: otherTemplate })
      const outcome = yield* run([])
      assert.include(failure(outcome), "Stack \"codepipeline-actions\" exists with another template")
      assert.include(failure(outcome), "Choose another name with --stack")
      assert.strictEqual(outcome.builds, 0)
    }).pipe(Effect.provide(account)))

  it.live("if the bucket for the code does not exist", () =>
    Effect.gen(function*() {
      const outcome = yield* run([])
      assert.strictEqual(
        failure(outcome),
        "Bucket \"code\" does not exist. Create it: aws s3 mb s3://code --region eu-central-1"
      )
      assert.strictEqual(outcome.builds, 0)
    }).pipe(Effect.provide(account)))

  it.live("if the bucket for templates does not exist", () =>
    Effect.gen(function*() {
      yield* withBucket
      const outcome = yield* run(["--template-bucket=large"])
      assert.include(failure(outcome), "Bucket \"large\" does not exist")
      assert.strictEqual(outcome.builds, 0)
    }).pipe(Effect.provide(account)))

  it.live("if the bucket may not be used", () =>
    Effect.gen(function*() {
      yield* withBucket
      yield* S3Server.use(({ deny }) => deny)
      const outcome = yield* run([])
      assert.include(failure(outcome), "Your credentials may not use bucket \"code\" (AccessDenied: Access Denied)")
      assert.include(
        failure(outcome),
        "They need s3:ListBucket on it, and s3:GetObject and s3:PutObject on its objects"
      )
      assert.strictEqual(outcome.builds, 0)
    }).pipe(Effect.provide(account)))

  it.live("if CloudFormation may not be called", () =>
    Effect.gen(function*() {
      yield* withBucket
      const denied = new AwsDenied({
        operation: "cloudformation:DescribeStacks",
        code: "AccessDenied",
        detail: "User: arn:aws:iam::123456789012:user/me is not authorized to perform: cloudformation:DescribeStacks"
      })
      const outcome = yield* run([]).pipe(
        Effect.updateService(CloudFormation, (service) => ({ ...service, describe: () => Effect.fail(denied) }))
      )
      assert.include(failure(outcome), "Your credentials need cloudformation:DescribeStacks")
      assert.strictEqual(outcome.builds, 0)
    }).pipe(Effect.provide(account)))
})

it.live("a call that is denied later is reported with the permission that the credentials need, not a function's role", () =>
  Effect.gen(function*() {
    yield* withBucket
    const denied = new AwsDenied({
      operation: "cloudformation:CreateStack",
      code: "AccessDenied",
      detail: "User: arn:aws:iam::123456789012:user/me is not authorized to perform: iam:CreateRole"
    })
    const { result, output } = yield* run([]).pipe(
      Effect.updateService(CloudFormation, (service) => ({ ...service, create: () => Effect.fail(denied) }))
    )
    assert.deepInclude(result, { _tag: "Success", success: false })
    assert.include(output, "PermissionError: cloudformation:CreateStack is not permitted")
    assert.include(output, "Your credentials need iam:CreateRole")
    assert.notInclude(output, "Lambda function")
  }).pipe(Effect.provide(account)))

describe(`effect-codepipeline deploy, against moto${hasMoto ? "" : " (skipped: python3 has no moto here)"}`, () => {
  it.live.skipIf(!hasMoto)(
    "deploys the functions and the example, deploys nothing new, deploys changes, and deploys what it builds",
    () =>
      Effect.gen(function*() {
        const endpoint = yield* Config.String("AWS_ENDPOINT_URL")
        yield* Effect.promise(() => fetch(`${endpoint}/code`, { method: "PUT" }))

        const first = yield* succeeds(["--pipeline-example", "--parameter=Stacks=shop-*"])
        assert.match(first, /upload[^]*upload[^]*Stack create started[^]*Stack update complete/)
        assert.match(first, /stack codepipeline-actions-example\n[^]*Stack update complete[^]*upload +s3:\/\//)
        // The sample is uploaded before the pipeline is created.
        assert.match(
          first,
          /upload +s3:\S+\/template-package\.zip[^]*Stack update started[^]*deploys stack shop-example/
        )

        const again = yield* succeeds(["--pipeline-example"])
        assert.match(again, /unchanged[^]*unchanged[^]*no stack updates[^]*unchanged +s3:[^]*no stack updates/)

        const changed = yield* succeeds(["--parameter=MemorySize=512"], "other code")
        assert.match(changed, /upload[^]*Stack update started[^]*Stack update complete[^]*"stack":"shop-NAME"/)

        const one = yield* succeeds(["--actions=check-webpage", "--remove"])
        assert.include(one, "Stack update complete")
        assert.notInclude(one, "DeployStackFunction")

        const { status, stderr, stdout } = yield* deployScript([
          "--bucket=code",
          `--endpoint-url=${endpoint}`,
          "--region=eu-central-1",
          "--actions=check-webpage",
          "--remove"
        ])
        assert.strictEqual(stderr, "")
        assert.match(stdout, /built +dist\/lambda\/check-webpage\.zip[^]*upload[^]*Stack update complete/)
        assert.strictEqual(status, 0)
      }).pipe(Effect.provide(moto))
  )
})
