// A subcommand's access to AWS: a region and credentials, or the address of an emulator.
import { S3Client } from "@aws-sdk/client-s3"
import * as Effect from "effect/Effect"
import { badUsage } from "./commandLine/usage.ts"

export interface AwsAccess {
  /** The subcommand, or its option, that uses AWS; for messages. */
  readonly user: string
  /** The value of `--region`, if the subcommand has this option. */
  readonly region?: string | undefined
  /** The address of all services, such as an emulator's. */
  readonly endpoint?: string | undefined
}

const nameOf = (cause: unknown) => cause instanceof Error ? cause.name : ""

/**
 * Checks that there are a region and credentials, and returns the region. It sets environment variables of this process,
 * which apply to every client that is created afterwards.
 */
export const configureAws = Effect.fn("configureAws")(function*(access: AwsAccess) {
  const { endpoint, region, user } = access
  if (endpoint !== undefined && !URL.canParse(endpoint)) return yield* badUsage(`"${endpoint}" is not a URL`)
  if (region !== undefined) process.env["AWS_REGION"] = region
  if (endpoint !== undefined) {
    process.env["AWS_ENDPOINT_URL"] = endpoint
    process.env["AWS_REGION"] ??= "us-east-1"
    process.env["AWS_ACCESS_KEY_ID"] ??= "local"
    process.env["AWS_SECRET_ACCESS_KEY"] ??= "local"
  }
  const { config } = new S3Client({})
  const usedRegion = yield* Effect.tryPromise(() => config.region()).pipe(
    Effect.catch(() => {
      const option = "region" in access ? "give --region, " : ""
      return badUsage(`${user} needs a region: ${option}set AWS_REGION, or set one in your AWS profile`)
    })
  )
  yield* Effect.tryPromise({ try: () => config.credentials(), catch: nameOf }).pipe(
    // Not the SDK's message: it may quote the profile.
    Effect.catch((name) =>
      badUsage(
        `${user} needs AWS credentials, and found none that work (${name}): set AWS_PROFILE, after ` +
          `"aws sso login" if the profile uses SSO, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY`
      )
    )
  )
  return usedRegion
})
