import { DescribeTasksCommand, ECSClient, RunTaskCommand, StopTaskCommand } from "@aws-sdk/client-ecs"
import { Context, Effect, Layer, Schema } from "effect"
import {
  Action,
  awsClient,
  type AwsError,
  type ClientOptions,
  CodePipeline,
  Lambda,
  type Permissions,
  UserParameters
} from "effect-codepipeline"

export class TaskNotStarted extends Schema.TaggedError<TaskNotStarted>()("TaskNotStarted", {
  task: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `The task ${this.task} did not start: ${this.reason}`
  }
}

export class TaskFailed extends Schema.TaggedError<TaskFailed>()("TaskFailed", {
  arn: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `The task ${this.arn} failed: ${this.reason}`
  }
}

/** A task of ECS, as far as the action needs to know it. */
export interface Task {
  readonly status: string
  /** Why it stopped. */
  readonly reason: string
  /** The exit codes of its containers; none of a container that did not run. */
  readonly exitCodes: ReadonlyArray<number | undefined>
}

export class Tasks extends Context.Service<Tasks, {
  /** Starts a task and returns its ARN. Idempotent: the same token returns the same task. */
  start(
    cluster: string,
    task: string,
    subnets: ReadonlyArray<string>,
    token: string
  ): Effect.Effect<
    string,
    TaskNotStarted | AwsError
  >
  describe(cluster: string, arn: string): Effect.Effect<Task, AwsError>
  stop(cluster: string, arn: string, reason: string): Effect.Effect<void, AwsError>
}>()("examples/Tasks") {
  static readonly layer = (make: (options: ClientOptions) => ECSClient) =>
    Layer.effect(
      Tasks,
      Effect.map(awsClient(make), (ecs) => ({
        start: Effect.fn("Tasks.start")(function*(cluster, taskDefinition, subnets, clientToken) {
          const command = new RunTaskCommand({
            cluster,
            taskDefinition,
            launchType: "FARGATE",
            networkConfiguration: { awsvpcConfiguration: { subnets: [...subnets] } },
            clientToken,
            startedBy: "codepipeline"
          })
          const { failures = [], tasks = [] } = yield* ecs.call(
            "ecs:RunTask",
            (client, options) => client.send(command, options)
          )
          const [arn] = tasks.flatMap(({ taskArn }) => taskArn ?? [])
          if (arn !== undefined) return arn
          const reason = failures.map(({ reason }) => reason).join(", ") || "ECS gives no reason"
          return yield* new TaskNotStarted({ task: taskDefinition, reason })
        }),
        describe: Effect.fn("Tasks.describe")(function*(cluster, arn) {
          const command = new DescribeTasksCommand({ cluster, tasks: [arn] })
          const { tasks = [] } = yield* ecs.call(
            "ecs:DescribeTasks",
            (client, options) => client.send(command, options)
          )
          const [{ containers = [], lastStatus = "PENDING", stoppedReason = "" } = {}] = tasks
          return {
            status: lastStatus,
            reason: stoppedReason,
            exitCodes: containers.map(({ exitCode }) => exitCode)
          }
        }),
        stop: Effect.fn("Tasks.stop")(function*(cluster, task, reason) {
          const command = new StopTaskCommand({ cluster, task, reason })
          yield* ecs.call("ecs:StopTask", (client, options) => client.send(command, options))
        })
      }))
    )
}

/**
 * Runs a task on ECS, such as a migration before a deployment, and waits until it exits with 0.
 */
export const RunTask = Action.poll({
  name: "run-task",
  parameters: UserParameters.json({
    cluster: Schema.NonEmptyString,
    task: Schema.NonEmptyString,
    subnets: Schema.Array(Schema.NonEmptyString)
  }),
  state: Schema.Struct({ arn: Schema.String }),

  begin: Effect.fn("RunTask.begin")(
    function*({ execution, parameters: { cluster, subnets, task } }) {
      const tasks = yield* Tasks
      const arn = yield* tasks.start(cluster, task, subnets, execution.firstJobId)
      return { message: `Task ${task} started`, externalExecutionId: arn, state: { arn } }
    }
  ),

  check: Effect.fn("RunTask.check")(function*({ parameters: { cluster, task } }, { arn }) {
    const tasks = yield* Tasks
    const { exitCodes, reason, status } = yield* tasks.describe(cluster, arn)
    if (status !== "STOPPED") {
      return Action.Poll.Pending({
        message: `Task ${task} is ${status}`,
        externalExecutionId: arn
      })
    }
    if (exitCodes.length > 0 && exitCodes.every((code) => code === 0)) {
      return Action.Poll.Done({
        message: `Task ${task} has exited with 0`,
        externalExecutionId: arn
      })
    }
    const codes = exitCodes.map((code) => code ?? "none").join(", ")
    return yield* new TaskFailed({ arn, reason: `${reason} (exit codes: ${codes})` })
  }),

  // A task that takes too long does not run on.
  onFailure: ({ parameters: { cluster } }, { arn }) =>
    Tasks.use((tasks) => tasks.stop(cluster, arn, "The pipeline's action has failed"))
})({
  ...Action.awsFailures,
  TaskNotStarted: "JobFailed",
  TaskFailed: ({ arn, message }) => ({ type: "JobFailed", message, externalExecutionId: arn })
})

export const handler = Lambda.handler(
  RunTask,
  Layer.merge(Tasks.layer((options) => new ECSClient(options)), CodePipeline.layer)
)

/** What the function's role needs besides what every function needs. */
export const permissions: ReadonlyArray<Permissions.Statement> = [
  {
    actions: ["ecs:RunTask", "ecs:DescribeTasks", "ecs:StopTask"],
    resources: [
      "arn:${AWS::Partition}:ecs:${AWS::Region}:${AWS::AccountId}:task-definition/*",
      "arn:${AWS::Partition}:ecs:${AWS::Region}:${AWS::AccountId}:task/*"
    ]
  },
  {
    actions: ["iam:PassRole"],
    resources: ["*"],
    conditions: { StringEquals: { "iam:PassedToService": "ecs-tasks.amazonaws.com" } }
  }
]
