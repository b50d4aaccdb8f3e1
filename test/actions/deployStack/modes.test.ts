// Which options apply to which mode of DeployStack.
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { modesOf } from "../../../src/actions/deployStack/Parameters.ts"
import { Mode } from "../../../src/domain/stack/StackPlan.ts"
import { eventWith, firstTemplate, invoke, operationTokens, required, runAction, stack, world } from "./world.ts"

const changeSet = "Next"

/** The required UserParameters of each mode. */
const requiredOf: Readonly<Record<Mode, Readonly<Record<string, unknown>>>> = {
  CREATE_UPDATE: required,
  REPLACE_ON_FAILURE: required,
  DELETE_ONLY: { stack },
  CHANGE_SET_REPLACE: { ...required, changeSet },
  CHANGE_SET_EXECUTE: { stack, changeSet },
  CHANGE_SET_DEPLOY: required,
  ROLLBACK: { stack }
}

const ofRollbacks = {
  whenBusy: "wait",
  timeoutMinutes: 60,
  assumeRole: "arn:aws:iam::123456789012:role/target",
  externalId: "ours",
  region: "eu-west-1"
}
const everywhere = { ...ofRollbacks, terminationProtection: false }
const ofTemplates = {
  templateBucket: "templates",
  templateBucketEncryption: "AES256",
  parameters: { A: "a" },
  capabilities: ["CAPABILITY_IAM"],
  tags: { Owner: "team" },
  notificationArns: ["arn:aws:sns:us-east-1:123456789012:t"],
  onStackFailure: "DELETE",
  detectDrift: "warn",
  recover: true,
  resourcesToSkip: ["Topic"]
}
const ofDeployments = {
  waitForCleanup: false,
  onTimeout: "cancel",
  outputs: ["A"],
  outputFile: "out.json",
  disableRollback: true,
  retainExceptOnCreate: true
}
const progress = false
const roleArn = "arn:aws:iam::123456789012:role/deploy"
const templateConfiguration = "MyTemplate::c.json"
const ofStacks = { ...everywhere, ...ofTemplates, ...ofDeployments, progress, roleArn, templateConfiguration }

const expectNoReplacement = true
const ofNewChangeSets = {
  changeSet,
  expectNoReplacement,
  includeNestedStacks: true,
  importExistingResources: true,
  deploymentMode: "REVERT_DRIFT"
}

/** A value for each option that means something in the mode. */
const meaningful: Readonly<Record<Mode, Readonly<Record<string, unknown>>>> = {
  CREATE_UPDATE: ofStacks,
  REPLACE_ON_FAILURE: ofStacks,
  DELETE_ONLY: { ...everywhere, progress, roleArn },
  CHANGE_SET_REPLACE: { ...everywhere, ...ofTemplates, ...ofNewChangeSets, roleArn, templateConfiguration },
  CHANGE_SET_EXECUTE: {
    ...everywhere,
    ...ofDeployments,
    changeSet,
    expectNoReplacement,
    progress,
    templateConfiguration
  },
  CHANGE_SET_DEPLOY: { ...ofStacks, ...ofNewChangeSets },
  ROLLBACK: { ...ofRollbacks, progress, roleArn, retainExceptOnCreate: true, resourcesToSkip: ["Topic"] }
}
const all = meaningful.CHANGE_SET_DEPLOY

describe.each(Mode.literals)("mode %s", (mode) => {
  it("accepts exactly the options that mean something in it", () => {
    const accepted = Object.entries(modesOf).flatMap(([name, modes]) => modes.includes(mode) ? [name] : [])
    assert.sameMembers(accepted, Object.keys(meaningful[mode]))
  })

  it.effect("refuses every other option by its name, and names the modes to which it applies", () =>
    Effect.gen(function*() {
      const others = Object.entries(modesOf).filter(([, modes]) => !modes.includes(mode))
      if (mode === "CHANGE_SET_DEPLOY") return assert.isEmpty(others)
      // At most 20 problems are reported at once.
      for (let first = 0; first < others.length; first += 20) {
        const some = others.slice(first, first + 20)
        const given = Object.fromEntries(some.map(([name]) => [name, all[name as keyof typeof all]]))
        const outcome = yield* invoke(eventWith({ ...given, ...requiredOf[mode], mode }))
        const problems = some.map(([name, modes]) =>
          `"${name}" does not apply to mode ${mode}, only to ${modes.join(", ")}`
        )
        assert.deepInclude(outcome, { _tag: "Failed", type: "ConfigurationError", message: problems.join("; ") })
      }
      assert.isEmpty(yield* operationTokens)
    }).pipe(Effect.provide(world(firstTemplate))))

  it.effect("accepts stack, file and artifact, the UserParameters of AWS's sample", () =>
    Effect.gen(function*() {
      const outcome = yield* invoke(eventWith({ ...required, ...requiredOf[mode], mode }))
      assert.notInclude(outcome.message, "does not apply")
      assert.notInclude(outcome.message, "is not known")
    }).pipe(Effect.provide(world(firstTemplate))))
})

it.effect("a default value of an option that does not apply is refused too", () =>
  Effect.gen(function*() {
    const outcome = yield* runAction("1", { stack, mode: "DELETE_ONLY", waitForCleanup: true })
    assert.deepInclude(outcome, {
      _tag: "Failed",
      message: "\"waitForCleanup\" does not apply to mode DELETE_ONLY, only to CREATE_UPDATE, REPLACE_ON_FAILURE, " +
        "CHANGE_SET_EXECUTE, CHANGE_SET_DEPLOY"
    })
  }).pipe(Effect.provide(world(firstTemplate))))

it.effect("an option that does not apply is refused before its value is read", () =>
  Effect.gen(function*() {
    const outcome = yield* runAction("1", { ...required, changeSet: 7 })
    assert.deepInclude(outcome, {
      _tag: "Failed",
      message: "\"changeSet\" does not apply to mode CREATE_UPDATE, only to CHANGE_SET_REPLACE, CHANGE_SET_EXECUTE, " +
        "CHANGE_SET_DEPLOY"
    })
  }).pipe(Effect.provide(world(firstTemplate))))

it.effect("a misspelled option is suggested, whatever the mode", () =>
  Effect.gen(function*() {
    const outcome = yield* runAction("1", { stack, mode: "DELETE_ONLY", rolArn: "r" })
    assert.deepInclude(outcome, { message: "\"rolArn\" is not known (did you mean \"roleArn\"?)" })
  }).pipe(Effect.provide(world(firstTemplate))))
