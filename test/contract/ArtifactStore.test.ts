import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import type { Files } from "../../src/domain/job/ArtifactFiles.ts"
import { decodeJob } from "../../src/domain/job/Job.ts"
import { zipFiles } from "../../src/internal/zipFiles.ts"
import { type ArtifactContent, type ArtifactFile, ArtifactStore } from "../../src/services/ArtifactStore.ts"
import { ArtifactStoreMemory, type Content } from "../../src/testing/ArtifactStoreMemory.ts"
import { deployEvent, sampleTemplate } from "../fixtures.ts"
import { incompressible } from "../seed.ts"
import { environment } from "./environment.ts"
import { S3Server } from "./S3Server.ts"
import { signedBy } from "./server.ts"

/** What a case needs besides the service. */
class World extends Context.Service<World, {
  /** Puts the input artifact in place, or replaces it. */
  put(content: Content): Effect.Effect<void>
  /** The text of a file in the output artifact. */
  written(file: string): Effect.Effect<string>
}>()("effect-codepipeline/test/ArtifactStoreWorld") {}

const artifact = "MyTemplate"
const bucket = "codepipeline-us-east-1-123456789012"
const key = "MyPipeline/MyTemplate/aB3dE5f.zip"

const output = {
  name: "MyOutput",
  location: { type: "S3", s3Location: { bucketName: bucket, objectKey: "MyPipeline/MyOutput/xY9" } }
}

const zipOf = (content: Content) => content instanceof Uint8Array ? Effect.succeed(content) : zipFiles(content)

const memoryAs = (form: (content: Content) => Effect.Effect<Content>): Layer.Layer<ArtifactStore | World> =>
  Layer.effect(
    World,
    Effect.map(ArtifactStoreMemory, (store) => ({
      put: (content) => Effect.flatMap(form(content), (content) => store.put(artifact, content)),
      written: (file) => Effect.sync(() => String(store.outputs.get(output.name)?.[file]))
    }))
  ).pipe(Layer.provideMerge(ArtifactStoreMemory.layer()))

const filesInMemory = memoryAs(Effect.succeed)
const zipInMemory = memoryAs(zipOf)

const service = Layer.unwrap(
  Effect.map(S3Server, ({ endpoint }) =>
    Layer.provide(
      ArtifactStore.layer,
      environment({
        AWS_REGION: "eu-central-1",
        AWS_ENDPOINT_URL_S3: endpoint,
        AWS_ACCESS_KEY_ID: "AKIAFUNCTION",
        AWS_SECRET_ACCESS_KEY: "secret-of-the-function"
      })
    ))
)

const http = Layer.effect(
  World,
  Effect.gen(function*() {
    const { makeBucket, put } = yield* S3Server
    yield* makeBucket(bucket)
    const context = yield* Effect.context<ArtifactStore>()
    return {
      put: (content) => Effect.flatMap(zipOf(content), (zip) => put(bucket, key, zip)),
      written: (file) =>
        read({ artifact: output.name, file }, { inputArtifacts: [output] }).pipe(
          Effect.map(String),
          Effect.orDie,
          Effect.provide(context)
        )
    }
  })
).pipe(Layer.provideMerge(service), Layer.provideMerge(S3Server.layer))

const file = "template-package/template.json"

type Data = Readonly<Record<string, unknown>>

const jobOf = (data: Data) => Effect.orDie(decodeJob(deployEvent({ outputArtifacts: [output], ...data })))

const read = Effect.fnUntraced(function*(wanted: Partial<ArtifactFile> = {}, data: Data = {}) {
  const store = yield* ArtifactStore
  return Buffer.from(yield* store.read(yield* jobOf(data), { artifact, file, ...wanted }))
})

const write = Effect.fnUntraced(function*(content: Partial<ArtifactContent> = {}, data: Data = {}) {
  const store = yield* ArtifactStore
  yield* store.write(yield* jobOf(data), { artifact: output.name, files: { "outputs.json": "{}" }, ...content })
})

const locate = (artifact: string, data: Data = {}) =>
  Effect.flatMap(jobOf(data), (job) => ArtifactStore.use(({ locate }) => locate(job, artifact)))
const upload = (text: string) => ArtifactStore.use(({ upload }) => upload(bucket, Buffer.from(text)))

const put = (content: Content) => World.use(({ put }) => put(content))

