// Which instances DeployStackSet changes: organizational units, files of accounts, overrides; and what it refuses.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import { StackSetsMemory } from "../../../src/testing/StackSetsMemory.ts"
import {
  accounts,
  createdEarlier,
  deny,
  eventOf,
  eventWith,
  failInstance,
  failureOf,
  file,
  instances,
  invoke,
  operationIdsOf,
  type Options,
  regions,
  required,
  runAll,
  runToEnd,
  stackSet,
  world
} from "./world.ts"

const unit = "ou-abcd-12345678"
const otherUnit = "ou-abcd-87654321"
const organization = { [unit]: accounts, [otherUnit]: ["333333333333"] }

/** The UserParameters for all accounts of an organizational unit. */
const inUnit = { stackSet, file, artifact: "MyTemplate", organizationalUnits: [unit], regions }

const withSize = JSON.stringify({
  Parameters: { Size: { Type: "String", Default: "small" }, Key: { Type: "String", Default: "", NoEcho: true } },
  Resources: { Topic: { Type: "AWS::SNS::Topic", Properties: { TopicName: { Ref: "Size" } } } }
})

/** The overriding parameters of each instance. */
const overrides = Effect.map(
  StackSetsMemory.use(({ instancesOf }) => instancesOf(stackSet)),
  (all) =>
    Object.fromEntries(
      all.map(({ account, overrides, region }) => [`${account}/${region}`, Object.fromEntries(overrides)])
    )
)

const settings = Effect.map(StackSetsMemory.use(({ settingsOf }) => settingsOf(stackSet)), Option.getOrThrow)

describe("organizational units", () => {
  it.effect("get instances in all their accounts, with service-managed permissions", () =>
    Effect.gen(function*() {
      const outcome = yield* runToEnd(eventWith(inUnit))
      assert.strictEqual(outcome.message, "Stack set is up to date: 4 instances")
      assert.lengthOf(yield* instances, 4)
      assert.deepInclude(yield* settings, { autoDeployment: { enabled: false } })
    }).pipe(Effect.provide(world({ organization }))))

  it.effect.each(
    [
      ["INTERSECTION", ["111111111111"], ["111111111111"]],
      ["DIFFERENCE", ["111111111111"], ["222222222222"]]
    ] as const
  )("are refined by accounts with %s", ([accountFilter, given, expected]) =>
    Effect.gen(function*() {
      yield* runToEnd(eventWith({ ...inUnit, accounts: given, accountFilter }))
      const found = (yield* instances).map((text) => text.slice(0, 12))
      assert.deepStrictEqual([...new Set(found)], [...expected])
    }).pipe(Effect.provide(world({ organization }))))

  it.effect("that are no longer named are pruned, with their accounts", () =>
    Effect.gen(function*() {
      yield* runToEnd(eventWith({ ...inUnit, organizationalUnits: [unit, otherUnit] }))
      assert.lengthOf(yield* instances, 6)
      yield* runToEnd(eventWith({ ...inUnit, prune: true }, { id: "2" }))
      assert.deepStrictEqual(yield* operationIdsOf("2"), ["2-update-1", "2-create-1", "2-delete-1"])
      assert.lengthOf(yield* instances, 4)
    }).pipe(Effect.provide(world({ organization }))))

  it.effect("can be deleted together with single accounts", () =>
    Effect.gen(function*() {
      yield* runToEnd(eventWith({ ...inUnit, organizationalUnits: [unit, otherUnit] }))
      yield* runToEnd(eventWith({
        stackSet,
        mode: "DELETE_INSTANCES",
        organizationalUnits: [otherUnit],
        accounts: ["111111111111"],
        accountFilter: "UNION"
      }, { id: "2" }))
      assert.deepStrictEqual(yield* instances, ["222222222222/eu-west-1 CURRENT", "222222222222/us-east-1 CURRENT"])
    }).pipe(Effect.provide(world({ organization }))))
})

