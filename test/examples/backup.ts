import { CreateImageCommand, DeregisterImageCommand, DescribeImagesCommand, EC2Client } from "@aws-sdk/client-ec2"
import { Context, Effect, Layer, Option, Schema } from "effect"
import {
  Action,
  awsClient,
  type AwsError,
  type ClientOptions,
  CodePipeline,
  Lambda,
  UserParameters
} from "effect-codepipeline"

export class BackupFailed extends Schema.TaggedError<BackupFailed>()("BackupFailed", {
  image: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `The backup ${this.image} failed: ${this.reason}`
  }
}

/** An image of EC2, as far as the action needs to know it. */
export interface Image {
  readonly id: string
  readonly state: string
  readonly reason: string
}

export class Images extends Context.Service<Images, {
  /** Creates an image of an instance. None if there is one of this name. */
  create(instance: string, name: string): Effect.Effect<Option.Option<string>, AwsError>
  /** The image of this name. None while EC2 does not show it yet. */
  find(name: string): Effect.Effect<Option.Option<Image>, AwsError>
  remove(id: string): Effect.Effect<void, AwsError>
}>()("examples/Images") {
  static readonly layer = (make: (options: ClientOptions) => EC2Client) =>
    Layer.effect(
      Images,
      Effect.map(awsClient(make), (ec2) => ({
        create: Effect.fn("Images.create")(function*(InstanceId, Name) {
          const command = new CreateImageCommand({ InstanceId, Name, NoReboot: true })
          return yield* ec2.call(
            "ec2:CreateImage",
            (client, options) => client.send(command, options)
          ).pipe(
            Effect.map(({ ImageId }) => Option.fromUndefinedOr(ImageId)),
            Effect.catchIf(
              ({ code }) => code === "InvalidAMIName.Duplicate",
              () => Effect.succeedNone
            )
          )
        }),
        find: Effect.fn("Images.find")(function*(name) {
          const command = new DescribeImagesCommand({
            Owners: ["self"],
            Filters: [{ Name: "name", Values: [name] }]
          })
          const { Images = [] } = yield* ec2.call("ec2:DescribeImages", (client, options) =>
            client.send(command, options))
          return Option.map(
            Option.fromUndefinedOr(Images[0]),
            ({ ImageId = "", State = "pending", StateReason }) => ({
              id: ImageId,
              state: State,
              reason: StateReason?.Message ?? "EC2 gives no reason"
            })
          )
        }),
        remove: Effect.fn("Images.remove")(function*(ImageId) {
          const command = new DeregisterImageCommand({ ImageId })
          yield* ec2.call("ec2:DeregisterImage", (client, options) =>
            client.send(command, options))
        })
      }))
    )
}

/** Creates an image of an instance before a deployment, and waits until it is available. */
export const Backup = Action.poll({
  name: "backup",
  parameters: UserParameters.json({ instance: Schema.NonEmptyString }),
  state: Schema.Struct({ name: Schema.String }),

  begin: Effect.fn("Backup.begin")(function*({ execution, parameters: { instance } }) {
    const images = yield* Images
    // CreateImage has no token. The name is unique instead: an image of this name is that of an
    // earlier delivery.
    const name = `${instance}-${execution.firstJobId}`
    yield* images.create(instance, name)
    return { message: `Backup ${name} started`, externalExecutionId: name, state: { name } }
  }),

  check: Effect.fn("Backup.check")(function*(_, { name }) {
    const images = yield* Images
    const image = yield* images.find(name)
    const { id, reason, state } = Option.getOrElse(
      image,
      (): Image => ({ id: "", state: "pending", reason: "" })
    )
    if (state === "available") {
      return Action.Poll.Done({
        message: `Backup ${name} is complete`,
        outputVariables: { ImageId: id }
      })
    }
    if (state === "pending") {
      return Action.Poll.Pending({ message: `Backup ${name} is in progress` })
    }
    return yield* new BackupFailed({ image: name, reason: `${state}: ${reason}` })
  }),

  // A backup that is not complete is no backup.
  onFailure: Effect.fn("Backup.onFailure")(function*(_, { name }) {
    const images = yield* Images
    const image = yield* images.find(name)
    if (Option.isSome(image)) yield* images.remove(image.value.id)
  })
})({
  ...Action.awsFailures,
  BackupFailed: ({ image, message }) => ({
    type: "JobFailed",
    message,
    externalExecutionId: image
  })
})

export const handler = Lambda.handler(
  Backup,
  Layer.merge(Images.layer((options) => new EC2Client(options)), CodePipeline.layer)
)
