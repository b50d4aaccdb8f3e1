// The requests of the live layer of StackSets on the wire, and what an action with 5,000 instances costs.
import { CloudFormationClient } from "@aws-sdk/client-cloudformation"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option } from "effect"
import { DeployStackSet } from "../../../src/actions/deployStackSet/DeployStackSet.ts"
import type { JobOutcome } from "../../../src/domain/job/JobOutcome.ts"
import * as JobRunner from "../../../src/JobRunner.ts"
import { CodePipeline } from "../../../src/services/CodePipeline.ts"
import { StackSets } from "../../../src/services/StackSets.ts"
import { ArtifactStoreMemory } from "../../../src/testing/ArtifactStoreMemory.ts"
import * as LocalPipeline from "../../../src/testing/LocalPipeline.ts"
import { drive } from "../../drive.ts"
import { sampleTemplate, tokenOf } from "../../fixtures.ts"
import { result } from "../cloudFormation/queryProtocol.ts"
import { CodePipelineServer } from "../CodePipelineServer.ts"
import { environment } from "../environment.ts"
import { clientOptions, refused, signedBy } from "../server.ts"
import { StackSetsServer } from "../StackSetsServer.ts"
import { createInstances, createSet, http, key, target, updateSet } from "./world.ts"

const sent = Effect.map(StackSetsServer, ({ calls }) => ({ ...calls.at(-1)?.parameters }))

const gateOf = (status: string, reason: string) =>
  `<AccountGateResult><Status>${status}</Status><StatusReason>${reason}</StatusReason></AccountGateResult>`

