// The contract of CloudFormation for other accounts and regions, and its calls on the wire.
import { CloudFormationClient } from "@aws-sdk/client-cloudformation"
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer, Option } from "effect"
import { TestClock } from "effect/testing"
import type { Destination } from "../../../src/domain/stack/Destination.ts"
import { KnownSecrets, Secrets } from "../../../src/runtime/Secrets.ts"
import { CloudFormation } from "../../../src/services/CloudFormation.ts"
import { CloudFormationMemory } from "../../../src/testing/CloudFormationMemory.ts"
import { drive } from "../../drive.ts"
import { CloudFormationServer } from "../CloudFormationServer.ts"
import { environment } from "../environment.ts"
import { clientOptions, done, refused, signedBy, unavailable } from "../server.ts"
import { accessKeyOf, sessionSecrets, StsServer } from "../StsServer.ts"
import { request, stack } from "./world.ts"

const role = "arn:aws:iam::222222222222:role/Deploy"
const guarded = "arn:aws:iam::333333333333:role/path/Deploy"
const roles = { [role]: {}, [guarded]: { externalId: "our-id" } }
const there = { assumeRole: role, region: "eu-west-1" }

/** Denies and throttles calls of STS. */
class World extends Context.Service<World, {
  readonly deny: Effect.Effect<void>
  throttle(calls: number): Effect.Effect<void>
}>()("effect-codepipeline/test/AccountsWorld") {}

const memory = Layer.effect(
  World,
  Effect.map(CloudFormationMemory, ({ deny, throttle }) => ({ deny: deny("sts:AssumeRole"), throttle }))
).pipe(Layer.provideMerge(CloudFormationMemory.layer({ roles, region: "eu-central-1" })))

const servers = Layer.merge(CloudFormationServer.layer(), StsServer.layer(roles))

const http = Layer.effect(
  World,
  Effect.map(StsServer, ({ answerAlways, answerNext }) => ({
    deny: answerAlways("AssumeRole", refused("AccessDenied", "not authorized: sts:AssumeRole", 403)),
    throttle: (calls) => answerNext(...Array.from({ length: calls }, () => refused("Throttling", "Rate exceeded")))
  }))
).pipe(
  Layer.merge(CloudFormation.layer),
  Layer.provide(Layer.unwrap(Effect.gen(function*() {
    const cloudFormation = yield* CloudFormationServer
    const sts = yield* StsServer
    return environment({
      AWS_REGION: "eu-central-1",
      AWS_ACCESS_KEY_ID: "AKIAFUNCTION",
      AWS_SECRET_ACCESS_KEY: "secret-of-the-function",
      AWS_ENDPOINT_URL_CLOUDFORMATION: cloudFormation.endpoint,
      AWS_ENDPOINT_URL_STS: sts.endpoint
    })
  }))),
  Layer.provideMerge(servers)
)

const at = (destination: Destination, sessionName = "deploy-stack-1") =>
  Effect.map(
    CloudFormation.use((service) => service.at(destination, sessionName)),
    ({ cloudFormation }) => cloudFormation
  )

const worlds: ReadonlyArray<{ readonly name: string; readonly world: Layer.Layer<CloudFormation | World> }> = [
  { name: "in memory", world: memory },
  { name: "over HTTP", world: http }
]

