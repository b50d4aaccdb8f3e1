// run --live against S3 and CloudFormation on this machine.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { readFile } from "node:fs/promises"
import { basename, join } from "node:path"
import { text } from "node:stream/consumers"
import { zipFiles } from "../../../src/internal/zipFiles.ts"
import { CloudFormationServer } from "../../contract/CloudFormationServer.ts"
import { S3Server } from "../../contract/S3Server.ts"
import { repository, runInOneProcess } from "../../scripts/inOneProcess.ts"

const bucket = "codepipeline-us-east-1-123456789012"
const key = "MyPipeline/MyTemplate/aB3dE5f.zip"
const url = `s3://${bucket}/${key}`
const template = "events/artifacts/MyTemplate/template-package/template.json"
const otherTemplate = "events/artifacts/MyTemplate/template.json"

const environment = Effect.map(
  Effect.all([S3Server, CloudFormationServer]),
  ([s3, cloudFormation]) => ({
    AWS_REGION: "eu-west-1",
    AWS_ACCESS_KEY_ID: "AKIADEVELOPER",
    AWS_SECRET_ACCESS_KEY: "secret-of-the-developer",
    // With an address, the AWS SDK addresses buckets by path.
    AWS_ENDPOINT_URL_S3: s3.endpoint.replace("localhost", "127.0.0.1"),
    AWS_ENDPOINT_URL_CLOUDFORMATION: cloudFormation.endpoint
  })
)

/** Runs `run --live` with each of these further arguments, one after another. */
const start = (...commandLines: ReadonlyArray<ReadonlyArray<string>>) =>
  Effect.flatMap(
    environment,
    (env) =>
      Effect.promise(() =>
        runInOneProcess(commandLines.map((args) => ["src/cli/main.ts", "run", "--live"].concat(args)), [], env)
      )
  )

/** The action fails at once. */
const makeBusy = CloudFormationServer.use(({ setStatus }) => setStatus("MyTestStack", "UPDATE_IN_PROGRESS"))

const zipOf = (path: string) =>
  Effect.promise(() => readFile(join(repository, path))).pipe(
    Effect.flatMap((bytes) => zipFiles({ [basename(path)]: bytes, "template-package/template.json": bytes })),
    Effect.map((zip) => Buffer.from(zip))
  )

const stored = Effect.map(S3Server.use(({ get }) => get(bucket, key)), (bytes) => Buffer.from(bytes))
const puts = S3Server.useSync(({ requests }) => requests.filter(({ method }) => method === "PUT").length)

const servers = Layer.mergeAll(S3Server.layer, CloudFormationServer.layer())

describe("--live with --artifact", () => {
  it.live("uploads an artifact to its location in the event, and overwrites another object only with --yes", () =>
    Effect.gen(function*() {
      yield* makeBusy
      yield* S3Server.use(({ makeBucket }) => makeBucket(bucket))
      const first = `--artifact=MyTemplate=${template}`
      const second = `--artifact=MyTemplate=${otherTemplate}`
      const [uploaded, equal, refused] = yield* start([first], [first], [second])
      const zip = yield* zipOf(template)
      const artifact =
        `artifact    MyTemplate: ${template} as template-package/template.json, ${zip.length} bytes as a zip`
      assert.include(uploaded?.stdout, `${artifact}, uploaded to ${url}\n`)
      assert.include(equal?.stdout, `${artifact}, equal to ${url}\n`)
      assert.strictEqual(
        refused?.stderr,
        `${url} differs from ${otherTemplate}: add --yes to overwrite it, or write an event with another location by ` +
          "npx effect-codepipeline event\n"
      )
      assert.strictEqual(refused?.status, 2)
      assert.strictEqual(yield* puts, 1)
      assert.deepStrictEqual(yield* stored, zip)

      const [overwritten] = yield* start([second, "--yes"])
      assert.include(overwritten?.stdout, `uploaded to ${url}\n`)
      assert.deepStrictEqual(yield* stored, yield* zipOf(otherTemplate))
    }).pipe(Effect.provide(servers)))

  it.live("asks for --yes if it cannot see whether the object differs", () =>
    Effect.gen(function*() {
      yield* makeBusy
      yield* S3Server.use(({ put }) => put(bucket, key, Buffer.from("other")))
      yield* S3Server.use(({ refuse }) =>
        refuse(({ method }) =>
          method === "HEAD" ? { status: 403, code: "AccessDenied", message: "Access Denied" } : undefined
        )
      )
      const artifact = `--artifact=MyTemplate=${template}`
      const [refused, overwritten] = yield* start([artifact], [artifact, "--yes"])
      assert.match(
        refused?.stderr ?? "",
        /^s3:\S+ cannot be compared with \S+ \(.+\): add --yes to write it all the same\n$/
      )
      assert.strictEqual(refused?.status, 2)
      assert.include(overwritten?.stdout, `uploaded to ${url}\n`)
    }).pipe(Effect.provide(servers)))
})

/** Interrupts the command once it has printed this text. */
const interruptAfter = (printed: string, ...args: ReadonlyArray<string>) =>
  Effect.flatMap(environment, (env) =>
    Effect.promise(async () => {
      const child = spawn(process.execPath, ["src/cli/main.ts", "run", "--live", ...args], {
        cwd: repository,
        env: { PATH: process.env["PATH"], ...env }
      })
      const stderr = text(child.stderr)
      let stdout = ""
      for await (const chunk of child.stdout) {
        stdout += String(chunk)
        if (stdout.includes(printed)) child.kill("SIGINT")
      }
      const [status] = child.exitCode === null ? await once(child, "exit") : [child.exitCode]
      return { status, stderr: await stderr }
    }))

describe("Ctrl+C with --live", () => {
  it.live("says which operation CloudFormation continues", () =>
    Effect.gen(function*() {
      yield* S3Server.use(({ makeBucket }) => makeBucket(bucket))
      const { status, stderr } = yield* interruptAfter("continued", `--artifact=MyTemplate=${template}`)
      assert.strictEqual(
        stderr,
        "\ninterrupted: CloudFormation continues with stack \"MyTestStack\", which is in CREATE_IN_PROGRESS. " +
          "Run the same command to see how it ends\n"
      )
      assert.strictEqual(status, 130)
    }).pipe(Effect.provide(servers)))
})
