// What a script needs of AWS besides its own options: a region and credentials, or an emulator that takes any.
import { S3Client } from "@aws-sdk/client-s3"
import * as Effect from "effect/Effect"
import { badUsage } from "./commandLine.ts"

export interface AwsAccess {
  /** The script, or the option of it, that uses AWS; for messages. */
  readonly user: string
  /** What `--region` says, of a script that has it. */
  readonly region?: string | undefined
  /** All services at this address, such as an emulator's. */
  readonly endpoint?: string | undefined
}

const named = (cause: unknown) => cause instanceof Error ? cause.name : ""

/**
 * Tells the AWS SDK what the options say, looks that there are a region and credentials before anything is done, and
 * gives the region. It sets environment variables of this process: every client that is made afterwards goes by them.
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
  const found = yield* Effect.tryPromise(() => config.region()).pipe(
    Effect.catch(() => {
      const option = "region" in access ? "give --region, " : ""
      return badUsage(`${user} needs a region: ${option}set AWS_REGION, or one in your AWS profile`)
    })
  )
  yield* Effect.tryPromise({ try: () => config.credentials(), catch: named }).pipe(
    // The SDK's own words may quote a profile's.
    Effect.catch((name) =>
      badUsage(
        `${user} needs credentials of AWS, and there are none that work (${name}): set AWS_PROFILE, after ` +
          `"aws sso login" where it has a session, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY`
      )
    )
  )
  return found
})
