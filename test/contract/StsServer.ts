// STS as it answers over HTTP (protocol awsQuery).
import { Context, Effect, Layer } from "effect"
import { protocol, result, texts, xml } from "./cloudFormation/queryProtocol.ts"
import { type AwsServer, refused, serve } from "./server.ts"

/** The caller as STS names it. */
const caller = "arn:aws:sts::123456789012:assumed-role/DeployStackRole/deploy-stack"

export const notAuthorized = (role: string) =>
  refused("AccessDenied", `User: ${caller} is not authorized to perform: sts:AssumeRole on resource: ${role}`, 403)

/** The access key of all sessions in the account of the role, with letters for the digits of the account. */
export const accessKeyOf = (role: string): string =>
  `ASIATARGET${(role.split(":")[4] ?? "").replaceAll(/\d/g, (digit) => "ABCDEFGHIJ".charAt(Number(digit)))}`

/** The secret parts of the credentials of all sessions. */
export const sessionSecrets = ["secret-of-the-session", "token-of-the-session"]

export class StsServer extends Context.Service<
  StsServer,
  AwsServer & {
    /** From now on, sessions end at this time, in epoch milliseconds. Default: in 2100. */
    setExpiration(millis: number): Effect.Effect<void>
  }
>()("effect-codepipeline/test/StsServer") {
  /** `roles`: the external id that each role requires, if it does. */
  static readonly layer = (roles: Readonly<Record<string, { readonly externalId?: string }>>): Layer.Layer<StsServer> =>
    Layer.effect(
      StsServer,
      Effect.gen(function*() {
        let expiration = Date.UTC(2100, 0)
        const server = yield* serve(protocol, ({ operation, parameters }) => {
          const { ExternalId, RoleArn = "", RoleSessionName = "" } = texts(parameters)
          if (operation !== "AssumeRole") return refused("InvalidAction", `Could not find operation ${operation}`)
          if (!/^[\w+=,.@-]{2,64}$/.test(RoleSessionName)) {
            return refused("ValidationError", "1 validation error detected: Value at 'roleSessionName' is invalid")
          }
          const role = roles[RoleArn]
          if (role === undefined || (role.externalId !== undefined && role.externalId !== ExternalId)) {
            return notAuthorized(RoleArn)
          }
          const [SecretAccessKey, SessionToken] = sessionSecrets
          const credentials = xml({
            AccessKeyId: accessKeyOf(RoleArn),
            SecretAccessKey,
            SessionToken,
            Expiration: new Date(expiration).toISOString()
          })
          return result(operation, `<Credentials>${credentials}</Credentials>`)
        })
        return { ...server, setExpiration: (millis) => Effect.sync(() => void (expiration = millis)) }
      })
    )
}