describe("StackSets on the wire", () => {
  it.effect("all settings of a stack set arrive in CloudFormation's own fields", () =>
    Effect.gen(function*() {
      const { create } = yield* StackSets
      yield* create({
        ...key,
        callAs: "DELEGATED_ADMIN",
        templateBody: sampleTemplate,
        clientRequestToken: "set-1",
        description: "for all",
        capabilities: ["CAPABILITY_IAM"],
        tags: new Map([["Owner", "me"]]),
        administrationRoleArn: "arn:aws:iam::123456789012:role/admin",
        executionRoleName: "execute",
        autoDeployment: { enabled: true, retainStacksOnAccountRemoval: false },
        managedExecution: true
      })
      assert.deepStrictEqual(yield* sent, {
        Version: "2010-05-15",
        StackSetName: "MyStackSet",
        CallAs: "DELEGATED_ADMIN",
        TemplateBody: sampleTemplate,
        ClientRequestToken: "set-1",
        Description: "for all",
        "Capabilities.member.1": "CAPABILITY_IAM",
        "Tags.member.1.Key": "Owner",
        "Tags.member.1.Value": "me",
        AdministrationRoleARN: "arn:aws:iam::123456789012:role/admin",
        ExecutionRoleName: "execute",
        "AutoDeployment.Enabled": "true",
        "AutoDeployment.RetainStacksOnAccountRemoval": "false",
        "ManagedExecution.Active": "true"
      })
    }).pipe(Effect.provide(http)))

  it.effect("accounts, regions, overrides and preferences arrive in CloudFormation's own fields", () =>
    Effect.gen(function*() {
      yield* createSet()
      const { createInstances } = yield* StackSets
      yield* createInstances({
        ...key,
        operationId: "create-1",
        target: { accounts: ["111111111111"], regions: ["eu-west-1", "us-east-1"] },
        overrides: [{ name: "Size", value: "large" }],
        preferences: {
          regionOrder: ["us-east-1", "sa-east-1"],
          regionConcurrency: "PARALLEL",
          maxConcurrent: "25%",
          failureTolerance: 3,
          concurrencyMode: "SOFT_FAILURE_TOLERANCE"
        }
      })
      assert.deepStrictEqual(yield* sent, {
        Version: "2010-05-15",
        StackSetName: "MyStackSet",
        OperationId: "create-1",
        "Accounts.member.1": "111111111111",
        "Regions.member.1": "eu-west-1",
        "Regions.member.2": "us-east-1",
        "ParameterOverrides.member.1.ParameterKey": "Size",
        "ParameterOverrides.member.1.ParameterValue": "large",
        "OperationPreferences.RegionOrder.member.1": "us-east-1",
        "OperationPreferences.RegionOrder.member.2": "eu-west-1",
        "OperationPreferences.RegionConcurrencyType": "PARALLEL",
        "OperationPreferences.MaxConcurrentPercentage": "25",
        "OperationPreferences.FailureToleranceCount": "3",
        "OperationPreferences.ConcurrencyMode": "SOFT_FAILURE_TOLERANCE"
      })
    }).pipe(Effect.provide(http)))

  it.effect("organizational units arrive as deployment targets", () =>
    Effect.gen(function*() {
      yield* createSet()
      const { deleteInstances } = yield* StackSets
      yield* deleteInstances({
        ...key,
        operationId: "delete-1",
        retainStacks: true,
        target: {
          organizationalUnits: ["ou-abcd-12345678"],
          accounts: ["111111111111"],
          accountFilter: "DIFFERENCE",
          regions: ["eu-west-1"]
        }
      })
      assert.deepStrictEqual(yield* sent, {
        Version: "2010-05-15",
        StackSetName: "MyStackSet",
        OperationId: "delete-1",
        RetainStacks: "true",
        "Regions.member.1": "eu-west-1",
        "DeploymentTargets.OrganizationalUnitIds.member.1": "ou-abcd-12345678",
        "DeploymentTargets.Accounts.member.1": "111111111111",
        "DeploymentTargets.AccountFilterType": "DIFFERENCE"
      })
    }).pipe(Effect.provide(http)))

  it.effect("an empty list of overrides arrives as such, and none does not", () =>
    Effect.gen(function*() {
      yield* createSet()
      const { createInstances, updateInstances } = yield* StackSets
      yield* createInstances({ ...key, operationId: "create-1", target })
      assert.notProperty(yield* sent, "ParameterOverrides")
      const { end } = yield* StackSetsServer
      yield* end()
      yield* updateInstances({ ...key, operationId: "override-1", target, overrides: [] })
      assert.deepInclude(yield* sent, { ParameterOverrides: "" })
    }).pipe(Effect.provide(http)))

  it.effect("a stale request counts as busy, and a stack set that was changed since as existing", () =>
    Effect.gen(function*() {
      yield* createSet()
      const { answerNext } = yield* StackSetsServer
      const { createInstances } = yield* StackSets
      yield* answerNext(refused("StaleRequestException", "Another operation has been performed", 409))
      const busy = yield* Effect.flip(createInstances({ ...key, operationId: "create-1", target }))
      assert.deepInclude(busy, { _tag: "StackSetBusy", reason: "Another operation has been performed" })
      yield* answerNext(refused("CreatedButModifiedException", "The resource exists, but has been changed", 409))
      assert.deepInclude(yield* Effect.flip(createSet()), { _tag: "StackSetExists" })
    }).pipe(Effect.provide(http)))

  it.effect("an instance without a stack has none", () =>
    Effect.gen(function*() {
      const { answerNext } = yield* StackSetsServer
      const { stackOf } = yield* StackSets
      yield* answerNext(refused("StackInstanceNotFoundException", "The specified stack instance doesn't exist", 404))
      const error = yield* Effect.flip(stackOf(key, { account: "111111111111", region: "eu-west-1" }))
      assert.deepInclude(error, { code: "StackInstanceNotFoundException" })
    }).pipe(Effect.provide(http)))

  it.effect("a delegated administrator's calls all say so", () =>
    Effect.gen(function*() {
      const id = yield* createSet()
      const { calls } = yield* StackSetsServer
      const delegated = { stackSet: id, callAs: "DELEGATED_ADMIN" } as const
      const stackSets = yield* StackSets
      yield* stackSets.describe(delegated)
      yield* stackSets.createInstances({ ...delegated, operationId: "create-1", target })
      yield* stackSets.operation(delegated, "create-1")
      yield* stackSets.operations(delegated)
      yield* stackSets.results(delegated, "create-1")
      yield* stackSets.instances(delegated)
      yield* stackSets.stackOf(delegated, { account: "111111111111", region: "eu-west-1" })
      assert.deepStrictEqual(
        calls.slice(1).map(({ parameters }) => [parameters["StackSetName"], parameters["CallAs"]]),
        Array.from({ length: 7 }, () => [id, "DELEGATED_ADMIN"])
      )
    }).pipe(Effect.provide(http)))

  it.effect("an error without a code of stack sets keeps the words of CloudFormation", () =>
    Effect.gen(function*() {
      yield* createSet()
      const { answerNext } = yield* StackSetsServer
      const { delete: remove, operation } = yield* StackSets
      const invalid = refused("InvalidOperationException", "The specified operation isn't valid", 400)
      const calls: ReadonlyArray<
        Effect.Effect<unknown, { readonly _tag: string; readonly message: string }, StackSets>
      > = [
        remove(key),
        operation(key, "create-1"),
        updateSet(),
        createInstances()
      ]
      for (const call of calls) {
        yield* answerNext(invalid)
        const error = yield* Effect.flip(call)
        assert.strictEqual(error._tag, "AwsRejected")
        assert.include(error.message, "The specified operation isn't valid")
      }
    }).pipe(Effect.provide(http)))

  it.effect("fields that CloudFormation omits are absent, empty or those of the request", () =>
    Effect.gen(function*() {
      const { answerNext } = yield* StackSetsServer
      const stackSets = yield* StackSets
      yield* answerNext(result("CreateStackSet", ""))
      assert.strictEqual(yield* createSet(), "MyStackSet")
      yield* answerNext(result("UpdateStackSet", ""))
      assert.strictEqual(yield* updateSet(), "update-1")
      yield* answerNext(result("CreateStackInstances", ""))
      assert.strictEqual(yield* createInstances(), "create-1")
      yield* answerNext(
        result("DescribeStackSet", "<StackSet><StackSetName>MyStackSet</StackSetName></StackSet>")
      )
      assert.deepStrictEqual(Option.getOrThrow(yield* stackSets.describe(key)), {
        id: "MyStackSet",
        name: "MyStackSet",
        permissionModel: "SELF_MANAGED",
        parameters: new Map()
      })
      yield* answerNext(result("DescribeStackSet", ""))
      assert.isTrue(Option.isNone(yield* stackSets.describe(key)))
      yield* answerNext(
        result(
          "DescribeStackSetOperation",
          "<StackSetOperation><StackSetDriftDetectionDetails></StackSetDriftDetectionDetails></StackSetOperation>"
        )
      )
      const operation = Option.getOrThrow(yield* stackSets.operation(key, "drift-1"))
      assert.deepInclude(operation, { id: "", action: "", status: "", createdAt: 0, failedInstances: undefined })
      for (
        const [name, read] of [["ListStackSetOperationResults", stackSets.results(key, "create-1")], [
          "ListStackInstances",
          stackSets.instances(key)
        ]] as const
      ) {
        yield* answerNext(result(name, ""))
        assert.deepStrictEqual(yield* read, { items: [], next: undefined })
      }
      yield* answerNext(result("ListStackSetOperations", ""))
      assert.deepStrictEqual(yield* stackSets.operations(key), [])
      yield* answerNext(result("DescribeStackInstance", "<StackInstance></StackInstance>"))
      assert.isTrue(
        Option.isNone(yield* stackSets.stackOf(key, { account: "111111111111", region: "eu-west-1" }))
      )
      yield* answerNext(result("DescribeStackEvents", ""))
      assert.deepStrictEqual(yield* stackSets.stackEvents("arn:aws:cloudformation:eu-west-1:1:stack/S/1"), [])
    }).pipe(Effect.provide(http)))

  it.effect("the reason of an instance is that of its failed account gate if it has none of its own", () =>
    Effect.gen(function*() {
      const { answerNext } = yield* StackSetsServer
      const gate = gateOf("FAILED", "the gate is shut")
      const noGate = gateOf("SKIPPED", "Function not found")
      yield* answerNext(
        result(
          "ListStackSetOperationResults",
          `<Summaries><member><Account>1</Account>${gate}</member><member><StatusReason>own</StatusReason>${gate}</member>` +
            `<member><Status>SUCCEEDED</Status>${noGate}</member></Summaries>`
        )
      )
      const { results } = yield* StackSets
      const { items } = yield* results(key, "create-1")
      assert.deepStrictEqual(items, [
        { account: "1", region: "", status: "", reason: "the gate is shut" },
        { account: "", region: "", status: "", reason: "own" },
        { account: "", region: "", status: "SUCCEEDED", reason: undefined }
      ])
    }).pipe(Effect.provide(http)))

  it.effect("the live layer reads the events of a stack in the stack's region", () =>
    Effect.gen(function*() {
      const { calls, endpoint } = yield* StackSetsServer
      const stackId = "arn:aws:cloudformation:ap-south-1:123456789012:stack/StackSet-S/1"
      yield* StackSets.use(({ stackEvents }) => stackEvents(stackId)).pipe(
        Effect.provide(Layer.provide(
          StackSets.layer,
          environment({
            AWS_REGION: "sa-east-1",
            AWS_ENDPOINT_URL_CLOUDFORMATION: endpoint,
            AWS_ACCESS_KEY_ID: "AKIAENVIRONMENT",
            AWS_SECRET_ACCESS_KEY: "secret"
          })
        ))
      )
      assert.deepStrictEqual(calls.map(({ headers }) => signedBy(headers)), [
        "AKIAENVIRONMENT ap-south-1 cloudformation"
      ])
    }).pipe(Effect.provide(StackSetsServer.layer)))
})

