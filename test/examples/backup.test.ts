import { EC2Client } from "@aws-sdk/client-ec2"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Layer, Option } from "effect"
import { JobRunner } from "effect-codepipeline"
import { CodePipelineMemory, LocalPipeline } from "effect-codepipeline/testing"
import { drive } from "../drive.ts"
import { hasMoto, startMoto } from "../scripts/moto.ts"
import { Backup, Images } from "./backup.ts"

const event = (id: string, instance = "i-1") => LocalPipeline.event({ id, userParameters: { instance } })

const invoke = (event: unknown) => JobRunner.run(Backup, event)

const backUp = drive(LocalPipeline.run({ event: event("first"), invoke, interval: "3 minutes" }), "1 minute")

/** Images in memory: each takes ten minutes, and then is in the given state. */
const inMemory = (created: Array<string>, end = "available", removed: Array<string> = []) =>
  Layer.merge(
    Layer.sync(Images, () => {
      const startedAt = new Map<string, number>()
      return {
        create: Effect.fnUntraced(function*(_, name) {
          if (startedAt.has(name)) return Option.none()
          startedAt.set(name, yield* Clock.currentTimeMillis)
          created.push(name)
          return Option.some(`ami-of-${name}`)
        }),
        find: Effect.fnUntraced(function*(name) {
          const age = (yield* Clock.currentTimeMillis) - (startedAt.get(name) ?? Infinity)
          // EC2 shows a new image after a while.
          if (!(age > 60_000)) return Option.none()
          return Option.some({ id: `ami-of-${name}`, state: age < 600_000 ? "pending" : end, reason: "no room" })
        }),
        remove: (id) => Effect.sync(() => void removed.push(id))
      }
    }),
    CodePipelineMemory.layer
  )

describe("the backup example", () => {
  it.effect("watches the image until it is available", () =>
    Effect.gen(function*() {
      assert.deepInclude(yield* backUp, {
        _tag: "Succeeded",
        message: "Backup i-1-first is complete",
        outputVariables: { ImageId: "ami-of-i-1-first" }
      })
    }).pipe(Effect.provide(inMemory([]))))

  it.effect("creates one image for two deliveries of an event", () => {
    const created: Array<string> = []
    return Effect.gen(function*() {
      const [first, second] = [yield* invoke(event("1")), yield* invoke(event("1"))]
      assert.deepStrictEqual(first, second)
      assert.deepStrictEqual(created, ["i-1-1"])
    }).pipe(Effect.provide(inMemory(created)))
  })

  it.effect("removes an image that failed, and says why it failed", () => {
    const removed: Array<string> = []
    return Effect.gen(function*() {
      assert.deepInclude(yield* backUp, {
        type: "JobFailed",
        message: "The backup i-1-first failed: failed: no room",
        externalExecutionId: "i-1-first"
      })
      assert.deepStrictEqual(removed, ["ami-of-i-1-first"])
    }).pipe(Effect.provide(inMemory([], "failed", removed)))
  })

  it.live.skipIf(!hasMoto)(
    `works against moto${hasMoto ? "" : " (skipped: moto is not installed)"}`,
    () =>
      Effect.gen(function*() {
        const endpoint = yield* startMoto
        const credentials = { accessKeyId: "AKIATEST", secretAccessKey: "test" }
        const client = new EC2Client({ endpoint, region: "us-east-1", credentials })
        const images = Images.layer((options) =>
          new EC2Client({ ...options, endpoint, region: "us-east-1", credentials })
        )
        const instance = yield* Effect.promise(async () => {
          const { DescribeImagesCommand, RunInstancesCommand } = await import("@aws-sdk/client-ec2")
          const { Images: [{ ImageId } = {}] = [] } = await client.send(
            new DescribeImagesCommand({ Owners: ["amazon"] })
          )
          const run = await client.send(new RunInstancesCommand({ ImageId, MinCount: 1, MaxCount: 1 }))
          return run.Instances?.[0]?.InstanceId ?? ""
        })
        yield* Effect.gen(function*() {
          const outcome = yield* LocalPipeline.run({ event: event("first", instance), invoke, interval: 0 })
          assert.deepInclude(outcome, { _tag: "Succeeded", message: `Backup ${instance}-first is complete` })
          assert.deepInclude(yield* invoke(event("second", "i-0123456789abcdef0")), {
            _tag: "Failed",
            type: "JobFailed"
          })
        }).pipe(Effect.provide(Layer.merge(images, CodePipelineMemory.layer)))
      }),
    60_000
  )
})
