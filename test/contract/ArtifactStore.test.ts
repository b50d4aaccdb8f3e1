import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer, Redacted } from "effect"
import type { Files } from "../../src/domain/job/ArtifactFiles.ts"
import { decodeJob } from "../../src/domain/job/Job.ts"
import type { ObjectEncryption } from "../../src/domain/job/ObjectEncryption.ts"
import { zipFiles } from "../../src/internal/zipFiles.ts"
import { type ArtifactContent, type ArtifactFile, ArtifactStore } from "../../src/services/ArtifactStore.ts"
import { ArtifactStoreMemory, type Content } from "../../src/testing/ArtifactStoreMemory.ts"
import { deployEvent, sampleTemplate } from "../fixtures.ts"
import { rawZip } from "../internal/rawZip.ts"
import { incompressible } from "../seed.ts"
import { environment } from "./environment.ts"
import { accessDenied, type S3Request, S3Server } from "./S3Server.ts"
import { signedBy } from "./server.ts"

/** What the cases need besides the service. */
class World extends Context.Service<World, {
  /** Creates or replaces the input artifact. */
  put(content: Content): Effect.Effect<void>
  /** Reads a file in the output artifact as text. */
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
const upload = (text: string, encryption?: ObjectEncryption) =>
  ArtifactStore.use(({ upload }) => upload(bucket, Buffer.from(text), encryption))

const put = (content: Content) => World.use(({ put }) => put(content))

const mebibyte = 1024 * 1024

/** Incompressible files, placed after the others by their names. */
const ballast: Files = Object.fromEntries(
  Array.from({ length: 4 }, (_, index) => [`zz-ballast/${index}.bin`, incompressible(900_000, index)])
)

const where = { artifact, bucket, key, file }

const encryptionKey = { id: "arn:aws:kms:eu-central-1:123456789012:key/1", type: "KMS" }

const none = [undefined, undefined]

/** The encryption headers of all requests. */
const encryptions = Effect.map(S3Server, ({ requests }) =>
  requests.map(({ headers }) => [
    headers["x-amz-server-side-encryption"],
    headers["x-amz-server-side-encryption-aws-kms-key-id"]
  ]))

/** A bucket policy that denies every request without this header. */
const unless = (required: string | undefined) => ({ headers }: S3Request) =>
  headers["x-amz-server-side-encryption"] === required
    ? undefined
    : accessDenied(
      "User: me is not authorized to perform: s3:PutObject with an explicit deny in a resource-based policy"
    )

describe.each([
  { name: "of files in memory", world: filesInMemory },
  { name: "of a zip in memory", world: zipInMemory },
  { name: "over HTTP", world: http }
])("ArtifactStore $name", ({ world }) => {
  it.effect("reads a file of a small artifact unchanged", () =>
    Effect.gen(function*() {
      const bytes = incompressible(1_000)
      yield* put({ "README.md": "# Readme", [file]: bytes, "other.json": sampleTemplate })
      assert.deepStrictEqual(yield* read(), bytes)
      assert.strictEqual((yield* read({ file: "other.json" })).toString(), sampleTemplate)
    }).pipe(Effect.provide(world)))

  it.effect("reads a file of a large artifact unchanged, wherever it is", () =>
    Effect.gen(function*() {
      yield* put({ ...ballast, "a/first.json": sampleTemplate, "zzz/last.json": sampleTemplate })
      assert.strictEqual((yield* read({ file: "a/first.json" })).toString(), sampleTemplate)
      assert.strictEqual((yield* read({ file: "zzz/last.json" })).toString(), sampleTemplate)
      const middle = "zz-ballast/2.bin"
      assert.isTrue((yield* read({ file: middle })).equals(Buffer.from(ballast[middle] ?? "")))
    }).pipe(Effect.provide(world)))

  it.effect.each([`./${file}`, `/${file}`, file.replace("/", "\\"), file.replace("/", "//")])(
    "finds a file whose name is written as %s",
    (name) =>
      Effect.gen(function*() {
        yield* put({ [file]: sampleTemplate })
        assert.strictEqual((yield* read({ file: name })).toString(), sampleTemplate)
      }).pipe(Effect.provide(world))
  )

  it.effect.each(["NFC", "NFD"] as const)(
    "finds a file whose name is in another Unicode normalization than %s",
    (form) =>
      Effect.gen(function*() {
        yield* put({ ["Öl.json".normalize(form === "NFC" ? "NFD" : "NFC")]: sampleTemplate })
        assert.strictEqual((yield* read({ file: "Öl.json".normalize(form) })).toString(), sampleTemplate)
      }).pipe(Effect.provide(world))
  )

  it.effect("reads an empty file", () =>
    Effect.gen(function*() {
      yield* put({ [file]: "" })
      assert.lengthOf(yield* read(), 0)
    }).pipe(Effect.provide(world)))

  it.effect("reads the new content of an artifact that was replaced", () =>
    Effect.gen(function*() {
      yield* put({ [file]: "old" })
      assert.strictEqual((yield* read()).toString(), "old")
      yield* put({ [file]: "new, and longer" })
      assert.strictEqual((yield* read()).toString(), "new, and longer")
    }).pipe(Effect.provide(world)))

  it.effect("fails for an input artifact that the job does not have, and suggests a similar name", () =>
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

  it.effect("fails for an object that does not exist, and names its location", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(read())
      assert.deepInclude(error, {
        _tag: "ArtifactUnreadable",
        ...where,
        reason: "the object does not exist in the bucket"
      })
    }).pipe(Effect.provide(world)))

  it.effect("fails for a file that the artifact does not have, and suggests similar names", () =>
    Effect.gen(function*() {
      yield* put({ "deep/template.json": "", "template-package/Template.json": "", "unlike.txt": "" })
      const error = yield* Effect.flip(read())
      assert.deepInclude(error, {
        _tag: "ArtifactUnreadable",
        ...where,
        reason: "the zip does not contain this file",
        advice: "Similar names: \"deep/template.json\", \"template-package/Template.json\""
      })
    }).pipe(Effect.provide(world)))

  it.effect("refuses a file of more than 1,000,000 bytes, or of more than the caller's maximum", () =>
    Effect.gen(function*() {
      yield* put({ [file]: Buffer.alloc(2 * mebibyte), "small.json": "x".repeat(100) })
      assert.deepInclude(yield* Effect.flip(read()), {
        _tag: "FileTooLarge",
        ...where,
        bytes: 2 * mebibyte,
        maxBytes: 1_000_000
      })
      assert.lengthOf(yield* read({ maxBytes: 2 * mebibyte }), 2 * mebibyte)
      assert.lengthOf(yield* read({ file: "small.json", maxBytes: 100 }), 100)
      const error = yield* Effect.flip(read({ file: "small.json", maxBytes: 99 }))
      assert.deepInclude(error, { _tag: "FileTooLarge", bytes: 100, maxBytes: 99 })
    }).pipe(Effect.provide(world)))

  it.effect("an output artifact contains the files that were written last", () =>
    Effect.gen(function*() {
      const { written } = yield* World
      yield* write({ files: { "outputs.json": "{\"Url\": \"ü\"}", "a/b.txt": "b" } })
      assert.strictEqual(yield* written("outputs.json"), "{\"Url\": \"ü\"}")
      assert.strictEqual(yield* written("a/b.txt"), "b")
      yield* write({ files: { "outputs.json": "{}" } })
      assert.strictEqual(yield* written("outputs.json"), "{}")
    }).pipe(Effect.provide(world)))

  it.effect("fails for an output artifact that the job does not have", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(write({ artifact }))
      assert.deepInclude(error, { _tag: "ArtifactNotFound", direction: "output", artifact, known: [output.name] })
    }).pipe(Effect.provide(world)))

  it.effect("locates an artifact by the event", () =>
    Effect.gen(function*() {
      const place = yield* locate(artifact)
      assert.deepInclude(place, { bucket, key })
      assert.isTrue(place.url.endsWith(`/${bucket}/${key}`))
      assert.deepInclude(yield* Effect.flip(locate("Other")), { _tag: "ArtifactNotFound", known: [artifact] })
    }).pipe(Effect.provide(world)))

  it.effect("uploads to a URL that depends on the content alone", () =>
    Effect.gen(function*() {
      const url = yield* upload("a template")
      assert.include(url, "/effect-codepipeline/")
      assert.strictEqual(yield* upload("a template"), url)
      assert.notStrictEqual(yield* upload("another"), url)
    }).pipe(Effect.provide(world)))

  it.effect("shares no artifacts between two builds of the layer", () =>
    Effect.gen(function*() {
      yield* put({ [file]: sampleTemplate }).pipe(Effect.provide(world))
      const error = yield* Effect.flip(read()).pipe(Effect.provide(world))
      assert.include(error.message, "the object does not exist in the bucket")
    }))
})

