// The AWS SDK in built functions does the same as outside of them.
import { assert, describe, it } from "@effect/vitest"
import { EventStreamCodec } from "@smithy/core/event-streams"
import { Effect } from "effect"
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import type { RequestListener } from "node:http"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { registeredErrors, SdkClients, treeShakeable, withErrors } from "../../../src/cli/build/SdkClients.ts"
import { listen } from "../../contract/server.ts"
import { startContainer } from "../../lambda/container.ts"
import { build, project } from "./project.ts"

const timeout = 60_000

const credentials = { AWS_REGION: "us-east-1", AWS_ACCESS_KEY_ID: "AKIA", AWS_SECRET_ACCESS_KEY: "S" }

/** Builds a function with this module, and calls it once. Without `answer`, nothing answers its requests. */
const call = Effect.fnUntraced(function*(
  code: string,
  { answer = (_, response) => void response.destroy(), env = {}, wholeSdk = false }: {
    readonly answer?: RequestListener
    readonly env?: Readonly<Record<string, string>>
    readonly wholeSdk?: boolean
  }
) {
  const folder = yield* project({ "own.ts": code })
  yield* build(folder, ["own.ts"], { wholeSdk })
  const endpoint = yield* listen(answer)
  const { end, invoke } = yield* startContainer({
    folder: join(folder, "dist/own"),
    env: { ...credentials, AWS_ENDPOINT_URL: endpoint, ...env }
  })
  const result: { readonly resolved?: unknown; readonly rejected?: string } = yield* invoke({})
  yield* end
  const bundle = yield* Effect.promise(() => readFile(join(folder, "dist/own/function.js"), "utf8"))
  return { ...result, bundle }
}, Effect.scoped)

const client = "const s3 = new S3Client({ forcePathStyle: true, maxAttempts: 1 })\n"

const refuse = (code: string): RequestListener => (_, response) => {
  response.statusCode = 404
  response.end(`<Error><Code>${code}</Code><Message>It is not there</Message></Error>`)
}

const withoutEventStreams = "This function was built without event streams"