describe.each(worlds)(
  "CloudFormation in other accounts, $name",
  ({ world }) => {
    it.effect("a stack of another account is not one of the own account", () =>
      Effect.gen(function*() {
        const cloudFormation = yield* at(there)
        yield* cloudFormation.create(request())
        assert.isTrue(Option.isSome(yield* cloudFormation.describe(stack)))
        assert.isTrue(Option.isNone(yield* CloudFormation.use(({ describe }) => describe(stack))))
      }).pipe(Effect.provide(world)))

    it.effect("the same account has other stacks in another region, and other accounts have other stacks", () =>
      Effect.gen(function*() {
        yield* (yield* at(there)).create(request())
        const elsewhere = [
          { assumeRole: role, region: "eu-north-1" },
          { assumeRole: guarded, externalId: "our-id", region: "eu-west-1" }
        ]
        for (const destination of elsewhere) {
          assert.isTrue(Option.isNone(yield* (yield* at(destination)).describe(stack)))
        }
        assert.isTrue(Option.isSome(yield* (yield* at(there)).describe(stack)))
      }).pipe(Effect.provide(world)))

    it.effect.each<readonly [string, Destination]>([
      ["a role that does not exist or trusts others", { assumeRole: `${role}Other` }],
      ["a role without its external id", { assumeRole: guarded }],
      ["a role with another external id", { assumeRole: guarded, externalId: "their-id" }]
    ])("%s is refused in the words of STS", ([, destination]) =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(at(destination))
        assert.strictEqual(error._tag, "AssumeRoleDenied")
        assert.include(
          error.message,
          "AccessDenied: User: arn:aws:sts::123456789012:assumed-role/DeployStackRole/deploy-stack is not authorized to " +
            `perform: sts:AssumeRole on resource: ${destination.assumeRole}`
        )
        assert.include(error.message, "\"Principal\":{\"AWS\":\"arn:aws:iam::123456789012:role/DeployStackRole\"}")
      }).pipe(Effect.provide(world)))

    it.effect("AssumeRole is retried while STS throttles it", () =>
      Effect.gen(function*() {
        yield* World.use(({ throttle }) => throttle(2))
        yield* drive(at(there))
      }).pipe(Effect.provide(world)))

    it.effect("a denied AssumeRole fails as such", () =>
      Effect.gen(function*() {
        yield* World.use(({ deny }) => deny)
        assert.strictEqual((yield* Effect.flip(at(there)))._tag, "AssumeRoleDenied")
      }).pipe(Effect.provide(world)))

    it.effect("another region of the own account needs no role", () =>
      Effect.gen(function*() {
        yield* World.use(({ deny }) => deny)
        const cloudFormation = yield* at({ region: "eu-west-1" })
        assert.isTrue(Option.isNone(yield* cloudFormation.describe(stack)))
      }).pipe(Effect.provide(world)))
  }
)

