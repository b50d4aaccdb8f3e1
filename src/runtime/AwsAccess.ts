// The credentials and the region of calls that are not made as the function.
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import type { ArtifactCredentials } from "../domain/job/Job.ts"

/** What distinguishes a client from that of the function. */
export interface AwsAccess {
  /** Default: the region of the function. */
  readonly region?: string | undefined
  /** Default: the credentials of the function. */
  readonly credentials?: ArtifactCredentials | undefined
}

/** The options of an SDK client with this access. */
export const accessOptions = ({ credentials, region }: AwsAccess) => ({
  ...(region !== undefined && { region }),
  ...(credentials !== undefined && { credentials: revealed(credentials) })
})

const revealed = ({ accessKeyId, secretAccessKey, sessionToken }: ArtifactCredentials) => ({
  accessKeyId: Redacted.value(accessKeyId),
  secretAccessKey: Redacted.value(secretAccessKey),
  ...(Predicate.isNotNullish(sessionToken) && { sessionToken: Redacted.value(sessionToken) })
})
