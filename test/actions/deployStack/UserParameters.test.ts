import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { DeployStack, type DeployStackUserParameters } from "../../../src/actions/deployStack/DeployStack.ts"
import * as UserParameters from "../../../src/domain/job/UserParameters.ts"

it.effect("what the interface of UserParameters allows for a mode is accepted by the action", () =>
  Effect.gen(function*() {
    const parameters: DeployStackUserParameters = {
      stack: "Shop",
      file: "template.yaml",
      artifact: "Source",
      mode: "REPLACE_ON_FAILURE",
      capabilities: ["CAPABILITY_IAM"],
      parameters: { Size: 2, Image: { "Fn::GetParam": ["Build", "image.json", "Uri"] }, Owner: null },
      tags: { team: "web", cost: 1 },
      timeoutMinutes: 60
    }
    const decoded = yield* UserParameters.decode(DeployStack.parameters, JSON.stringify(parameters))
    assert.strictEqual(decoded.mode, "REPLACE_ON_FAILURE")
  }))

it("the interface of UserParameters knows no other option", () => {
  // @ts-expect-error An option that does not exist does not compile.
  const parameters: DeployStackUserParameters = { stack: "Shop", stak: "Shop" }
  assert.property(parameters, "stack")
})