describe("CloudFormation in other accounts on the wire", () => {
  const calls = Effect.gen(function*() {
    const sts = yield* StsServer
    const cloudFormation = yield* CloudFormationServer
    return {
      sts: sts.calls.map(({ headers, parameters }) => ({ parameters, signer: signedBy(headers) })),
      cloudFormation: cloudFormation.calls.map(({ headers }) => signedBy(headers))
    }
  })

  it.effect("AssumeRole is signed for the own region, and CloudFormation with the session for the other one", () =>
    Effect.gen(function*() {
      const { describe } = yield* at({ ...there, externalId: "our-id" })
      yield* describe(stack)
      assert.deepStrictEqual(yield* calls, {
        sts: [{
          signer: "AKIAFUNCTION eu-central-1 sts",
          parameters: {
            Version: "2011-06-15",
            RoleArn: role,
            RoleSessionName: "deploy-stack-1",
            ExternalId: "our-id"
          }
        }],
        cloudFormation: [`${accessKeyOf(role)} eu-west-1 cloudformation`]
      })
      const server = yield* CloudFormationServer
      assert.strictEqual(server.calls[0]?.headers["x-amz-security-token"], "token-of-the-session")
    }).pipe(Effect.provide(http)))

  it.effect("without a role, CloudFormation is called with the own credentials in the other region", () =>
    Effect.gen(function*() {
      const { describe } = yield* at({ region: "eu-west-1" })
      yield* describe(stack)
      assert.deepStrictEqual(yield* calls, { sts: [], cloudFormation: ["AKIAFUNCTION eu-west-1 cloudformation"] })
    }).pipe(Effect.provide(http)))

  it.effect("a session is used again by later jobs of the action, but not by other actions and with other external ids", () =>
    Effect.gen(function*() {
      yield* at(there)
      yield* at(there)
      yield* at({ ...there, region: "eu-north-1" })
      assert.lengthOf((yield* calls).sts, 1)
      yield* at(there, "deploy-stack-2")
      yield* at({ ...there, externalId: "other" })
      assert.lengthOf((yield* calls).sts, 3)
    }).pipe(Effect.provide(http)))

  it.effect("a session is renewed when it has less than 16 minutes left", () =>
    Effect.gen(function*() {
      const { setExpiration } = yield* StsServer
      yield* setExpiration(60 * 60_000)
      yield* at(there)
      yield* TestClock.adjust("44 minutes")
      yield* at(there)
      assert.lengthOf((yield* calls).sts, 1)
      yield* TestClock.adjust("1 second")
      yield* at(there)
      assert.lengthOf((yield* calls).sts, 2)
    }).pipe(Effect.provide(http)))

  it.effect.each(["ExpiredToken", "InvalidClientTokenId"])(
    "a session that AWS does not accept (%s) is not used again",
    (code) =>
      Effect.gen(function*() {
        const { answerOnce } = yield* CloudFormationServer
        yield* answerOnce("DescribeStacks", refused(code, "The security token included in the request is expired", 403))
        yield* Effect.flip((yield* at(there)).describe(stack))
        yield* (yield* at(there)).describe(stack)
        assert.lengthOf((yield* calls).sts, 2)
      }).pipe(Effect.provide(http))
  )

  it.effect("a session stays in use after other errors of CloudFormation", () =>
    Effect.gen(function*() {
      const { answerOnce } = yield* CloudFormationServer
      yield* answerOnce("DescribeStacks", refused("AccessDenied", "no", 403))
      yield* Effect.flip((yield* at(there)).describe(stack))
      yield* at(there)
      assert.lengthOf((yield* calls).sts, 1)
    }).pipe(Effect.provide(http)))

  it.effect("the credentials of a session are secrets of each job that uses it", () =>
    Effect.gen(function*() {
      for (const secrets of [new KnownSecrets(), new KnownSecrets()]) {
        yield* Effect.provideService(at(there), Secrets, secrets)
        for (const secret of [accessKeyOf(role), ...sessionSecrets]) {
          assert.strictEqual(secrets.redact(`it has ${secret}.`), "it has (hidden).")
        }
      }
      assert.lengthOf((yield* calls).sts, 1)
    }).pipe(Effect.provide(http)))

  it.effect("a region in which STS is not active is reported as such", () =>
    Effect.gen(function*() {
      const { answerOnce } = yield* StsServer
      yield* answerOnce("AssumeRole", refused("RegionDisabledException", "STS is not activated in this region", 403))
      const error = yield* Effect.flip(at(there))
      assert.strictEqual(error._tag, "RegionDisabled")
      assert.strictEqual(
        error.message,
        "sts:AssumeRole is not possible in this region: RegionDisabledException: STS is not activated in this region. " +
          "Activate STS for the region of the Lambda function in the account settings of IAM of account 222222222222"
      )
    }).pipe(Effect.provide(http)))

  it.effect("another refusal of STS is reported in its words", () =>
    Effect.gen(function*() {
      const { answerOnce } = yield* StsServer
      yield* answerOnce("AssumeRole", refused("ValidationError", "the ARN is invalid"))
      const error = yield* Effect.flip(at(there))
      assert.strictEqual(error._tag, "DestinationRejected")
      assert.include(
        error.message,
        "account 222222222222, region eu-west-1: sts:AssumeRole was rejected: ValidationError: the ARN is invalid"
      )
    }).pipe(Effect.provide(http)))

  it.effect("own credentials that STS does not accept are no fault of the role", () =>
    Effect.gen(function*() {
      const { answerOnce } = yield* StsServer
      yield* answerOnce("AssumeRole", refused("InvalidClientTokenId", "The security token is invalid", 403))
      assert.strictEqual((yield* Effect.flip(at(there)))._tag, "AwsDenied")
    }).pipe(Effect.provide(http)))

  it.effect("an outage of STS is an outage", () =>
    Effect.gen(function*() {
      const { answerAlways } = yield* StsServer
      yield* answerAlways("AssumeRole", unavailable)
      assert.strictEqual((yield* Effect.flip(drive(at(there))))._tag, "AwsUnavailable")
    }).pipe(Effect.provide(http)))

  it.effect("a response without credentials is no usable one", () =>
    Effect.gen(function*() {
      const { answerAlways } = yield* StsServer
      yield* answerAlways("AssumeRole", done("<AssumeRoleResponse><AssumeRoleResult/></AssumeRoleResponse>"))
      assert.deepInclude(yield* Effect.flip(drive(at(there))), { _tag: "AwsUnavailable", code: "NoCredentials" })
    }).pipe(Effect.provide(http)))

  it.effect("a client of one's own is for one account and region", () =>
    Effect.gen(function*() {
      const client = new CloudFormationClient(clientOptions("http://127.0.0.1:1"))
      const error = yield* Effect.flip(at(there)).pipe(Effect.provide(CloudFormation.layerClient(client)))
      assert.strictEqual(error._tag, "DestinationRejected")
    }))
})
