// Assumes roles of other accounts, and keeps their sessions for the lifetime of the container.
import { AssumeRoleCommand, type STSClient } from "@aws-sdk/client-sts"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { type AwsDenied, type AwsError, AwsUnavailable } from "../domain/job/AwsError.ts"
import type { ArtifactCredentials } from "../domain/job/Job.ts"
import { accountOf, type Destination, nameOf } from "../domain/stack/Destination.ts"
import { AssumeRoleDenied, DestinationRejected, RegionDisabled } from "../domain/stack/DestinationErrors.ts"
import { callAws } from "../runtime/AwsClient.ts"
import { addSecrets } from "../runtime/Secrets.ts"

/** Why a role was not assumed. */
export type AssumeRoleError = AssumeRoleDenied | RegionDisabled | DestinationRejected | AwsDenied | AwsUnavailable

/** A session of a role. */
interface Session {
  readonly credentials: ArtifactCredentials
  /** Epoch milliseconds. */
  readonly expiresAt: number
}

/** The role to assume, and the name of the session. */
export interface RoleSession {
  readonly role: string
  readonly externalId: string | undefined
  readonly sessionName: string
}

/**
 * A session with less time than this is renewed before it is used: an invocation of a Lambda function takes at most 15
 * minutes. STS makes sessions of an hour, its maximum for the role of a function, which is a session itself.
 */
const renewal = Duration.toMillis("16 minutes")

const keyOf = (session: RoleSession) => JSON.stringify([session.role, session.externalId, session.sessionName])

/** The sessions of roles, in memory only. `client` is made for the first one. */
export class AssumedRoles {
  readonly #client: () => Pick<STSClient, "send">
  readonly #sessions = new Map<string, Session>()

  constructor(client: () => Pick<STSClient, "send">) {
    this.#client = client
  }

  /** The credentials of a session, which are secrets of the current job from now on. Source: AssumeRole of STS. */
  credentials(request: RoleSession, destination: Destination): Effect.Effect<ArtifactCredentials, AssumeRoleError> {
    return Effect.gen({ self: this }, function*() {
      const now = yield* Clock.currentTimeMillis
      for (const [key, { expiresAt }] of this.#sessions) {
        if (expiresAt < now + renewal) this.#sessions.delete(key)
      }
      const key = keyOf(request)
      const { credentials, expiresAt } = this.#sessions.get(key) ?? (yield* this.#assume(request, destination))
      this.#sessions.set(key, { credentials, expiresAt })
      const { accessKeyId, secretAccessKey, sessionToken } = credentials
      yield* addSecrets(
        ...[accessKeyId, secretAccessKey, sessionToken].map((secret) => secret ? Redacted.value(secret) : "")
      )
      return credentials
    })
  }

  /** AWS does not accept the session any more, whatever its time: it is not used again. */
  forget(request: RoleSession): void {
    this.#sessions.delete(keyOf(request))
  }

  #assume({ externalId, role, sessionName }: RoleSession, destination: Destination) {
    const command = new AssumeRoleCommand({ RoleArn: role, RoleSessionName: sessionName, ExternalId: externalId })
    return callAws(assumeRole, (options) => this.#client().send(command, options)).pipe(
      Effect.mapError((error) => toAssumeRoleError(error, destination, role)),
      Effect.flatMap(({ Credentials: found }) =>
        found?.AccessKeyId && found.SecretAccessKey && found.SessionToken && found.Expiration
          ? Effect.succeed<Session>({
            credentials: {
              accessKeyId: Redacted.make(found.AccessKeyId, { label: "accessKeyId" }),
              secretAccessKey: Redacted.make(found.SecretAccessKey, { label: "secretAccessKey" }),
              sessionToken: Redacted.make(found.SessionToken, { label: "sessionToken" })
            },
            expiresAt: found.Expiration.getTime()
          })
          : Effect.fail(
            new AwsUnavailable({
              operation: assumeRole,
              code: "NoCredentials",
              detail: "the response has no credentials"
            })
          )
      )
    )
  }
}

const assumeRole = "sts:AssumeRole"

/** The call is denied; other denials are about the credentials of the function itself. */
const denied: ReadonlySet<string> = new Set(["AccessDenied", "AccessDeniedException"])

/** The error of a failed AssumeRole, live and in memory. */
export const toAssumeRoleError = (
  error: AwsError,
  destination: Destination,
  role: string
): AssumeRoleError => {
  const { code, detail, operation } = error
  if (code === "RegionDisabledException") {
    return new RegionDisabled({ region: undefined, account: accountOf(role), operation, reason: `${code}: ${detail}` })
  }
  if (error._tag === "AwsRejected") {
    return new DestinationRejected({ destination: nameOf(destination), reason: error.message, ...checkRole })
  }
  if (error._tag === "AwsUnavailable" || !denied.has(code)) return error
  const { externalId } = destination
  return new AssumeRoleDenied({ role, ...(externalId !== undefined && { externalId }), reason: `${code}: ${detail}` })
}

const checkRole = { advice: "Check \"assumeRole\" and \"externalId\" in UserParameters" }
