// Runs the action in another account or region.
import * as Effect from "effect/Effect"
import { UploadFailed } from "../../domain/job/ArtifactErrors.ts"
import { AwsDenied } from "../../domain/job/AwsError.ts"
import {
  accountOf,
  callerOf,
  type Destination,
  destinationOf,
  nameOf,
  sessionName
} from "../../domain/stack/Destination.ts"
import { DestinationDenied, RegionDisabled } from "../../domain/stack/DestinationErrors.ts"
import { ArtifactStore } from "../../services/ArtifactStore.ts"
import { type AssumeRoleError, CloudFormation } from "../../services/CloudFormation.ts"
import type { Invocation, Step } from "./State.ts"

/** With these codes AWS refuses credentials that are right elsewhere, in a region that is not enabled in the account. */
const inDisabledRegion: ReadonlySet<string> = new Set([
  "InvalidClientTokenId",
  "UnrecognizedClientException",
  "OptInRequired"
])

/** What CloudFormation denies at a destination, with the role and the account or region that it is about. */
export const toDestinationError = (destination: Destination, error: AwsDenied): DestinationDenied | RegionDisabled => {
  const { code, detail, needed, operation, problem } = error
  const { assumeRole, region } = destination
  return region !== undefined && inDisabledRegion.has(code)
    ? new RegionDisabled({
      region,
      account: assumeRole === undefined ? undefined : accountOf(assumeRole),
      operation,
      reason: `${code}: ${detail}`
    })
    : new DestinationDenied({
      destination: nameOf(destination),
      caller: callerOf(destination),
      needed,
      reason: problem
    })
}

/**
 * Calls CloudFormation at the destination of UserParameters, and uploads templates there. Artifacts stay with the
 * credentials and the region of the job. Without a destination, it does nothing.
 */
export const atDestination = ({ execution, parameters }: Invocation) =>
<A, E, R>(
  effect: Effect.Effect<A, E, R>
): Effect.Effect<A, E | AssumeRoleError | DestinationDenied | RegionDisabled, R | CloudFormation | ArtifactStore> => {
  const destination = destinationOf(parameters)
  if (destination === undefined) return effect
  return Effect.gen(function*() {
    const { at } = yield* CloudFormation
    const store = yield* ArtifactStore
    const { access, cloudFormation } = yield* at(destination, sessionName(execution.firstJobId))
    const upload: ArtifactStore["Service"]["upload"] = (bucket, body, encryption) =>
      Effect.mapError(
        store.upload(bucket, body, encryption, access),
        (error) => error._tag === "UploadFailed" ? new UploadFailed({ ...error, role: callerOf(destination) }) : error
      )
    return yield* effect.pipe(
      Effect.provideService(CloudFormation, cloudFormation),
      Effect.provideService(ArtifactStore, { ...store, upload }),
      Effect.mapError((error) => error instanceof AwsDenied ? toDestinationError(destination, error) : error)
    )
  })
}

/** A step of the action at its destination, whose message names the destination. */
export const stepAt = <E, R>(invocation: Invocation, step: Effect.Effect<Step, E, R>) => {
  const destination = destinationOf(invocation.parameters)
  return atDestination(invocation)(
    destination === undefined
      ? step
      : Effect.map(step, (step): Step => ({ ...step, message: `${step.message} (${nameOf(destination)})` }))
  )
}