const many = Array.from({ length: 500 }, (_, index) => `${100_000_000_000 + index}`)
const tenRegions = Array.from({ length: 10 }, (_, index) => `eu-west-${index + 1}`)
const parameters = {
  stackSet: key.stackSet,
  file: "template.json",
  artifact: "MyTemplate",
  accounts: "MyTemplate::accounts.txt",
  regions: tenRegions
}

/** The live StackSets and CodePipeline over HTTP, and artifacts in memory. */
const aws = Layer.mergeAll(
  ArtifactStoreMemory.layer({ MyTemplate: { "template.json": sampleTemplate, "accounts.txt": many.join("\n") } }),
  Layer.unwrap(Effect.map(StackSetsServer, ({ endpoint }) => {
    const client = new CloudFormationClient(clientOptions(endpoint))
    return StackSets.layerClient(client)
  })),
  Layer.unwrap(Effect.map(CodePipelineServer, ({ endpoint }) =>
    Layer.provide(
      CodePipeline.layer,
      environment({
        AWS_REGION: "eu-central-1",
        AWS_ENDPOINT_URL_CODEPIPELINE: endpoint,
        AWS_ACCESS_KEY_ID: "AKIAFUNCTION",
        AWS_SECRET_ACCESS_KEY: "secret"
      })
    )))
).pipe(Layer.provideMerge(Layer.merge(StackSetsServer.layer, CodePipelineServer.layer)))

