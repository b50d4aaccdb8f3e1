import { assert, describe, it } from "@effect/vitest"
import { execFile } from "node:child_process"
import { fileURLToPath } from "node:url"

const script = fileURLToPath(new URL("../../scripts/start.ts", import.meta.url))
const repository = fileURLToPath(new URL("../..", import.meta.url))

const start = (...args: ReadonlyArray<string>) =>
  new Promise<{ readonly status: unknown; readonly stdout: string; readonly stderr: string }>((resolve) => {
    const env = { PATH: process.env["PATH"] }
    execFile(
      process.execPath,
      [script, ...args],
      { cwd: repository, env },
      (error, stdout, stderr) => resolve({ status: error === null ? 0 : error.code, stdout, stderr })
    )
  })

describe("npm start", () => {
  it("tells the story of the sample's stack to its success", async () => {
    const { status, stderr, stdout } = await start()
    assert.match(
      stdout,
      /Stack create started[^]*stack +CREATE_IN_PROGRESS[^]*still in progress[^]*stack +CREATE_COMPLETE[^]*Stack update complete/
    )
    assert.match(stdout, /\n +variable +BucketName: MyTestStack-MySampleBucket\n/)
    assert.match(stdout, /Succeeded after \d invocations/)
    assert.notInclude(stdout, "\u001B")
    assert.strictEqual(stderr, "")
    assert.strictEqual(status, 0)
  })

  it("tells why the stack fails, and exits with 1", async () => {
    const { status, stdout } = await start("--stack-fails", "MySampleBucket")
    assert.match(
      stdout,
      /Update failed: ROLLBACK_COMPLETE\n +MySampleBucket \(AWS::S3::Bucket\): It fails[^]*\n +Delete stack "MyTestStack"/
    )
    assert.strictEqual(status, 1)
  })

  it("takes any event and artifact, and exits with 1 when the action fails on them", async () => {
    const { status, stdout } = await start("events/encryption-key.json", "--artifact=MyTemplate=package.json")
    assert.match(stdout, /failed +RevisionUnavailable: .*not a zip/)
    assert.strictEqual(status, 1)
  })

  it("answers bad usage with one clear line and exits with 2", async () => {
    const { status, stderr, stdout } = await start("--stak-fails", "x")
    assert.strictEqual(stderr, "--stak-fails is not an option; did you mean --stack-fails?\n")
    assert.strictEqual(stdout, "")
    assert.strictEqual(status, 2)
  })

  it("notices that a resource which was to fail is not in the template", async () => {
    const { status, stderr } = await start("--stack-fails", "Nothing")
    assert.include(stderr, "--stack-fails Nothing: nothing failed")
    assert.strictEqual(status, 2)
  })
})