const mebibyte = 1024 * 1024

/** Files that no zip makes smaller; by their names they lie behind others. */
const ballast: Files = Object.fromEntries(
  Array.from({ length: 3 }, (_, index) => [`zz-ballast/${index}.bin`, incompressible(mebibyte, index)])
)

const where = { artifact, bucket, key, file }

describe.each([
  { name: "of files in memory", world: filesInMemory },
  { name: "of a zip in memory", world: zipInMemory },
  { name: "over HTTP", world: http }
])("ArtifactStore $name", ({ world }) => {
  it.effect("a file of a small artifact arrives unchanged", () =>
    Effect.gen(function*() {
      const bytes = incompressible(1_000)
      yield* put({ "README.md": "# Readme", [file]: bytes, "other.json": sampleTemplate })
      assert.deepStrictEqual(yield* read(), bytes)
      assert.strictEqual((yield* read({ file: "other.json" })).toString(), sampleTemplate)
    }).pipe(Effect.provide(world)))

  it.effect("a file of a large artifact arrives unchanged, wherever it lies", () =>
    Effect.gen(function*() {
      yield* put({ ...ballast, "a/first.json": sampleTemplate, "zzz/last.json": sampleTemplate })
      assert.strictEqual((yield* read({ file: "a/first.json" })).toString(), sampleTemplate)
      assert.strictEqual((yield* read({ file: "zzz/last.json" })).toString(), sampleTemplate)
      const middle = "zz-ballast/2.bin"
      assert.isTrue((yield* read({ file: middle })).equals(Buffer.from(ballast[middle] ?? "")))
    }).pipe(Effect.provide(world)))

  it.effect.each([`./${file}`, `/${file}`, file.replace("/", "\\"), file.replace("/", "//")])(
    "a file is found however its name is written: %s",
    (name) =>
      Effect.gen(function*() {
        yield* put({ [file]: sampleTemplate })
        assert.strictEqual((yield* read({ file: name })).toString(), sampleTemplate)
      }).pipe(Effect.provide(world))
  )

  it.effect("an empty file is read", () =>
    Effect.gen(function*() {
      yield* put({ [file]: "" })
      assert.lengthOf(yield* read(), 0)
    }).pipe(Effect.provide(world)))

  it.effect("an artifact that is replaced is read anew", () =>
    Effect.gen(function*() {
      yield* put({ [file]: "old" })
      assert.strictEqual((yield* read()).toString(), "old")
      yield* put({ [file]: "new, and longer" })
      assert.strictEqual((yield* read()).toString(), "new, and longer")
    }).pipe(Effect.provide(world)))

  it.effect("an artifact that the job does not have is not found, and the one that could be meant is named", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(read({ artifact: "MyTemplat" }))
      assert.deepInclude(error, {
        _tag: "ArtifactNotFound",
        direction: "input",
        artifact: "MyTemplat",
        known: [artifact]
      })
      assert.include(error.message, "Did you mean \"MyTemplate\"?")
    }).pipe(Effect.provide(world)))

  it.effect("a missing object is told with its place", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(read())
      assert.deepInclude(error, {
        _tag: "ArtifactUnreadable",
        ...where,
        reason: "there is no such object in the bucket"
      })
    }).pipe(Effect.provide(world)))

  it.effect("a missing file is told with the names that are near", () =>
    Effect.gen(function*() {
      yield* put({ "deep/template.json": "", "template-package/Template.json": "", "unlike.txt": "" })
      const error = yield* Effect.flip(read())
      assert.deepInclude(error, {
        _tag: "ArtifactUnreadable",
        ...where,
        reason: "the zip has no such file; near is \"deep/template.json\", \"template-package/Template.json\""
      })
    }).pipe(Effect.provide(world)))

  it.effect("a file of more than 1 MiB is refused, or of more than is allowed", () =>
    Effect.gen(function*() {
      yield* put({ [file]: Buffer.alloc(2 * mebibyte), "small.json": "x".repeat(100) })
      assert.deepInclude(yield* Effect.flip(read()), {
        _tag: "FileTooLarge",
        ...where,
        bytes: 2 * mebibyte,
        maxBytes: mebibyte
      })
      assert.lengthOf(yield* read({ maxBytes: 2 * mebibyte }), 2 * mebibyte)
      assert.lengthOf(yield* read({ file: "small.json", maxBytes: 100 }), 100)
      const error = yield* Effect.flip(read({ file: "small.json", maxBytes: 99 }))
      assert.deepInclude(error, { _tag: "FileTooLarge", bytes: 100, maxBytes: 99 })
    }).pipe(Effect.provide(world)))

  it.effect("an output artifact has the files that were written last", () =>
    Effect.gen(function*() {
      const { written } = yield* World
      yield* write({ files: { "outputs.json": "{\"Url\": \"ü\"}", "a/b.txt": "b" } })
      assert.strictEqual(yield* written("outputs.json"), "{\"Url\": \"ü\"}")
      assert.strictEqual(yield* written("a/b.txt"), "b")
      yield* write({ files: { "outputs.json": "{}" } })
      assert.strictEqual(yield* written("outputs.json"), "{}")
    }).pipe(Effect.provide(world)))

  it.effect("an output artifact that the job does not have is not found", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(write({ artifact }))
      assert.deepInclude(error, { _tag: "ArtifactNotFound", direction: "output", artifact, known: [output.name] })
    }).pipe(Effect.provide(world)))

  it.effect("where an artifact is is told from the event", () =>
    Effect.gen(function*() {
      const place = yield* locate(artifact)
      assert.deepInclude(place, { bucket, key })
      assert.isTrue(place.url.endsWith(`/${bucket}/${key}`))
      assert.deepInclude(yield* Effect.flip(locate("Other")), { _tag: "ArtifactNotFound", known: [artifact] })
    }).pipe(Effect.provide(world)))

  it.effect("what is uploaded has an address of its own, the same for the same content", () =>
    Effect.gen(function*() {
      const url = yield* upload("a template")
      assert.include(url, "/effect-codepipeline/")
      assert.strictEqual(yield* upload("a template"), url)
      assert.notStrictEqual(yield* upload("another"), url)
    }).pipe(Effect.provide(world)))

  it.effect("each build of the layer has artifacts of its own", () =>
    Effect.gen(function*() {
      yield* put({ [file]: sampleTemplate }).pipe(Effect.provide(world))
      const error = yield* Effect.flip(read()).pipe(Effect.provide(world))
      assert.include(error.message, "there is no such object in the bucket")
    }))
})

