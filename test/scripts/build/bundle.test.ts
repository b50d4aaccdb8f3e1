// The contents of the built functions: they are small, and complete.
import { assert, beforeAll, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { gzipSync } from "node:zlib"
import { entryPoints } from "../../../scripts/build/bundle.ts"
import { JobId } from "../../../src/domain/job/Job.ts"
import { JobOutcome } from "../../../src/domain/job/JobOutcome.ts"
import { CodePipeline } from "../../../src/services/CodePipeline.ts"
import { environment } from "../../contract/environment.ts"
import { compileOnce } from "../../lambda/compileOnce.ts"

interface Built {
  readonly code: string
  /** The bytes that come from each module. */
  readonly modules: ReadonlyMap<string, number>
  readonly imports: ReadonlyArray<string>
}

const functions = new Map<string, Built>()

beforeAll(async () => {
  for (const [name, module] of await entryPoints()) {
    const { code, metafile } = await compileOnce(module)
    const inputs = Object.values(metafile.outputs).flatMap((output) => Object.entries(output.inputs))
    functions.set(name, {
      code,
      modules: new Map(inputs.map(([path, { bytesInOutput }]) => [path, bytesInOutput])),
      imports: Object.values(metafile.outputs).flatMap(({ imports }) => imports.map(({ path }) => path))
    })
  }
})

const built = (name: string): Built => functions.get(name) ?? assert.fail(`${name} is not a function`)

const KB = 1_024

const limits = {
  "deploy-stack": { bytes: 500 * KB, gzipped: 164 * KB },
  "deploy-stack-set": { bytes: 500 * KB, gzipped: 160 * KB },
  "check-webpage": { bytes: 330 * KB }
}

describe("the size of the built functions", () => {
  it("has a limit for each function", () => {
    assert.sameMembers([...functions.keys()], Object.keys(limits))
  })

  it.each(Object.entries(limits))("%s is within its limit", (name, limit) => {
    const { code } = built(name)
    assert.isAtMost(Buffer.byteLength(code), limit.bytes)
    if ("gzipped" in limit) assert.isAtMost(gzipSync(code, { level: 9 }).length, limit.gzipped)
  })
})

describe("the code of the built functions", () => {
  it.each(Object.keys(limits))("gets the credentials of %s only from Lambda's environment", (name) => {
    const { code, modules } = built(name)
    const used = [...modules].filter(([, bytes]) => bytes > 0).map(([path]) => path)
    const providers = used.flatMap((path) =>
      /@aws-sdk\/(credential-provider-\w+|token-providers|nested-clients)/.exec(path)?.[1] ?? []
    )
    assert.deepStrictEqual([...new Set(providers)], ["credential-provider-env"])
    assert.notInclude(code, "sso_start_url")
  })

  it.each(Object.keys(limits))("imports nothing in %s, not even from Node", (name) => {
    const { code, imports } = built(name)
    assert.deepStrictEqual(imports, [])
    assert.include(code, "process.getBuiltinModule(\"node:http\")")
  })

  it.effect("keeps every credential provider in apps that use the package", () =>
    Effect.gen(function*() {
      const folder = yield* Effect.acquireRelease(
        Effect.promise(() => mkdtemp(join(tmpdir(), "sso-"))),
        (folder) => Effect.promise(() => rm(folder, { recursive: true }))
      )
      const file = join(folder, "config")
      const profile = ["sso_session = s", "sso_account_id = 123456789012", "sso_role_name = R"]
      const session = ["[sso-session s]", "sso_region = us-east-1", "sso_start_url = https://example.com/start"]
      yield* Effect.promise(() => writeFile(file, ["[profile p]", ...profile, ...session].join("\n")))
      const error = yield* CodePipeline.use(({ report }) =>
        report(JobId.make("job-1"), JobOutcome.Succeeded({ message: "done" }))
      ).pipe(
        Effect.flip,
        Effect.provide(Layer.provide(
          CodePipeline.layer,
          environment({
            HOME: folder,
            AWS_REGION: "us-east-1",
            AWS_PROFILE: "p",
            AWS_CONFIG_FILE: file,
            AWS_SHARED_CREDENTIALS_FILE: join(folder, "credentials")
          })
        ))
      )
      assert.match(error.message, /SSO/)
    }))

  it("has the errors of the operations that are used", () => {
    const { code } = built("deploy-stack")
    const errors = ["AlreadyExistsException", "TokenAlreadyExistsException", "ChangeSetNotFoundException", "NoSuchKey"]
    for (const error of errors) assert.include(code, `"${error}"`)
  })

  it("has no errors and no shapes of other operations", () => {
    const { code } = built("deploy-stack")
    for (const other of ["ActionTypeNotFoundException", "BucketAlreadyExists", "StackSetNotEmptyException"]) {
      assert.notInclude(code, other)
    }
    for (const other of ["LifecycleConfiguration", "WebhookDefinition", "StackSetOperation"]) {
      assert.notInclude(code, other)
    }
  })
})