describe("the AWS SDK in a built function", () => {
  const codec = new EventStreamCodec(
    (bytes) => typeof bytes === "string" ? bytes : Buffer.from(bytes).toString(),
    (text) => Buffer.from(text)
  )
  const eventOf = (type: string, body: string) =>
    codec.encode({
      headers: {
        ":message-type": { type: "string", value: "event" },
        ":event-type": { type: "string", value: type },
        ":content-type": { type: "string", value: "application/octet-stream" }
      },
      body: Buffer.from(body)
    })

  it.live.each([
    "import { S3Client, SelectObjectContentCommand as Select } from \"@aws-sdk/client-s3\"\n" + client +
    "const select = (input) => s3.send(new Select(input))\n",
    "import { S3 } from \"@aws-sdk/client-s3\"\nconst s3 = new S3({ forcePathStyle: true, maxAttempts: 1 })\n" +
    "const select = (input) => s3.selectObjectContent(input)\n"
  ])("has event streams if an operation uses them (%#)", (head) =>
    Effect.gen(function*() {
      const { bundle, rejected, resolved } = yield* call(
        `${head}
        export const handler = async () => {
          const output = await select({
            Bucket: "b", Key: "k", ExpressionType: "SQL", Expression: "select *", InputSerialization: {}, OutputSerialization: {}
          })
          const rows = []
          for await (const { Records } of output.Payload) if (Records) rows.push(Buffer.from(Records.Payload).toString())
          return rows
        }`,
        { answer: (_, response) => void response.end(Buffer.concat([eventOf("Records", "1,2\n"), eventOf("End", "")])) }
      )
      assert.deepStrictEqual({ rejected, resolved }, { rejected: undefined, resolved: ["1,2\n"] })
      assert.notInclude(bundle, withoutEventStreams)
    }), timeout)

  const getObject = "import { GetObjectCommand, NoSuchBucket, S3Client } from \"@aws-sdk/client-s3\"\n" + client +
    "export const handler = () => s3.send(new GetObjectCommand({ Bucket: \"b\", Key: \"k\" }))\n"

  it.live("has no event streams if no operation uses them", () =>
    Effect.gen(function*() {
      const { bundle, rejected } = yield* call(getObject, { answer: refuse("NoSuchKey") })
      assert.strictEqual(rejected, "NoSuchKey: It is not there")
      assert.include(bundle, withoutEventStreams)
      assert.notInclude(bundle, "effect-codepipeline: event stream")
    }), timeout)

  it.live(
    "throws errors of the classes that the code names, also undeclared ones of the operation",
    () =>
      Effect.gen(function*() {
        const code = `${getObject.trimEnd()}.catch((error) =>
        [error instanceof NoSuchBucket, error.constructor === NoSuchBucket, error.name, error.message])`
        const { resolved } = yield* call(code, { answer: refuse("NoSuchBucket") })
        assert.deepStrictEqual(resolved, [true, true, "NoSuchBucket", "It is not there"])
      }),
    timeout
  )

  it.live("throws other errors with their names", () =>
    Effect.gen(function*() {
      const { rejected } = yield* call(getObject, { answer: refuse("BucketAlreadyExists") })
      assert.strictEqual(rejected, "BucketAlreadyExists: It is not there")
    }), timeout)

  /** Variables with the credentials of the profile p. */
  const withProfile = Effect.map(
    project({ credentials: "[p]\naws_access_key_id = AKIAPROFILE\naws_secret_access_key = S\n" }, {
      isInstalled: false
    }),
    (folder) => ({
      AWS_SHARED_CREDENTIALS_FILE: join(folder, "credentials"),
      AWS_CONFIG_FILE: "/nowhere",
      AWS_EC2_METADATA_DISABLED: "true"
    })
  )

  it.live("refuses profiles, unless it is left as it is", () =>
    Effect.gen(function*() {
      const files = yield* withProfile
      const env = { ...files, AWS_PROFILE: "p" }
      const { rejected } = yield* call(getObject, { env })
      assert.match(rejected ?? "", /reads no profiles of the AWS SDK.*Build it with --whole-sdk to use a profile$/)
      const own = getObject.replace("forcePathStyle", "profile: \"q\", forcePathStyle")
      assert.match((yield* call(own, { env: files })).rejected ?? "", /reads no profiles/)
      const keys: Array<string | undefined> = []
      const whole = yield* call(`${getObject.trimEnd()}.then(() => "done")`, {
        env,
        wholeSdk: true,
        answer: ({ headers: { authorization } }, response) => {
          keys.push(/Credential=(\w+)/.exec(authorization ?? "")?.[1])
          response.end()
        }
      })
      assert.strictEqual(whole.resolved, "done")
      assert.deepStrictEqual(keys, ["AKIAPROFILE"])
    }).pipe(Effect.scoped), timeout)

  it.live("has all providers of credentials if the code imports them by itself", () =>
    Effect.gen(function*() {
      const { resolved } = yield* call(
        `import { defaultProvider } from "@aws-sdk/credential-provider-node"
        export const handler = async () => (await defaultProvider({ profile: "p" })()).accessKeyId`,
        { env: yield* withProfile }
      )
      assert.strictEqual(resolved, "AKIAPROFILE")
    }).pipe(Effect.scoped), timeout)
})