describe("files", () => {
  it.effect("of accounts are read from an artifact", () =>
    Effect.gen(function*() {
      yield* runToEnd(eventOf({ accounts: "MyTemplate::accounts.txt" }))
      assert.lengthOf(yield* instances, 4)
    }).pipe(Effect.provide(world({ files: { "accounts.txt": accounts.join("\n") } }))))

  it.effect("that are invalid are refused by name before anything is started", () =>
    Effect.gen(function*() {
      const accountsFailure = failureOf(yield* invoke(eventOf({ accounts: "MyTemplate::a.txt" })))
      assert.strictEqual(
        accountsFailure.message,
        "The file \"a.txt\" in artifact \"MyTemplate\" (\"accounts\" in UserParameters) cannot be used: it has other texts " +
          "than ids of 12 digits: \"prod\""
      )
      const overridesFailure = failureOf(yield* invoke(eventOf({ overrides: "MyTemplate::o.json" })))
      assert.include(overridesFailure.message, "(\"overrides\" in UserParameters) cannot be used: it is not JSON")
      assert.isEmpty(yield* instances)
    }).pipe(Effect.provide(world({ files: { "a.txt": "prod", "o.json": "{" } }))))

  it.effect("of overrides give instances other parameters when they are created, and in each deployment", () =>
    Effect.gen(function*() {
      const options = { overrides: "MyTemplate::overrides.json" }
      yield* runToEnd(eventOf(options))
      const expected = {
        "111111111111/eu-west-1": {},
        "111111111111/us-east-1": {},
        "222222222222/eu-west-1": { Size: "large" },
        "222222222222/us-east-1": { Size: "huge" }
      }
      assert.deepStrictEqual(yield* overrides, expected)
      yield* runToEnd(eventOf(options, { id: "2" }))
      assert.deepStrictEqual(yield* operationIdsOf("2"), ["2-update-1", "2-override-1", "2-override-2"])
      assert.deepStrictEqual(yield* overrides, expected)
    }).pipe(Effect.provide(world({
      template: withSize,
      files: {
        "overrides.json": JSON.stringify([
          { accounts: ["222222222222"], parameters: { Size: "large" } },
          { accounts: ["222222222222"], regions: ["us-east-1"], parameters: { Size: "huge" } }
        ])
      }
    }))))
})

describe("settings", () => {
  it.effect("of the stack set are those of UserParameters, and omitted parameters keep their value", () =>
    Effect.gen(function*() {
      yield* createdEarlier({
        parameters: { Size: "large", Key: "hunter2" },
        tags: { Owner: "me" },
        description: "One"
      })
      yield* runToEnd(eventOf({ parameters: { Size: "huge" }, managedExecution: true }, { id: "2" }))
      const found = yield* settings
      assert.deepStrictEqual(Object.fromEntries(found.parameters), { Size: "huge", Key: "hunter2" })
      assert.deepStrictEqual(Object.fromEntries(found.tags), { Owner: "me" })
      assert.deepInclude(found, { description: "One", managedExecution: true })
    }).pipe(Effect.provide(world({ template: withSize }))))

  it.effect("that the template does not take are refused", () =>
    Effect.gen(function*() {
      const failure = failureOf(yield* invoke(eventOf({ parameters: { Sise: "large" } })))
      assert.strictEqual(failure.message, "The template has no parameter \"Sise\" (did you mean \"Size\"?)")
    }).pipe(Effect.provide(world({ template: withSize }))))

  const iam = JSON.stringify({ Resources: { User: { Type: "AWS::IAM::User" } } })

  it.effect("lack capabilities that the template requires", () =>
    Effect.gen(function*() {
      const failure = failureOf(yield* invoke(eventOf()))
      assert.strictEqual(failure.type, "ConfigurationError")
      assert.match(
        failure.message,
        /^CloudFormation does not accept the template of stack set "MyStackSet" as it is.*"capabilities": \["CAPABILITY_IAM"\]/
      )
    }).pipe(Effect.provide(world({ template: iam }))))
})