describe.each([
  { name: "in memory", world: zipInMemory },
  { name: "over HTTP", world: http }
])("ArtifactStore of damaged zips $name", ({ world }) => {
  it.effect.each([
    { what: "an object that is no zip", bytes: Buffer.from("{\"Resources\": {}}"), reason: /damaged or not a zip/ },
    { what: "a large object that is no zip", bytes: incompressible(3 * mebibyte), reason: /damaged or not a zip/ },
    { what: "an empty object", bytes: Buffer.of(), reason: /^it is empty, not a zip$/ }
  ])("$what is told so", ({ bytes, reason }) =>
    Effect.gen(function*() {
      yield* put(bytes)
      const error = yield* Effect.flip(read())
      if (error._tag !== "ArtifactUnreadable") return assert.fail(error.message)
      assert.match(error.reason, reason)
    }).pipe(Effect.provide(world)))

  it.effect("a zip that lost its end is damaged", () =>
    Effect.gen(function*() {
      const zip = yield* zipFiles({ ...ballast, [file]: sampleTemplate })
      yield* put(zip.subarray(0, 2 * mebibyte))
      const error = yield* Effect.flip(read())
      assert.strictEqual(error._tag, "ArtifactUnreadable")
      assert.include(error.message, "damaged")
    }).pipe(Effect.provide(world)))

  it.effect("a file with a wrong byte is damaged", () =>
    Effect.gen(function*() {
      const zip = yield* zipFiles({ [file]: sampleTemplate })
      const wrong = Buffer.from(zip)
      wrong.writeUInt8(wrong.readUInt8(200) ^ 1, 200)
      yield* put(wrong)
      const error = yield* Effect.flip(read())
      assert.strictEqual(error._tag, "ArtifactUnreadable")
      assert.include(error.message, "damaged")
    }).pipe(Effect.provide(world)))
})