describe("SdkClients", () => {
  const schemas = [
    "const _e = \"error\";",
    "const n0_registry = new TypeRegistry(n0);",
    "_s_registry.registerError(Base$, Base);",
    "export var A$ = [-3, n0, _A, { [_e]: _c }];",
    "n0_registry.registerError(A$, A);"
  ].join("\n")

  const files = {
    "dist-es/schemas/schemas_0.js": schemas,
    "dist-es/models/errors.js": "export class A extends Base {}",
    "dist-es/commands/OneCommand.js": "export class OneCommand {}",
    "dist-types/commands/OneCommand.d.ts":
      " * @throws {@link A} (client fault)\n * @throws {@link Unknown} (client fault)"
  }

  const clientOf = (changes: Readonly<Record<string, string | undefined>>) =>
    Effect.acquireRelease(
      Effect.promise(async () => {
        const folder = await mkdtemp(join(tmpdir(), "effect-codepipeline-client-"))
        for (const [file, text] of Object.entries({ ...files, ...changes })) {
          await mkdir(dirname(join(folder, file)), { recursive: true })
          if (text !== undefined) await writeFile(join(folder, file), text)
        }
        return folder
      }),
      (folder) => Effect.promise(() => rm(folder, { recursive: true }))
    ).pipe(Effect.flatMap((folder) =>
      Effect.promise(async () => {
        const client = await new SdkClients().get(folder)
        return client && { ...client, one: await client.command(join(folder, "dist-es/commands/OneCommand.js")) }
      })
    ))

  it.effect("rewrites a client, with the errors that there are", () =>
    Effect.gen(function*() {
      const client = yield* clientOf({})
      assert.strictEqual(client?.schemas(undefined), treeShakeable(schemas))
      assert.strictEqual(client?.one, withErrors("export class OneCommand {}", " * @throws {@link A} (client fault)"))
      assert.strictEqual(client?.registeredErrors, registeredErrors(["A"]))
    }).pipe(Effect.scoped))

  it.effect.each<readonly [string, Readonly<Record<string, string | undefined>>]>([
    ["without schemas", { "dist-es/schemas/schemas_0.js": undefined }],
    ["without declarations", { "dist-types/commands/OneCommand.d.ts": undefined }],
    ["without the class of an error", { "dist-es/models/errors.js": "export class B {}" }],
    ["that registers errors in another way", {
      "dist-es/schemas/schemas_0.js": schemas.replace("n0_registry.registerError", "TypeRegistry.for(n0).registerError")
    }],
    ["whose registry has another name", {
      "dist-es/schemas/schemas_0.js": schemas.replace("const n0_registry", "const registry")
    }]
  ])("leaves a client %s as it is", ([, changes]) =>
    Effect.gen(function*() {
      assert.isUndefined(yield* clientOf(changes))
    }).pipe(Effect.scoped))
})

describe("treeShakeable", () => {
  it("replaces computed keys by their text, and registers no errors", () => {
    const schemas = [
      "const _e = \"error\";",
      "const ___p = \"__proto__\";",
      "const n0_registry = new TypeRegistry(n0);",
      "export var A$ = [-3, n0, _A,",
      "    { [_e]: _c, [_unknown]: 1, [___p]: 1 },",
      "];",
      "_s_registry.registerError(Base$, Base);",
      "n0_registry.registerError(A$, A);"
    ].join("\n")
    assert.strictEqual(
      treeShakeable(schemas),
      [
        "const _e = \"error\";",
        "const ___p = \"__proto__\";",
        "export const n0_registry = new TypeRegistry(n0);",
        "export var A$ = [-3, n0, _A,",
        "    { \"error\": _c, [_unknown]: 1, [___p]: 1 },",
        "];",
        "_s_registry.registerError(Base$, Base);",
        ""
      ].join("\n")
    )
  })
})

describe("withErrors", () => {
  it("registers the errors of the operation, but not their base class", () => {
    const declaration = [
      " * @throws {@link Closed} (client fault)",
      " * @throws {@link Broken} (server fault)",
      " * @throws {@link ServiceException}"
    ].join("\n")
    assert.strictEqual(
      withErrors("export class A {}", declaration),
      [
        "export class A {}",
        "import { n0_registry as registry, Closed$, Broken$ } from \"../schemas/schemas_0\";",
        "import { Closed, Broken } from \"../models/errors\";",
        "registry.registerError(Closed$, Closed);",
        "registry.registerError(Broken$, Broken);"
      ].join("\n")
    )
  })

  it("returns a command without errors of its own unchanged", () => {
    assert.strictEqual(withErrors("export class A {}", " * @throws {@link ServiceException}"), "export class A {}")
  })
})
