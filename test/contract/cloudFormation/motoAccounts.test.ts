// CloudFormation of another account with moto's STS, if moto is installed.
import { assert, it } from "@effect/vitest"
import { Effect, Layer, Option } from "effect"
import { CloudFormation } from "../../../src/services/CloudFormation.ts"
import { drive } from "../../drive.ts"
import { hasMoto, startMoto } from "../../scripts/moto.ts"
import { environment } from "../environment.ts"
import { request, stack } from "./world.ts"

it.effect.skipIf(!hasMoto)(
  `a stack is created in the account of the assumed role, by moto's STS${hasMoto ? "" : " (skipped: no moto)"}`,
  () =>
    Effect.gen(function*() {
      const endpoint = yield* startMoto
      yield* Effect.gen(function*() {
        const service = yield* CloudFormation
        const destination = { assumeRole: "arn:aws:iam::222222222222:role/Deploy", region: "eu-west-1" }
        const { cloudFormation } = yield* service.at(destination, "deploy-stack-1")
        const id = yield* drive(cloudFormation.create(request()))
        assert.match(id, /^arn:aws:cloudformation:eu-west-1:222222222222:stack\//)
        assert.isTrue(Option.isSome(yield* drive(cloudFormation.describe(stack))))
        assert.isTrue(Option.isNone(yield* drive(service.describe(stack))))
      }).pipe(
        Effect.provide(Layer.provide(
          CloudFormation.layer,
          environment({
            AWS_REGION: "eu-central-1",
            AWS_ACCESS_KEY_ID: "AKIAFUNCTION",
            AWS_SECRET_ACCESS_KEY: "secret-of-the-function",
            AWS_ENDPOINT_URL: endpoint
          })
        ))
      )
    }),
  60_000
)