/** Runs one job; returns its outcome and the calls to both services. */
const job = Effect.fnUntraced(function*(id: string, continuationToken?: string) {
  const servers = [yield* StackSetsServer, yield* CodePipelineServer]
  const before = servers.map(({ calls }) => calls.length)
  const event = LocalPipeline.event({
    id,
    userParameters: parameters,
    inputArtifacts: ["MyTemplate"],
    continuationToken
  })
  const outcome: JobOutcome = yield* drive(JobRunner.run(DeployStackSet, event), "10 millis")
  const calls = servers.flatMap(({ calls }, index) => calls.slice(before[index]).map(({ operation }) => operation))
  return { outcome, calls }
})

describe("5,000 instances", () => {
  it.effect("cost three calls a poll, and a state of less than 2,048 characters", () =>
    Effect.gen(function*() {
      const { end, setOperations } = yield* StackSetsServer
      const start = yield* job("1")
      assert.deepStrictEqual(start.calls, [
        "DescribeStackSet",
        "CreateStackSet",
        "UpdateStackSet",
        "PutJobSuccessResult"
      ])
      yield* end()
      const first = yield* job("job-1", tokenOf(start.outcome))
      assert.strictEqual(first.outcome.message, "Creation of instances started: 5000 instances")
      const all = many.flatMap((account) => tenRegions.map((region) => ({ account, region })))
      const after = (done: number) =>
        setOperations([{
          id: "1-create-1",
          action: "CREATE",
          status: "RUNNING",
          results: all.map(({ account, region }, index) => {
            if (index % 1_000 === 999 && index < done) {
              return { account, region, status: "FAILED", reason: "a \"reason\"\n that is ".repeat(50) }
            }
            return { account, region, status: index < done ? "SUCCEEDED" : index === done ? "RUNNING" : "PENDING" }
          })
        }])
      let token = tokenOf(first.outcome)
      let percent = 0
      for (let poll = 2; poll < 110; poll++) {
        yield* after(Math.min(4_999, poll * 50))
        const { calls, outcome } = yield* job(`job-${poll}`, token)
        assert.deepStrictEqual(calls, [
          "DescribeStackSetOperation",
          "ListStackSetOperationResults",
          "PutJobSuccessResult"
        ])
        token = tokenOf(outcome)
        assert.isAtMost(token.length, 2_048)
        const now = outcome._tag === "Continued" ? outcome.percentComplete ?? 0 : 0
        assert.isAtLeast(now, percent)
        percent = now
        assert.match(outcome.message, /RUNNING, at least \d+ of 5000 instances/)
      }
      assert.isAbove(percent, 50)
      yield* after(0)
      yield* end()
      const last = yield* job("last", token)
      assert.strictEqual(last.outcome.message, "Stack set is up to date: 5000 instances")
      const counts = new Map(last.calls.map((call) => [call, last.calls.filter((other) => other === call).length]))
      assert.strictEqual(counts.get("ListStackInstances"), 50)
      // Of both operations; the update had no instances.
      assert.strictEqual(counts.get("ListStackSetOperationResults"), 51)
      assert.isAtMost(last.calls.length, 110)
    }).pipe(Effect.provide(aws)))
})
