import {
  DescribeEnvironmentsCommand,
  ElasticBeanstalkClient,
  SwapEnvironmentCNAMEsCommand
} from "@aws-sdk/client-elastic-beanstalk"
import { Context, Effect, Layer, Schema } from "effect"
import {
  Action,
  awsClient,
  type AwsError,
  type ClientOptions,
  CodePipeline,
  Lambda,
  UserParameters
} from "effect-codepipeline"

export class EnvironmentMissing extends Schema.TaggedError<EnvironmentMissing>()("EnvironmentMissing", {
  application: Schema.String,
  what: Schema.String
}) {
  override get message() {
    return `No environment of the application "${this.application}" has ${this.what}`
  }
}

/** An environment of Elastic Beanstalk, as far as the action needs to know it. */
export interface Environment {
  readonly name: string
  readonly cname: string
  readonly status: string
}

export class Environments extends Context.Service<Environments, {
  list(application: string): Effect.Effect<ReadonlyArray<Environment>, AwsError>
  /** Swaps the CNAMEs; a second call swaps them back. Both environments must be Ready. */
  swap(one: string, other: string): Effect.Effect<void, AwsError>
}>()("examples/Environments") {
  static readonly layer = (make: (options: ClientOptions) => ElasticBeanstalkClient) =>
    Layer.effect(
      Environments,
      Effect.map(awsClient(make), (beanstalk) => ({
        list: Effect.fn("Environments.list")(function*(ApplicationName) {
          const command = new DescribeEnvironmentsCommand({
            ApplicationName,
            IncludeDeleted: false
          })
          const { Environments = [] } = yield* beanstalk.call(
            "elasticbeanstalk:DescribeEnvironments",
            (client, options) => client.send(command, options)
          )
          return Environments.map(({ CNAME = "", EnvironmentName = "", Status = "" }) => ({
            name: EnvironmentName,
            cname: CNAME,
            status: Status
          }))
        }),
        swap: Effect.fn("Environments.swap")(
          function*(SourceEnvironmentName, DestinationEnvironmentName) {
            const command = new SwapEnvironmentCNAMEsCommand({
              SourceEnvironmentName,
              DestinationEnvironmentName
            })
            yield* beanstalk.call(
              "elasticbeanstalk:SwapEnvironmentCNAMEs",
              (client, options) => client.send(command, options)
            ).pipe(
              // Another delivery of the event has started the swap: the next job looks again.
              Effect.catchIf(({ detail }) => /must be ready/i.test(detail), () => Effect.void)
            )
          }
        )
      }))
    )
}

/**
 * Lets an environment answer at a CNAME: swaps it with the environment that does. UserParameters
 * name the goal and not the swap, so that running the action again changes nothing.
 */
export const Swap = Action.makeStateless({
  name: "swap",
  parameters: UserParameters.json({
    application: Schema.NonEmptyString,
    environment: Schema.NonEmptyString,
    cname: Schema.NonEmptyString
  }),

  // Each job looks first. Beanstalk rejects a second swap while the first one is in progress.
  start: Effect.fn("Swap.start")(function*({ parameters: { application, cname, environment } }) {
    const environments = yield* Environments
    const found = yield* environments.list(application)
    const wanted = found.find(({ name }) => name === environment)
    const current = found.find((one) => one.cname === cname)
    if (wanted === undefined) {
      return yield* new EnvironmentMissing({ application, what: `the name "${environment}"` })
    }
    if (current === undefined) {
      return yield* new EnvironmentMissing({ application, what: `the CNAME "${cname}"` })
    }
    const busy = [wanted, current].find(({ status }) => status !== "Ready")
    if (busy !== undefined) {
      return Action.Step.StartAgain({
        message: `Waiting for the environment "${busy.name}", which is ${busy.status}`
      })
    }
    if (wanted === current) {
      return Action.Step.Done({ message: `"${environment}" answers at ${cname}` })
    }
    yield* environments.swap(current.name, wanted.name)
    return Action.Step.StartAgain({
      message: `Swap of "${current.name}" and "${wanted.name}" started`
    })
  })
})({
  ...Action.awsFailures,
  EnvironmentMissing: "ConfigurationError"
})

export const handler = Lambda.handler(
  Swap,
  Layer.merge(
    Environments.layer((options) => new ElasticBeanstalkClient(options)),
    CodePipeline.layer
  )
)
