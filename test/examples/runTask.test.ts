import { CreateClusterCommand, ECSClient, RegisterTaskDefinitionCommand } from "@aws-sdk/client-ecs"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { JobRunner } from "effect-codepipeline"
import { CodePipelineMemory, LocalPipeline } from "effect-codepipeline/testing"
import { drive } from "../drive.ts"
import { hasMoto, startMoto } from "../scripts/moto.ts"
import { RunTask, type Task, TaskNotStarted, Tasks } from "./runTask.ts"

const userParameters = { cluster: "c", task: "migrate:1", subnets: ["subnet-1"] }
const event = (id: string) => LocalPipeline.event({ id, userParameters })

const invoke = (event: unknown) => JobRunner.run(RunTask, event)

const runTask = drive(LocalPipeline.run({ event: event("first"), invoke, interval: "10 minutes" }), "10 minutes")

/** Tasks that are, one look after another, as described. The last description stays. */
const inMemory = (descriptions: ReadonlyArray<Task>, stopped: Array<string> = []) =>
  Layer.merge(
    Layer.sync(Tasks, () => {
      let looks = 0
      return {
        start: (_, task, __, token) =>
          task === "migrate:1"
            ? Effect.succeed(`arn-${token}`)
            : Effect.fail(new TaskNotStarted({ task, reason: "MISSING" })),
        describe: () => Effect.sync(() => descriptions[Math.min(looks++, descriptions.length - 1)] as Task),
        stop: (_, arn) => Effect.sync(() => void stopped.push(arn))
      }
    }),
    CodePipelineMemory.layer
  )

const running: Task = { status: "RUNNING", reason: "", exitCodes: [] }
const exited = (...exitCodes: ReadonlyArray<number | undefined>): Task => ({
  status: "STOPPED",
  reason: "Essential container in task exited",
  exitCodes
})

describe("the run-task example", () => {
  it.effect("waits until the task has exited with 0", () =>
    Effect.gen(function*() {
      assert.deepInclude(yield* runTask, {
        _tag: "Succeeded",
        message: "Task migrate:1 has exited with 0",
        externalExecutionId: "arn-first"
      })
    }).pipe(Effect.provide(inMemory([running, running, exited(0, 0)]))))

  it.effect.each([[exited(0, 1), "0, 1"], [exited(undefined), "none"], [exited(), ""]] as const)(
    "fails if a container has not exited with 0",
    ([end, codes]) =>
      Effect.gen(function*() {
        assert.deepInclude(yield* runTask, {
          type: "JobFailed",
          message: `The task arn-first failed: Essential container in task exited (exit codes: ${codes})`
        })
      }).pipe(Effect.provide(inMemory([end])))
  )

  it.effect("stops a task that takes longer than CodePipeline waits", () => {
    const stopped: Array<string> = []
    return Effect.gen(function*() {
      assert.include((yield* runTask).message, "did not complete within 1410 minutes")
      assert.deepStrictEqual(stopped, ["arn-first"])
    }).pipe(Effect.provide(inMemory([running], stopped)))
  })

  it.effect("fails if the task does not start", () =>
    Effect.gen(function*() {
      const other = LocalPipeline.event({ userParameters: { ...userParameters, task: "no-such-task" } })
      assert.deepInclude(yield* invoke(other), {
        type: "JobFailed",
        message: "The task no-such-task did not start: MISSING"
      })
    }).pipe(Effect.provide(inMemory([running]))))

  it.live.skipIf(!hasMoto)(
    `starts a task in moto${hasMoto ? "" : " (skipped: moto is not installed)"}`,
    () =>
      Effect.gen(function*() {
        const endpoint = yield* startMoto
        const credentials = { accessKeyId: "AKIATEST", secretAccessKey: "test" }
        const client = new ECSClient({ endpoint, region: "us-east-1", credentials })
        yield* Effect.promise(async () => {
          await client.send(new CreateClusterCommand({ clusterName: "c" }))
          await client.send(
            new RegisterTaskDefinitionCommand({
              family: "migrate",
              containerDefinitions: [{ name: "main", image: "busybox", memory: 128 }]
            })
          )
        })
        const tasks = Tasks.layer((options) =>
          new ECSClient({ ...options, endpoint, region: "us-east-1", credentials })
        )
        yield* Effect.gen(function*() {
          const started = yield* invoke(event("first"))
          assert.deepInclude(started, { _tag: "Continued", message: "Task migrate:1 started" })
          const { cluster } = userParameters
          const arn = "externalExecutionId" in started ? started.externalExecutionId ?? "" : ""
          yield* Tasks.use((tasks) => tasks.stop(cluster, arn, "test"))
          assert.strictEqual((yield* Tasks.use((tasks) => tasks.describe(cluster, arn))).status, "STOPPED")
        }).pipe(Effect.provide(Layer.merge(tasks, CodePipelineMemory.layer)))
      }),
    60_000
  )
})
