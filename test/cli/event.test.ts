import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option } from "effect"
import { execFileSync } from "node:child_process"
import { mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { DeployStack } from "../../src/actions/deployStack/DeployStack.ts"
import { eventConfig, makeEvent } from "../../src/cli/event.ts"
import { decodeJob } from "../../src/domain/job/Job.ts"
import * as JobRunner from "../../src/JobRunner.ts"
import { ArtifactStoreMemory, CloudFormationMemory, CodePipelineMemory } from "../../src/testing/index.ts"
import { sampleTemplate } from "../fixtures.ts"
import { inputOf } from "./inputOf.ts"

const eventOf = (...args: ReadonlyArray<string>) => Effect.flatMap(inputOf("event", eventConfig, args), makeEvent)
const jobOf = (...args: ReadonlyArray<string>) => Effect.flatMap(eventOf(...args), decodeJob)

const deploy = ["deploy-stack", "--stack", "S", "--artifact", "A=bucket/some/key.zip", "--file", "t.json"]

describe("effect-codepipeline event", () => {
  it.effect("writes the event of a deployment with every option", () =>
    Effect.gen(function*() {
      const job = yield* jobOf(
        ...deploy,
        "--artifact=B=other/key",
        "--output-artifact=Out=bucket/out.zip",
        "--mode=CHANGE_SET_REPLACE",
        "--option=changeSet=Next",
        "--option=timeoutMinutes=30",
        "--option=parameters={\"Count\": 2}",
        "--continuation={\"previous_job_id\": \"1\"}",
        "--job-id=j1",
        "--account-id=999988887777",
        "--encryption-key=arn:aws:kms:us-east-1:999988887777:key/1"
      )
      assert.deepStrictEqual(JSON.parse(job.userParameters), {
        stack: "S",
        file: "t.json",
        artifact: "A",
        mode: "CHANGE_SET_REPLACE",
        changeSet: "Next",
        timeoutMinutes: 30,
        parameters: { Count: 2 }
      })
      assert.deepStrictEqual(
        [...job.inputArtifacts, ...job.outputArtifacts].map(({ location, name }) => [name, location.s3Location]),
        [
          ["A", { bucketName: "bucket", objectKey: "some/key.zip" }],
          ["B", { bucketName: "other", objectKey: "key" }],
          ["Out", { bucketName: "bucket", objectKey: "out.zip" }]
        ]
      )
      assert.deepStrictEqual(
        [job.id, job.accountId, job.data.encryptionKey?.id, Option.getOrNull(job.continuationToken)],
        ["j1", "999988887777", "arn:aws:kms:us-east-1:999988887777:key/1", "{\"previous_job_id\": \"1\"}"]
      )
    }))

  it.effect("writes the event of a check", () =>
    Effect.gen(function*() {
      const job = yield* jobOf("check-webpage", "--url", "https://www.example.com/", "--option", "status=2xx")
      assert.deepStrictEqual(JSON.parse(job.userParameters), { url: "https://www.example.com/", status: "2xx" })
      assert.isTrue(Option.isNone(job.continuationToken))
    }))

  it.effect("needs no artifact for a mode without a template", () =>
    Effect.gen(function*() {
      const job = yield* jobOf("deploy-stack", "--stack=S", "--mode=DELETE_ONLY")
      assert.deepStrictEqual(JSON.parse(job.userParameters), { stack: "S", mode: "DELETE_ONLY" })
    }))

  it.effect("writes events that the action accepts", () =>
    Effect.gen(function*() {
      const outcome = yield* JobRunner.run(DeployStack, yield* eventOf(...deploy))
      assert.strictEqual(outcome._tag, "Continued")
      assert.include(outcome.message, "Stack create started")
    }).pipe(Effect.provide(Layer.mergeAll(
      ArtifactStoreMemory.layer({ A: { "t.json": sampleTemplate } }),
      CloudFormationMemory.layer(),
      CodePipelineMemory.layer
    ))))

  it.effect.each<readonly [args: ReadonlyArray<string>, message: string]>([
    [
      [],
      "ACTION is missing: deploy-stack, deploy-stack-set, check-webpage, or a module of your own, such as ./greet.ts"
    ],
    [["deploystack"], "deploystack is not an action; did you mean deploy-stack?"],
    [
      ["deploy-stack", "check-webpage"],
      "\"check-webpage\" is not expected: event takes only one ACTION and options; see --help"
    ],
    [["deploy-stack", "--url", "x"], "--url does not apply to deploy-stack"],
    [["check-webpage", "--stack", "S"], "--stack does not apply to check-webpage"],
    [
      ["deploy-stack", "--file=f", "--artifact=A=b/k"],
      "Your UserParameters JSON must include the stack name. Set UserParameters with --stack, --file, --mode and " +
      "--option NAME=VALUE, and the artifact with --artifact NAME=BUCKET/KEY"
    ],
    [
      ["deploy-stack", "--stack=S", "--artifact=A=b/k"],
      "Your UserParameters JSON must include the template file name. Set UserParameters with --stack, --file,"
    ],
    [["check-webpage"], "must contain a valid URL"],
    [["check-webpage", "--url=ftp://x"], "must contain a valid URL"],
    [[...deploy, "--mode=DELETE"], "\"mode\": expected"],
    [[...deploy, "--option=whenBussy=wait"], "\"whenBussy\" is not known (did you mean \"whenBusy\"?)"],
    [[...deploy, "--option=waitForCleanup"], "--option takes NAME=VALUE, not \"waitForCleanup\""],
    [
      [...deploy, "--option=tags={\"A\":1,\"A\":2}"],
      "--option tags cannot be used: it has the duplicate key \"A\", in line 1, column 8"
    ],
    [[...deploy, "--option=artifact=B"], "input artifact \"B\" is missing: add it with --artifact B=BUCKET/KEY"],
    [[...deploy, "--option=templateConfiguration=C::c.json"], "input artifact \"C\" is missing"],
    [[...deploy, "--artifact=A=b/k"], "--artifact A is given twice"],
    [[...deploy, "--artifact=B=bucket"], "--artifact takes NAME=BUCKET/KEY, not \"B=bucket\""],
    [[...deploy, "--output-artifact=here"], "--output-artifact takes NAME=BUCKET/KEY, not \"here\""],
    [
      [...deploy, ...["B", "C", "D", "E", "F"].map((name) => `--artifact=${name}=b/k`)],
      "an action has at most 5 artifacts; --artifact is given 6 times"
    ],
    [
      [...deploy, `--option=parameters={"P":"${"x".repeat(1_000)}"}`],
      "CodePipeline allows 1000: put parameters and tags into the file of templateConfiguration"
    ],
    [
      [...deploy, `--continuation=${"x".repeat(2_049)}`],
      "--continuation has 2049 characters, and CodePipeline allows 2048"
    ],
    [[...deploy, "--artifact=B=../k"], "the name of a bucket"]
  ])("rejects %j: %s", ([args, message]) =>
    Effect.gen(function*() {
      assert.include((yield* Effect.flip(eventOf(...args))).message, message)
    }))

  it("writes the event to standard output or to a file", async () => {
    const folder = await mkdtemp(join(tmpdir(), "effect-codepipeline-"))
    try {
      const run = (...more: ReadonlyArray<string>) =>
        execFileSync(process.execPath, [
          fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url)),
          "event",
          ...deploy,
          "--job-id=j1",
          ...more
        ], { encoding: "utf8" })
      const file = join(folder, "event.json")
      const printed = run()
      assert.strictEqual(run("--output", file), "")
      assert.strictEqual(await readFile(file, "utf8"), printed)
      assert.strictEqual(JSON.parse(printed)["CodePipeline.job"].id, "j1")
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})
