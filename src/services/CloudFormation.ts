// Describes stacks and changes them.
import { CloudFormationClient } from "@aws-sdk/client-cloudformation"
import { STSClient } from "@aws-sdk/client-sts"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { isUnaccepted } from "../domain/job/AwsError.ts"
import { accessOptions, type AwsAccess } from "../runtime/AwsAccess.ts"
import { clientOptions, scopedClient } from "../runtime/AwsClient.ts"
import { liveLayer } from "../runtime/liveLayer.ts"
import { AssumedRoles } from "./AssumedRoles.ts"
import type { CloudFormationAt, CloudFormationCalls } from "./CloudFormationCalls.ts"
import { callsOf } from "./liveCloudFormationCalls.ts"

export type { Destination } from "../domain/stack/Destination.ts"
export { AssumeRoleDenied, DestinationRejected, RegionDisabled } from "../domain/stack/DestinationErrors.ts"
export type { AwsAccess } from "../runtime/AwsAccess.ts"
export type { AssumeRoleError } from "./AssumedRoles.ts"
export type {
  CloudFormationAt,
  CloudFormationCalls,
  CloudFormationThere,
  OperationError
} from "./CloudFormationCalls.ts"

export {
  ChangeSetExists,
  ChangeSetNotReady,
  NoUpdates,
  StackExists,
  StackNotReady,
  TokenUsed
} from "../domain/stack/StackErrors.ts"
export { InsufficientCapabilities, type RequestError, UnknownParameters } from "../domain/stack/StackRequestErrors.ts"

/** Describes and changes the stacks of an account and a region. Every call is retried until the deadline. */
export class CloudFormation extends Context.Service<CloudFormation, CloudFormationCalls>()(
  "effect-codepipeline/services/CloudFormation"
) {
  /**
   * Everything but the network; for a client of your own, with `maxAttempts: 1`. Without `at`, it refuses other accounts
   * and regions.
   */
  static readonly layerClient = (
    client: Pick<CloudFormationClient, "send">,
    at?: CloudFormationAt
  ): Layer.Layer<CloudFormation> => Layer.succeed(CloudFormation, callsOf(client, at))

  /**
   * Region, endpoint and credentials come from the environment, as the AWS SDK reads them. STS is called in this region
   * too, and in another account or region CloudFormation, with the same endpoint if the environment has one.
   */
  static readonly layer: Layer.Layer<CloudFormation> = liveLayer(Effect.gen(function*() {
    const client = yield* scopedClient((options) => new CloudFormationClient(options))
    // Share the connections of the client that lives as long as the layer.
    const shared = { ...clientOptions, requestHandler: client.config.requestHandler }
    let sts: STSClient | undefined
    const roles = new AssumedRoles(() => sts ??= new STSClient(shared))
    const clientWith = (access: AwsAccess) => new CloudFormationClient({ ...shared, ...accessOptions(access) })
    const at: CloudFormationAt = Effect.fn("CloudFormation.at")(function*(destination, sessionName) {
      const { assumeRole: role, externalId, region } = destination
      if (role === undefined) return { cloudFormation: callsOf(clientWith({ region }), at), access: { region } }
      const session = { role, externalId, sessionName }
      const access = { region, credentials: yield* roles.credentials(session, destination) }
      const client = clientWith(access)
      client.middlewareStack.add((next) => (args) =>
        next(args).catch((cause: unknown) => {
          if (isUnaccepted(cause)) roles.forget(session)
          return Promise.reject(cause)
        }), { step: "initialize" })
      return { cloudFormation: callsOf(client, at), access }
    })
    return CloudFormation.layerClient(client, at)
  }))
}