describe("ArtifactStore on the wire", () => {
  it.effect("what lies in the last MiB takes one request, all else one more", () =>
    Effect.gen(function*() {
      const { requests } = yield* S3Server
      yield* put({ ...ballast, "a.json": sampleTemplate, "zzz.json": sampleTemplate })
      const shapes = () => requests.map(({ headers }) => headers.range?.replaceAll(/\d+/g, "n"))
      yield* read({ file: "zzz.json" })
      assert.deepStrictEqual(shapes(), ["bytes=-n"])
      yield* read({ file: "a.json" })
      assert.deepStrictEqual(shapes().slice(1), ["bytes=-n", "bytes=n-n"])
    }).pipe(Effect.provide(http)))

  it.effect("all requests for one file want the version that the first one saw", () =>
    Effect.gen(function*() {
      const { requests } = yield* S3Server
      yield* put({ ...ballast, [file]: sampleTemplate })
      yield* read()
      assert.match(requests[1]?.headers["if-match"] ?? "", /^"[0-9a-f]{32}"$/)
    }).pipe(Effect.provide(http)))

  it.effect("an object that is replaced while it is read is read again", () =>
    Effect.gen(function*() {
      const { beforeConditional } = yield* S3Server
      const world = yield* World
      yield* put({ ...ballast, [file]: "old" })
      yield* beforeConditional(world.put({ ...ballast, [file]: "new, and longer" }))
      assert.strictEqual((yield* read()).toString(), "new, and longer")
    }).pipe(Effect.provide(http)))

  it.effect("an object that is replaced again and again is given up", () =>
    Effect.gen(function*() {
      const { beforeConditional } = yield* S3Server
      const world = yield* World
      yield* put({ ...ballast, [file]: "1" })
      yield* beforeConditional(world.put({ ...ballast, [file]: "22" }), world.put({ ...ballast, [file]: "333" }))
      assert.deepInclude(yield* Effect.flip(read()), {
        _tag: "ArtifactUnreadable",
        ...where,
        reason: "it was replaced while it was read, twice"
      })
    }).pipe(Effect.provide(http)))

  it.effect("an object is read with the credentials of the event, by path", () =>
    Effect.gen(function*() {
      const { endpoint, requests } = yield* S3Server
      yield* put({ ...ballast, [file]: sampleTemplate })
      yield* read()
      assert.lengthOf(requests, 2)
      for (const { headers, url } of requests) {
        assert.strictEqual(signedBy(headers), "ASIAIOSFODNN7EXAMPLE eu-central-1 s3")
        assert.strictEqual(headers["x-amz-security-token"], "IQoJb3JpZ2luX2VjEXAMPLETOKEN")
        assert.strictEqual(url.split("?")[0], `/${bucket}/${key}`)
        assert.strictEqual(`http://${headers.host}`, endpoint)
      }
    }).pipe(Effect.provide(http)))

  it.effect("credentials without a session token have none on the wire", () =>
    Effect.gen(function*() {
      const { requests } = yield* S3Server
      yield* put({ [file]: sampleTemplate })
      yield* read({}, { artifactCredentials: { accessKeyId: "AKIAONE", secretAccessKey: "one", sessionToken: null } })
      yield* read({}, { artifactCredentials: { accessKeyId: "AKIATWO", secretAccessKey: "two" } })
      const signers = new Set(requests.map(({ headers }) => signedBy(headers)))
      assert.deepStrictEqual([...signers], ["AKIAONE eu-central-1 s3", "AKIATWO eu-central-1 s3"])
      for (const { headers } of requests) assert.isUndefined(headers["x-amz-security-token"])
    }).pipe(Effect.provide(http)))

  it.effect("an event without credentials is read with those of the function", () =>
    Effect.gen(function*() {
      const { requests } = yield* S3Server
      yield* put({ [file]: sampleTemplate })
      yield* read({}, { artifactCredentials: null })
      for (const { headers } of requests) {
        assert.strictEqual(signedBy(headers), "AKIAFUNCTION eu-central-1 s3")
      }
    }).pipe(Effect.provide(http)))

  it.effect("a key with spaces and signs is found", () =>
    Effect.gen(function*() {
      const server = yield* S3Server
      const objectKey = "My Pipeline/a+b/ü&c=1.zip"
      yield* server.put(bucket, objectKey, yield* zipFiles({ [file]: sampleTemplate }))
      const location = { type: "S3", s3Location: { bucketName: bucket, objectKey } }
      const bytes = yield* read({}, { inputArtifacts: [{ name: artifact, location }] })
      assert.strictEqual(bytes.toString(), sampleTemplate)
    }).pipe(Effect.provide(http)))

  it.effect("a missing bucket is told so", () =>
    Effect.gen(function*() {
      const location = { type: "S3", s3Location: { bucketName: "no-such-bucket", objectKey: key } }
      const error = yield* Effect.flip(read({}, { inputArtifacts: [{ name: artifact, location }] }))
      assert.deepInclude(error, {
        _tag: "ArtifactUnreadable",
        bucket: "no-such-bucket",
        reason: "there is no such bucket"
      })
    }).pipe(Effect.provide(http)))

  it.effect("who may not read is told so, and does not ask again", () =>
    Effect.gen(function*() {
      const { deny, requests } = yield* S3Server
      yield* put({ [file]: sampleTemplate })
      yield* deny
      assert.deepInclude(yield* Effect.flip(read()), {
        _tag: "ArtifactDenied",
        purpose: "read",
        artifact,
        bucket,
        key,
        reason: "AccessDenied: Access Denied"
      })
      assert.lengthOf(requests, 1)
      assert.deepInclude(yield* Effect.flip(write()), {
        _tag: "ArtifactDenied",
        purpose: "write",
        artifact: output.name,
        reason: "AccessDenied: Access Denied"
      })
      assert.deepInclude(yield* Effect.flip(upload("")), {
        _tag: "UploadFailed",
        bucket,
        denied: true,
        reason: "AccessDenied: Access Denied"
      })
      assert.lengthOf(requests, 3)
    }).pipe(Effect.provide(http)))

  it.effect("an output artifact is written with the credentials of the event, and encrypted only with its key", () =>
    Effect.gen(function*() {
      const { requests } = yield* S3Server
      yield* write()
      yield* write({}, { encryptionKey: { id: "arn:aws:kms:eu-central-1:123456789012:key/1", type: "KMS" } })
      const encryption = requests.map(({ headers }) => [
        headers["x-amz-server-side-encryption"],
        headers["x-amz-server-side-encryption-aws-kms-key-id"]
      ])
      assert.deepStrictEqual(encryption, [
        [undefined, undefined],
        ["aws:kms", "arn:aws:kms:eu-central-1:123456789012:key/1"]
      ])
      for (const { headers, method, url } of requests) {
        assert.strictEqual(method, "PUT")
        assert.strictEqual(url.split("?")[0], `/${bucket}/MyPipeline/MyOutput/xY9`)
        assert.strictEqual(signedBy(headers), "ASIAIOSFODNN7EXAMPLE eu-central-1 s3")
      }
    }).pipe(Effect.provide(http)))

  it.effect.each<readonly [region: string, endpoint: string, host: string]>([
    ["us-west-2", "", "https://s3.us-west-2.amazonaws.com"],
    ["cn-north-1", "", "https://s3.cn-north-1.amazonaws.com.cn"],
    ["us-west-2", "http://127.0.0.1:4566", "http://127.0.0.1:4566"]
  ])(
    "an artifact in %s, with the endpoint %s, has an address by path, and nobody is asked",
    ([region, endpoint, host]) => {
      const s3Location = { bucketName: bucket, objectKey: "My Pipeline/a+b.zip" }
      const located = locate("A", { inputArtifacts: [{ name: "A", location: { s3Location } }] })
      return Effect.gen(function*() {
        assert.deepStrictEqual(yield* located, {
          bucket,
          key: "My Pipeline/a+b.zip",
          url: `${host}/${bucket}/My%20Pipeline/a%2Bb.zip`
        })
      }).pipe(Effect.provide(Layer.provide(
        ArtifactStore.layer,
        environment({ AWS_REGION: region, ...(endpoint !== "" && { AWS_ENDPOINT_URL_S3: endpoint }) })
      )))
    }
  )

  it.effect("what is uploaded with the function's credentials is what its address gives", () =>
    Effect.gen(function*() {
      const { endpoint, requests } = yield* S3Server
      const url = yield* upload("a template: ü")
      assert.isTrue(url.startsWith(`${endpoint}/${bucket}/effect-codepipeline/`))
      assert.strictEqual(yield* Effect.promise(() => fetch(url).then((response) => response.text())), "a template: ü")
      assert.deepStrictEqual(requests.map(({ headers }) => signedBy(headers)), ["AKIAFUNCTION eu-central-1 s3"])
    }).pipe(Effect.provide(http)))
})