describe("refused before the start", () => {
  const macro = JSON.stringify({ Transform: "AWS::LanguageExtensions", Resources: { T: { Type: "AWS::SNS::Topic" } } })

  it.effect("macros in a stack set with service-managed permissions", () =>
    Effect.gen(function*() {
      const failure = failureOf(yield* invoke(eventWith(inUnit)))
      assert.match(
        failure.message,
        /^a stack set with SERVICE_MANAGED takes no macros: use a template without transforms/
      )
    }).pipe(Effect.provide(world({ organization, template: macro }))))

  it.effect("service-managed permissions without trusted access, with what to do", () =>
    Effect.gen(function*() {
      const failure = failureOf(yield* invoke(eventWith(inUnit)))
      assert.strictEqual(failure.type, "ConfigurationError")
      assert.match(
        failure.message,
        /^Error creating CloudFormation stack set "MyStackSet": You must enable organizations access.*StackSets has no trusted access/
      )
    }).pipe(Effect.provide(world())))

  it.effect.each<readonly [options: Options, message: string]>([
    [{ regions: undefined }, "\"regions\" are missing: name the regions of the instances"],
    [{ accounts: undefined }, "\"regions\" need \"accounts\" or \"organizationalUnits\""],
    [{ accountFilter: "UNION" }, "\"accountFilter\" needs \"organizationalUnits\" and \"accounts\""],
    [{ organizationalUnits: [unit] }, "\"accounts\" beside \"organizationalUnits\" need an \"accountFilter\""],
    [
      { organizationalUnits: [unit], accountFilter: "UNION" },
      "CloudFormation creates no instances with \"accountFilter\": \"UNION\""
    ],
    [{ accounts: undefined, regions: undefined, prune: true }, "\"prune\" needs \"accounts\""],
    [{ regionOrder: ["eu-west-1"] }, "\"regionOrder\" does not have all \"regions\""],
    [{ resultFile: "r.json" }, "\"resultFile\" needs an output artifact"],
    [{ autoDeployment: { enabled: true } }, "\"autoDeployment\" does not apply to a stack set with SELF_MANAGED"],
    [{ permissionModel: "SERVICE_MANAGED" }, "a stack set with SERVICE_MANAGED has accounts of organizational units"],
    [
      { permissionModel: "SERVICE_MANAGED", executionRoleName: "r" },
      "\"executionRoleName\" does not apply to a stack set with SERVICE_MANAGED"
    ],
    [{ mode: "DELETE" }, "\"accounts\" does not apply to mode DELETE, only to CREATE_UPDATE, DELETE_INSTANCES"],
    [{ maxConcurrent: "0%" }, "\"maxConcurrent\": expected a number of accounts from 1, or a percentage"],
    [{ accounts: ["1"] }, "\"accounts[0]\": expected the id of an account (12 digits), got \"1\""],
    [{ stackset: "x" }, "\"stackset\" is not known (did you mean \"stackSet\"?)"]
  ])("options that do not fit together: %j", ([options, message]) =>
    Effect.gen(function*() {
      const failure = failureOf(yield* invoke(eventWith({ ...required, ...options })))
      assert.strictEqual(failure.type, "ConfigurationError")
      assert.include(failure.message, message)
      assert.isEmpty(yield* instances)
    }).pipe(Effect.provide(world())))
})

describe("a failure", () => {
  it.effect("has the causes of stacks in the account of the function", () =>
    Effect.gen(function*() {
      yield* failInstance("111111111111", "us-east-1", "Resource MySampleBucket failed")
      const failure = failureOf(yield* runToEnd(eventOf({}, { accountId: "111111111111" })))
      assert.include(
        failure.message,
        "us-east-1/111111111111: Resource MySampleBucket failed\n" +
          "  MySampleBucket (AWS::S3::Bucket): Resource MySampleBucket failed\n"
      )
    }).pipe(Effect.provide(world())))

  it.effect("without the permission to read results says which one would show more", () =>
    Effect.gen(function*() {
      yield* deny("cloudformation:ListStackSetOperationResults")
      yield* failInstance("111111111111", "eu-west-1", "No")
      const outcomes = yield* runAll(eventOf())
      assert.include(
        outcomes.map(({ message }) => message),
        "Creation of instances still in progress: RUNNING"
      )
      const failure = failureOf(outcomes.at(-1) ?? assert.fail())
      assert.include(failure.message, "cloudformation:ListStackSetOperationResults would show the failed instances")
    }).pipe(Effect.provide(world())))
})