describe.each([
  { name: "in memory", world: zipInMemory },
  { name: "over HTTP", world: http }
])("ArtifactStore of damaged zips $name", ({ world }) => {
  it.effect.each([
    { what: "an object that is not a zip", bytes: Buffer.from("{\"Resources\": {}}"), reason: /damaged or not a zip/ },
    { what: "a large object that is not a zip", bytes: incompressible(3 * mebibyte), reason: /damaged or not a zip/ },
    { what: "an empty object", bytes: Buffer.of(), reason: /^it is empty, not a zip$/ }
  ])("reports $what", ({ bytes, reason }) =>
    Effect.gen(function*() {
      yield* put(bytes)
      const error = yield* Effect.flip(read())
      if (error._tag !== "ArtifactUnreadable") return assert.fail(error.message)
      assert.match(error.reason, reason)
    }).pipe(Effect.provide(world)))

  it.effect("reports a zip that lost its end as damaged", () =>
    Effect.gen(function*() {
      const zip = yield* zipFiles({ ...ballast, [file]: sampleTemplate })
      yield* put(zip.subarray(0, 2 * mebibyte))
      const error = yield* Effect.flip(read())
      assert.strictEqual(error._tag, "ArtifactUnreadable")
      assert.include(error.message, "damaged")
    }).pipe(Effect.provide(world)))

  it.effect("reports a file with a wrong byte as damaged", () =>
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

describe.each([
  { name: "in memory", world: zipInMemory },
  { name: "over HTTP", world: http }
])("ArtifactStore of unusual zips $name", ({ world }) => {
  it.effect("reads a file of a zip between other bytes", () =>
    Effect.gen(function*() {
      const zip = yield* zipFiles({ ...ballast, [file]: sampleTemplate })
      yield* put(Buffer.concat([Buffer.from("#!/bin/sh\n"), zip, Buffer.from("a signature")]))
      assert.strictEqual((yield* read()).toString(), sampleTemplate)
    }).pipe(Effect.provide(world)))

  it.effect("reads a file with a broken and an encrypted one beside it", () =>
    Effect.gen(function*() {
      const content = Buffer.from(sampleTemplate)
      yield* put(rawZip([
        { name: Buffer.from("broken"), content, extra: Buffer.from([1, 0, 0xff, 0xff]) },
        { name: Buffer.from("secret"), content, flags: 0x2041, method: 99 },
        { name: Buffer.from(file), content }
      ]))
      assert.strictEqual((yield* read()).toString(), sampleTemplate)
    }).pipe(Effect.provide(world)))
})

describe("ArtifactStore over HTTP", () => {
  it.effect("makes one request for a file in the last MiB of the zip, and one more for any other", () =>
    Effect.gen(function*() {
      const { requests } = yield* S3Server
      yield* put({ ...ballast, "a.json": sampleTemplate, "zzz.json": sampleTemplate })
      const shapes = () => requests.map(({ headers }) => headers.range?.replaceAll(/\d+/g, "n"))
      yield* read({ file: "zzz.json" })
      assert.deepStrictEqual(shapes(), ["bytes=-n"])
      yield* read({ file: "a.json" })
      assert.deepStrictEqual(shapes().slice(1), ["bytes=-n", "bytes=n-n"])
    }).pipe(Effect.provide(http)))

  it.effect("requests the same version of the object again", () =>
    Effect.gen(function*() {
      const { requests } = yield* S3Server
      yield* put({ ...ballast, [file]: sampleTemplate })
      yield* read()
      assert.match(requests[1]?.headers["if-match"] ?? "", /^"[0-9a-f]{32}"$/)
    }).pipe(Effect.provide(http)))

  it.effect("reads an object again if it is replaced meanwhile", () =>
    Effect.gen(function*() {
      const { beforeConditional } = yield* S3Server
      const world = yield* World
      yield* put({ ...ballast, [file]: "old" })
      yield* beforeConditional(world.put({ ...ballast, [file]: "new, and longer" }))
      assert.strictEqual((yield* read()).toString(), "new, and longer")
    }).pipe(Effect.provide(http)))

  it.effect("fails for an object that is replaced twice meanwhile", () =>
    Effect.gen(function*() {
      const { beforeConditional } = yield* S3Server
      const world = yield* World
      yield* put({ ...ballast, [file]: "1" })
      yield* beforeConditional(world.put({ ...ballast, [file]: "22" }), world.put({ ...ballast, [file]: "333" }))
      assert.deepInclude(yield* Effect.flip(read()), {
        _tag: "ArtifactUnreadable",
        ...where,
        reason: "it was replaced twice while it was being read"
      })
    }).pipe(Effect.provide(http)))

  it.effect("reads an object with the credentials of the event, by path", () =>
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

  it.effect("sends no session token if the credentials have none", () =>
    Effect.gen(function*() {
      const { requests } = yield* S3Server
      yield* put({ [file]: sampleTemplate })
      yield* read({}, { artifactCredentials: { accessKeyId: "AKIAONE", secretAccessKey: "one", sessionToken: null } })
      yield* read({}, { artifactCredentials: { accessKeyId: "AKIATWO", secretAccessKey: "two" } })
      const signers = new Set(requests.map(({ headers }) => signedBy(headers)))
      assert.deepStrictEqual([...signers], ["AKIAONE eu-central-1 s3", "AKIATWO eu-central-1 s3"])
      for (const { headers } of requests) assert.isUndefined(headers["x-amz-security-token"])
    }).pipe(Effect.provide(http)))

  it.effect("reads with the function's credentials if the event has none", () =>
    Effect.gen(function*() {
      const { requests } = yield* S3Server
      yield* put({ [file]: sampleTemplate })
      yield* read({}, { artifactCredentials: null })
      for (const { headers } of requests) {
        assert.strictEqual(signedBy(headers), "AKIAFUNCTION eu-central-1 s3")
      }
    }).pipe(Effect.provide(http)))

  it.effect("reads an object whose key has spaces and special characters", () =>
    Effect.gen(function*() {
      const server = yield* S3Server
      const objectKey = "My Pipeline/a+b/ü&c=1.zip"
      yield* server.put(bucket, objectKey, yield* zipFiles({ [file]: sampleTemplate }))
      const location = { type: "S3", s3Location: { bucketName: bucket, objectKey } }
      const bytes = yield* read({}, { inputArtifacts: [{ name: artifact, location }] })
      assert.strictEqual(bytes.toString(), sampleTemplate)
    }).pipe(Effect.provide(http)))

  it.effect("reports a bucket that does not exist", () =>
    Effect.gen(function*() {
      const location = { type: "S3", s3Location: { bucketName: "no-such-bucket", objectKey: key } }
      const error = yield* Effect.flip(read({}, { inputArtifacts: [{ name: artifact, location }] }))
      assert.deepInclude(error, {
        _tag: "ArtifactUnreadable",
        bucket: "no-such-bucket",
        reason: "the bucket does not exist"
      })
    }).pipe(Effect.provide(http)))

  it.effect("reports a denied read once, and that the object may not exist", () =>
    Effect.gen(function*() {
      const { deny, requests } = yield* S3Server
      yield* put({ [file]: sampleTemplate })
      yield* deny
      const error = yield* Effect.flip(read())
      assert.deepInclude(error, {
        _tag: "ArtifactDenied",
        purpose: "read",
        artifact,
        bucket,
        key,
        reason: "AccessDenied: Access Denied"
      })
      assert.include(error.message, "the pipeline action's role, which needs s3:GetObject on this object")
      assert.include(error.message, "Or the object does not exist")
      assert.include(error.message, "s3:ListBucket")
      assert.lengthOf(requests, 1)
    }).pipe(Effect.provide(http)))

  it.effect("reports an object as probably missing if S3 denies s3:ListBucket", () =>
    Effect.gen(function*() {
      const { refuse } = yield* S3Server
      yield* refuse(() => accessDenied("User: me is not authorized to perform: s3:ListBucket on this resource"))
      const error = yield* Effect.flip(read())
      assert.deepInclude(error, { _tag: "ArtifactDenied", needed: "s3:ListBucket" })
      assert.include(error.message, "The object probably does not exist")
      assert.notInclude(error.message, "s3:GetObject")
    }).pipe(Effect.provide(http)))

  it.effect("reports credentials that S3 does not accept without advice on permissions", () =>
    Effect.gen(function*() {
      const { refuse } = yield* S3Server
      yield* refuse(() => ({ status: 403, code: "InvalidAccessKeyId", message: "Unknown key" }))
      for (const error of [yield* Effect.flip(read()), yield* Effect.flip(write()), yield* Effect.flip(upload("a"))]) {
        assert.isTrue(error.message.endsWith("InvalidAccessKeyId: Unknown key"), error.message)
      }
    }).pipe(Effect.provide(http)))

  it.effect("reports an error of S3 by its own code and words, whatever they are", () =>
    Effect.gen(function*() {
      const { refuse } = yield* S3Server
      yield* refuse(() => ({ status: 400, code: "constructor", message: "Odd" }))
      assert.deepInclude(yield* Effect.flip(read()), { _tag: "ArtifactUnreadable", reason: "constructor: Odd" })
    }).pipe(Effect.provide(http)))

  it.effect("reports a denied KMS key without other causes", () =>
    Effect.gen(function*() {
      const { refuse } = yield* S3Server
      yield* refuse(() => accessDenied("User: me is not authorized to perform: kms:Decrypt on this resource"))
      const { message } = yield* Effect.flip(read())
      assert.include(message, "needs kms:Decrypt on the key that the object is encrypted with")
      assert.notInclude(message, "does not exist")
    }).pipe(Effect.provide(http)))

  it.effect("reports an object in Glacier as unreadable, and what to do", () =>
    Effect.gen(function*() {
      const { refuse, requests } = yield* S3Server
      const message = "The operation is not valid for the object's storage class"
      yield* refuse(() => ({ status: 403, code: "InvalidObjectState", message }))
      const error = yield* Effect.flip(read())
      assert.strictEqual(error._tag, "ArtifactUnreadable")
      assert.include(error.message, "the object is in an archive storage class of S3 (Glacier)")
      assert.include(error.message, "Restore it")
      assert.lengthOf(requests, 1)
    }).pipe(Effect.provide(http)))

  it.effect("writes an output artifact with the credentials of the event, encrypted with the pipeline's key if it has one", () =>
    Effect.gen(function*() {
      const { requests } = yield* S3Server
      yield* write()
      yield* write({}, { encryptionKey })
      assert.deepStrictEqual(yield* encryptions, [none, ["aws:kms", encryptionKey.id]])
      for (const { headers, method, url } of requests) {
        assert.strictEqual(method, "PUT")
        assert.strictEqual(url.split("?")[0], `/${bucket}/MyPipeline/MyOutput/xY9`)
        assert.strictEqual(signedBy(headers), "ASIAIOSFODNN7EXAMPLE eu-central-1 s3")
      }
    }).pipe(Effect.provide(http)))

  it.effect("reports the words with which S3 rejects an output artifact", () =>
    Effect.gen(function*() {
      yield* S3Server.use(({ refuse }) => refuse(() => ({ status: 400, code: "EntityTooLarge", message: "Too large" })))
      const error = yield* Effect.flip(write())
      assert.strictEqual(error._tag, "ArtifactUnwritable")
      assert.match(error.message, /^Could not write artifact "MyOutput" \(s3:\/\/.*\): EntityTooLarge: Too large$/)
    }).pipe(Effect.provide(http)))

  it.effect.each([
    { what: "uploads", encryption: "AES256", headers: ["AES256", undefined] },
    { what: "uploads", encryption: "aws:kms", headers: ["aws:kms", undefined] },
    { what: "uploads", encryption: encryptionKey.id, headers: ["aws:kms", encryptionKey.id] }
  ])(
    "$what with the encryption $encryption, and with no other if that is denied",
    ({ encryption, headers }) =>
      Effect.gen(function*() {
        yield* upload("a", encryption)
        assert.deepStrictEqual(yield* encryptions, [headers])
        yield* S3Server.use(({ deny }) => deny)
        assert.strictEqual((yield* Effect.flip(upload("a", encryption)))._tag, "UploadFailed")
        assert.deepStrictEqual(yield* encryptions, [headers, headers])
      }).pipe(Effect.provide(http))
  )

  it.effect("reports a key of the pipeline that a bucket's policy denies, without trying another encryption", () =>
    Effect.gen(function*() {
      yield* S3Server.use(({ refuse }) => refuse(unless("AES256")))
      const { message } = yield* Effect.flip(write({}, { encryptionKey }))
      assert.include(message, "Or the bucket's policy requires another x-amz-server-side-encryption header")
      assert.deepStrictEqual(yield* encryptions, [["aws:kms", encryptionKey.id]])
    }).pipe(Effect.provide(http)))

  describe.each<{ readonly what: string; readonly act: Effect.Effect<unknown, Error, ArtifactStore> }>([
    { what: "an output artifact without a key", act: Effect.suspend(() => write()) },
    { what: "an upload without an encryption", act: Effect.suspend(() => upload("a")) }
  ])("$what", ({ act }) => {
    it.effect("is written to the bucket of CodePipeline's console, which requires aws:kms", () =>
      Effect.gen(function*() {
        yield* S3Server.use(({ refuse }) => refuse(unless("aws:kms")))
        yield* act
        assert.deepStrictEqual(yield* encryptions, [none, ["aws:kms", undefined]])
      }).pipe(Effect.provide(http)))

    it.effect("is written to a bucket that requires AES256", () =>
      Effect.gen(function*() {
        yield* S3Server.use(({ refuse }) => refuse(unless("AES256")))
        yield* act
        assert.deepStrictEqual(yield* encryptions, [none, ["aws:kms", undefined], ["AES256", undefined]])
      }).pipe(Effect.provide(http)))

    it.effect("is written to a bucket that denies every header, with its default encryption", () =>
      Effect.gen(function*() {
        yield* S3Server.use(({ refuse }) => refuse(unless(undefined)))
        yield* act
        assert.deepStrictEqual(yield* encryptions, [none])
      }).pipe(Effect.provide(http)))

    it.effect("fails with S3's first words and the header as a possible cause, if all headers are denied", () =>
      Effect.gen(function*() {
        yield* S3Server.use(({ refuse }) =>
          refuse(({ headers }) => accessDenied(`No to ${headers["x-amz-server-side-encryption"] ?? "none"}`))
        )
        const { message } = yield* Effect.flip(act)
        assert.include(message, "AccessDenied: No to none")
        assert.include(message, "s3:PutObject")
        assert.include(message, "Or the bucket's policy requires another x-amz-server-side-encryption header")
        assert.lengthOf(yield* encryptions, 3)
      }).pipe(Effect.provide(http)))

    it.effect("fails with the KMS key that aws:kms lacks, if the bucket requires aws:kms", () =>
      Effect.gen(function*() {
        const words = "User: me is not authorized to perform: kms:GenerateDataKey on this resource"
        yield* S3Server.use(({ refuse }) => refuse((request) => unless("aws:kms")(request) ?? accessDenied(words)))
        assert.include((yield* Effect.flip(act)).message, words)
        assert.deepStrictEqual(yield* encryptions, [none, ["aws:kms", undefined]])
      }).pipe(Effect.provide(http)))

    it.effect("does not evade a KMS key that is denied", () =>
      Effect.gen(function*() {
        const words = "User: me is not authorized to perform: kms:GenerateDataKey on this resource"
        yield* S3Server.use(({ refuse }) => refuse(() => accessDenied(words)))
        const { message } = yield* Effect.flip(act)
        assert.include(message, words)
        assert.notInclude(message, "header")
        assert.deepStrictEqual(yield* encryptions, [none])
      }).pipe(Effect.provide(http)))
  })

  it.effect.each<readonly [region: string, endpoint: string, host: string]>([
    ["us-west-2", "", "https://s3.us-west-2.amazonaws.com"],
    ["cn-north-1", "", "https://s3.cn-north-1.amazonaws.com.cn"],
    ["us-west-2", "http://127.0.0.1:4566", "http://127.0.0.1:4566"]
  ])(
    "locates an artifact in %s, with the endpoint %s, by path and without a request",
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

  it.effect("uploads with other credentials and in another region if it is given them", () =>
    Effect.gen(function*() {
      const { requests } = yield* S3Server
      const credentials = {
        accessKeyId: Redacted.make("ASIATHEIRS"),
        secretAccessKey: Redacted.make("secret-of-theirs"),
        sessionToken: Redacted.make("token-of-theirs")
      }
      yield* ArtifactStore.use(({ upload }) =>
        upload(bucket, Buffer.from("a"), undefined, { region: "eu-west-1", credentials })
      )
      yield* ArtifactStore.use(({ upload }) => upload(bucket, Buffer.from("a"), undefined, { region: "eu-west-1" }))
      assert.deepStrictEqual(
        requests.map(({ headers }) => [signedBy(headers), headers["x-amz-security-token"]]),
        [["ASIATHEIRS eu-west-1 s3", "token-of-theirs"], ["AKIAFUNCTION eu-west-1 s3", undefined]]
      )
    }).pipe(Effect.provide(http)))

  it.effect("uploads with the function's credentials to the URL that it returns", () =>
    Effect.gen(function*() {
      const { endpoint, requests } = yield* S3Server
      const url = yield* upload("a template: ü")
      assert.isTrue(url.startsWith(`${endpoint}/${bucket}/effect-codepipeline/`))
      assert.strictEqual(yield* Effect.promise(() => fetch(url).then((response) => response.text())), "a template: ü")
      assert.deepStrictEqual(requests.map(({ headers }) => signedBy(headers)), ["AKIAFUNCTION eu-central-1 s3"])
    }).pipe(Effect.provide(http)))
})
