// The in-memory accounts and regions, and the roles with which they are reached.
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { AwsDenied } from "../../domain/job/AwsError.ts"
import { accountOf, type Destination } from "../../domain/stack/Destination.ts"
import { type AssumeRoleError, toAssumeRoleError } from "../../services/AssumedRoles.ts"
import { MemoryCloud, type MemoryCloudOptions } from "./MemoryCloud.ts"

/** A role that may be assumed. */
export interface MemoryRole {
  /** The external id that its trust policy requires. Default: none. */
  readonly externalId?: string
}

const operation = "sts:AssumeRole"

/** The clouds of all accounts and regions. A test's failures of the function's own cloud are not those of others. */
export class MemoryAccounts {
  readonly own: MemoryCloud
  readonly #clouds = new Map<string, MemoryCloud>()
  readonly #options: MemoryCloudOptions
  readonly #roleAt: (arn: string) => MemoryRole | undefined

  constructor(options: MemoryCloudOptions, roleAt: (arn: string) => MemoryRole | undefined) {
    this.#options = options
    this.#roleAt = roleAt
    this.own = this.cloudOf(options.accountId, options.region)
  }

  /** The cloud of an account and a region, which starts without stacks. */
  cloudOf(accountId: string, region: string): MemoryCloud {
    const key = `${accountId} ${region}`
    const cloud = this.#clouds.get(key) ?? new MemoryCloud({ ...this.#options, accountId, region })
    this.#clouds.set(key, cloud)
    return cloud
  }

  /** The cloud of a destination, if its role may be assumed. */
  cloudAt(destination: Destination): Effect.Effect<MemoryCloud, AssumeRoleError> {
    const { assumeRole, externalId, region = this.own.region } = destination
    if (assumeRole === undefined) return Effect.sync(() => this.cloudOf(this.own.accountId, region))
    return this.own.startCall(operation).pipe(
      Effect.filterOrFail(
        () => {
          const role = this.#roleAt(assumeRole)
          return role !== undefined && (role.externalId === undefined || role.externalId === externalId)
        },
        () => new AwsDenied({ operation, code: "AccessDenied", detail: this.#notAuthorized(assumeRole) })
      ),
      Effect.mapError((error) => toAssumeRoleError(error, destination, assumeRole)),
      Effect.map(() => this.cloudOf(accountOf(assumeRole), region))
    )
  }

  /** STS's words, whether the role does not exist, does not trust the caller, or requires another external id. */
  #notAuthorized(role: string) {
    return `User: arn:aws:sts::${this.own.accountId}:assumed-role/DeployStackRole/deploy-stack is not authorized to ` +
      `perform: ${operation} on resource: ${role}`
  }
}

/** The credentials of a session in memory, which nobody accepts. */
export const memoryCredentials = {
  accessKeyId: Redacted.make("memory"),
  secretAccessKey: Redacted.make("memory"),
  sessionToken: Redacted.make("memory")
}
