// DeployStackSet with the live layers of StackSets and ArtifactStore against moto, if moto is installed.
//
// Between StackSets and moto is the server of motoOperations.ts, which corrects the ids of operations. An action looks for its
// operations by their ids. moto ignores the ids of operations on instances and makes others, and it answers a question for an
// unknown operation by an error that CloudFormation has for invalid requests. The tests themselves ask moto directly.
//
// What moto lacks is at the end: drift detection, the deployment of updates into stacks, and operations in progress.
import {
  CloudFormationClient,
  CreateStackInstancesCommand,
  DescribeStackInstanceCommand,
  DescribeStacksCommand,
  DescribeStackSetCommand,
  DetectStackSetDriftCommand,
  ListStackInstancesCommand,
  ListStackSetOperationsCommand
} from "@aws-sdk/client-cloudformation"
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3"
import { AssumeRoleCommand, STSClient } from "@aws-sdk/client-sts"
import { assert, describe, layer } from "@effect/vitest"
import { Context, Effect, Layer, Logger } from "effect"
import { DeployStackSet } from "../../../src/actions/deployStackSet/DeployStackSet.ts"
import { readEntry } from "../../../src/internal/zipEntry.ts"
import { zipFiles } from "../../../src/internal/zipFiles.ts"
import * as JobRunner from "../../../src/JobRunner.ts"
import { ArtifactStore } from "../../../src/services/ArtifactStore.ts"
import { StackSets } from "../../../src/services/StackSets.ts"
import { CodePipelineMemory } from "../../../src/testing/CodePipelineMemory.ts"
import * as LocalPipeline from "../../../src/testing/LocalPipeline.ts"
import { environment } from "../../contract/environment.ts"
import { hasMoto } from "../../scripts/moto.ts"
import { startMotoWithOperations } from "./motoOperations.ts"

const bucket = "artifacts"
const accounts = ["111111111111", "222222222222"]
const regions = ["eu-west-1", "us-east-1"]
const credentials = { accessKeyId: "AKIAFUNCTION", secretAccessKey: "secret-of-the-function" }

const templateOf = (description: string, padding = "") =>
  JSON.stringify({
    AWSTemplateFormatVersion: "2010-09-09",
    Description: description,
    Metadata: { padding },
    Parameters: { Size: { Type: "String", Default: "small" } },
    // The names that moto makes for resources are not allowed in stacks of stack sets.
    Resources: { Topic: { Type: "AWS::SNS::Topic", Properties: { TopicName: description } } },
    Outputs: { Size: { Value: { Ref: "Size" } } }
  })

const timeout = 120_000

/** moto, a client of it, and the live layers with it. */
class World extends Context.Service<World, Effect.Success<typeof make>>()("effect-codepipeline/test/MotoStackSets") {
  static readonly layer = Layer.effect(World, Effect.suspend(() => make))
}

const make = Effect.gen(function*() {
  const { endpoint, moto } = yield* startMotoWithOperations
  const client = new CloudFormationClient({ endpoint: moto, region: "eu-central-1", credentials, maxAttempts: 1 })
  const s3 = new S3Client({ endpoint: moto, region: "us-east-1", credentials, forcePathStyle: true })
  yield* Effect.promise(() => s3.send(new CreateBucketCommand({ Bucket: bucket })))
  const live = Layer.mergeAll(StackSets.layer, ArtifactStore.layer).pipe(
    Layer.provide(environment({
      AWS_REGION: "eu-central-1",
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      // moto reads the bucket from the path of a template's URL if the host is this one.
      AWS_ENDPOINT_URL_S3: moto.replace("127.0.0.1", "localhost"),
      AWS_ENDPOINT_URL_CLOUDFORMATION: endpoint
    }))
  )

  /** Runs all jobs of the action whose first job has this id; returns their messages. */
  const runAll = Effect.fnUntraced(function*(
    id: string,
    userParameters: Readonly<Record<string, unknown>>,
    files: Readonly<Record<string, string>> = {}
  ) {
    const zip = yield* zipFiles(files)
    yield* Effect.promise(() => s3.send(new PutObjectCommand({ Bucket: bucket, Key: "source.zip", Body: zip })))
    const messages: Array<string> = []
    const outcome = yield* LocalPipeline.run({
      event: LocalPipeline.event({
        id,
        userParameters,
        inputArtifacts: [{ name: "Source", bucketName: bucket, objectKey: "source.zip" }],
        outputArtifacts: [{ name: "Result", bucketName: bucket, objectKey: "result.zip" }]
      }),
      interval: 0,
      maxInvocations: 20,
      invoke: (event) => JobRunner.run(DeployStackSet, event),
      observe: (happening) =>
        Effect.sync(() => void (happening._tag === "Reported" && messages.push(happening.outcome.message)))
    })
    assert.strictEqual(outcome._tag, "Succeeded", outcome.message)
    return messages
  }, Effect.provide([live, CodePipelineMemory.layer, Logger.layer([])]))

  /** The result file of the last action. */
  const result = Effect.promise(async () => {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: "result.zip" }))
    return await Body?.transformToByteArray() ?? new Uint8Array()
  }).pipe(
    Effect.flatMap((zip) =>
      readEntry({ size: zip.length, tail: zip, fetch: () => Effect.die("all of it is there") }, "result.json", 100_000)
    ),
    Effect.map((bytes) => JSON.parse(Buffer.from(bytes).toString()))
  )

  const clientIn = async (account: string, region: string) => {
    const sts = new STSClient({ endpoint: moto, region, credentials })
    const role = { RoleArn: `arn:aws:iam::${account}:role/Read`, RoleSessionName: "test" }
    const { AccessKeyId = "", SecretAccessKey = "" } = (await sts.send(new AssumeRoleCommand(role))).Credentials ?? {}
    const ofRole = { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey }
    return new CloudFormationClient({ endpoint: moto, region, credentials: ofRole, maxAttempts: 1 })
  }

  /** The stacks of a stack set, as the accounts themselves show them: the value of `Size` by `account/region`. */
  const stacksOf = (stackSet: string) =>
    Effect.promise(async () => {
      const found: Record<string, string | undefined> = {}
      for (const account of [...accounts, "333333333333"]) {
        for (const region of regions) {
          const { Stacks = [] } = await (await clientIn(account, region)).send(new DescribeStacksCommand({}))
          for (const { Outputs = [], StackName } of Stacks) {
            if (StackName === `StackSet:${stackSet}`) found[`${account}/${region}`] = Outputs[0]?.OutputValue
          }
        }
      }
      return found
    })

  const describeSet = (stackSet: string) =>
    Effect.promise(async () => (await client.send(new DescribeStackSetCommand({ StackSetName: stackSet }))).StackSet)
  const operationsOf = (stackSet: string) =>
    Effect.promise(async () => {
      const { Summaries = [] } = await client.send(new ListStackSetOperationsCommand({ StackSetName: stackSet }))
      return Summaries.map(({ Action = "", Status = "" }) => `${Action} ${Status}`)
    })
  const instancesOf = (stackSet: string) =>
    Effect.promise(async () =>
      (await client.send(new ListStackInstancesCommand({ StackSetName: stackSet }))).Summaries ?? []
    )
  /** Calls Organizations. */
  const organizations = <A>(operation: string, parameters: object) =>
    Effect.promise(async () => {
      const response = await fetch(moto, {
        method: "POST",
        headers: {
          authorization: "AWS4-HMAC-SHA256 Credential=AKIAFUNCTION/20260101/us-east-1/organizations/aws4_request",
          "content-type": "application/x-amz-json-1.1",
          "x-amz-target": `AWSOrganizationsV20161128.${operation}`
        },
        body: JSON.stringify(parameters)
      })
      assert.isTrue(response.ok, `${operation}: ${response.status}`)
      return await response.json() as A
    })
  return { client, describeSet, instancesOf, operationsOf, organizations, result, runAll, stacksOf }
})

const targets = { accounts, regions }
const deploying = { file: "template.json", artifact: "Source" }
const everywhere = (size: string, places = accounts) =>
  Object.fromEntries(places.flatMap((account) => regions.map((region) => [`${account}/${region}`, size])))

const suite = `deploy-stack-set against moto${hasMoto ? "" : " (skipped: python3 has no moto here)"}`

describe.skipIf(!hasMoto)(
  suite,
  () =>
    layer(World.layer, { excludeTestServices: true, timeout })("with the live layers", (it) => {
      it.effect("a stack set is created with its instances in two accounts and regions, with overrides", () =>
        Effect.gen(function*() {
          const { instancesOf, operationsOf, result, runAll, stacksOf } = yield* World
          const overrides = JSON.stringify([{ accounts: ["222222222222"], parameters: { Size: "large" } }])
          const parameters = {
            stackSet: "Created",
            ...deploying,
            ...targets,
            overrides: "Source::overrides.json",
            parameters: { Size: "medium" }
          }
          const files = { "template.json": templateOf("created"), "overrides.json": overrides }
          assert.deepStrictEqual(yield* runAll("create", parameters, files), [
            "Stack set update started",
            "Creation of instances started: 2 instances",
            "Creation of instances started: 2 instances",
            "Update of instances started: 2 instances",
            "Stack set is up to date: 4 instances"
          ])
          const all = { ...everywhere("medium", ["111111111111"]), ...everywhere("large", ["222222222222"]) }
          assert.deepStrictEqual(yield* stacksOf("Created"), all)
          const { Instances, ...counts } = yield* result
          assert.deepInclude(counts, { Complete: true, Succeeded: 4, Failed: 0 })
          assert.deepStrictEqual(
            Instances.map(({ Account, OperationId, Region, StatusReason }: Readonly<Record<string, string>>) => [
              `${Account}/${Region}`,
              OperationId,
              StatusReason
            ]),
            [
              ["111111111111/eu-west-1", "create-create-1", undefined],
              ["111111111111/us-east-1", "create-create-1", undefined],
              ["222222222222/eu-west-1", "create-override-1", undefined],
              ["222222222222/us-east-1", "create-override-1", undefined]
            ]
          )

          // All events of the action once more: it starts nothing.
          const operations = yield* operationsOf("Created")
          assert.deepStrictEqual(operations, [
            "UPDATE SUCCEEDED",
            "CREATE SUCCEEDED",
            "CREATE SUCCEEDED",
            "UPDATE SUCCEEDED"
          ])
          assert.strictEqual(
            (yield* runAll("create", parameters, files)).at(-1),
            "Stack set is up to date: 4 instances"
          )
          assert.deepStrictEqual(yield* operationsOf("Created"), operations)
          assert.lengthOf(yield* instancesOf("Created"), 4)
        }), timeout)

      it.effect("a stack set is updated by a large template, and prune deletes what is not named any more", () =>
        Effect.gen(function*() {
          const { describeSet, runAll, stacksOf } = yield* World
          const parameters = { stackSet: "Updated", ...deploying, regions }
          yield* runAll("first", { ...parameters, accounts }, { "template.json": templateOf("first") })
          const large = templateOf("second", "x".repeat(60_000))
          assert.deepStrictEqual(
            yield* runAll(
              "second",
              {
                ...parameters,
                accounts: ["111111111111", "333333333333"],
                prune: true,
                templateBucket: bucket,
                description: "of the second action",
                tags: { team: "platform" },
                parameters: { Size: "large" }
              },
              { "template.json": large }
            ),
            [
              "Stack set update started",
              "Creation of instances started: 2 instances",
              "Deletion of instances started: 2 instances",
              "Stack set is up to date: 4 instances"
            ]
          )
          assert.deepInclude(yield* describeSet("Updated"), {
            TemplateBody: large,
            Description: "of the second action",
            Tags: [{ Key: "team", Value: "platform" }],
            Parameters: [{ ParameterKey: "Size", ParameterValue: "large" }]
          })
          assert.sameMembers(
            Object.keys(yield* stacksOf("Updated")),
            Object.keys(everywhere("", ["111111111111", "333333333333"]))
          )
        }), timeout)

      it.effect("DELETE_INSTANCES deletes the named instances, and DELETE the others and the stack set", () =>
        Effect.gen(function*() {
          const { client, runAll, stacksOf } = yield* World
          yield* runAll("make", { stackSet: "Deleted", ...deploying, ...targets }, {
            "template.json": templateOf("made")
          })
          assert.deepStrictEqual(
            yield* runAll("some", { stackSet: "Deleted", mode: "DELETE_INSTANCES", regions: ["eu-west-1"] }),
            [
              "Deletion of instances prepared: the next job starts it",
              "Deletion of instances started: 2 instances",
              "Instances are deleted: 2 instances"
            ]
          )
          assert.deepStrictEqual(
            Object.keys(yield* stacksOf("Deleted")),
            accounts.map((account) =>
              `${account}/us-east-1`
            )
          )
          assert.deepStrictEqual(yield* runAll("all", { stackSet: "Deleted", mode: "DELETE" }), [
            "Deletion of instances prepared: the next job starts it",
            "Deletion of instances started: 2 instances",
            "Stack set \"Deleted\" is deleted"
          ])
          assert.deepStrictEqual(yield* stacksOf("Deleted"), {})
          const { name } = yield* Effect.promise(() =>
            client.send(new DescribeStackSetCommand({ StackSetName: "Deleted" })).then(
              () => ({ name: "" }),
              (error) =>
                error
            )
          )
          assert.strictEqual(name, "StackSetNotFoundException")
          assert.deepStrictEqual(yield* runAll("none", { stackSet: "Deleted", mode: "DELETE" }), [
            "Stack set \"Deleted\" does not exist: there is nothing to delete"
          ])
        }), timeout)

      it.effect("a stack set of an organization gets instances in the accounts of the organizational unit", () =>
        Effect.gen(function*() {
          const { describeSet, instancesOf, organizations, runAll } = yield* World
          yield* organizations("CreateOrganization", { FeatureSet: "ALL" })
          const { Roots: [root] } = yield* organizations<{ Roots: [{ Id: string }] }>("ListRoots", {})
          const { OrganizationalUnit: unit } = yield* organizations<{ OrganizationalUnit: { Id: string } }>(
            "CreateOrganizationalUnit",
            { ParentId: root.Id, Name: "Workloads" }
          )
          const { CreateAccountStatus: { AccountId: account } } = yield* organizations<
            { CreateAccountStatus: { AccountId: string } }
          >("CreateAccount", { AccountName: "shop", Email: "shop@example.com" })
          yield* organizations("MoveAccount", {
            AccountId: account,
            SourceParentId: root.Id,
            DestinationParentId: unit.Id
          })
          yield* runAll(
            "units",
            { stackSet: "Organization", ...deploying, organizationalUnits: [unit.Id], regions },
            { "template.json": templateOf("organization") }
          )
          assert.deepInclude(yield* describeSet("Organization"), { PermissionModel: "SERVICE_MANAGED" })
          const instances = yield* instancesOf("Organization")
          assert.deepStrictEqual(
            instances.map(({ Account, Region }) =>
              `${Account}/${Region}`
            ),
            regions.map((region) =>
              `${account}/${region}`
            )
          )
          // CloudFormation would show the unit. Without it, neither prune nor a deletion by units can be played.
          assert.deepStrictEqual(
            instances.map((instance) =>
              instance.OrganizationalUnitId
            ),
            [undefined, undefined]
          )
        }), timeout)

      // What moto lacks, and what is therefore not played here. Each test fails when moto has it.

      it.effect("moto lacks DetectStackSetDrift: mode DETECT_DRIFT is not played", () =>
        Effect.gen(function*() {
          const { client } = yield* World
          const status = yield* Effect.promise(() =>
            client.send(new DetectStackSetDriftCommand({ StackSetName: "Any" })).then(
              () =>
                200,
              (error) =>
                error.$metadata?.httpStatusCode
            )
          )
          assert.strictEqual(status, 500)
        }), timeout)

      it.effect("moto lacks the deployment of an update: stacks of instances keep their values", () =>
        Effect.gen(function*() {
          const { client, describeSet, runAll, stacksOf } = yield* World
          const parameters = { stackSet: "Kept", ...deploying, ...targets }
          const files = { "template.json": templateOf("kept") }
          yield* runAll("kept-1", { ...parameters, parameters: { Size: "old" } }, files)
          const overrides = JSON.stringify([{ parameters: { Size: "override" } }])
          yield* runAll(
            "kept-2",
            { ...parameters, parameters: { Size: "new" }, overrides: "Source::overrides.json" },
            { ...files, "overrides.json": overrides }
          )
          assert.deepInclude(yield* describeSet("Kept"), {
            Parameters: [{ ParameterKey: "Size", ParameterValue: "new" }]
          })
          for (const account of accounts) {
            for (const region of regions) {
              const command = new DescribeStackInstanceCommand({
                StackSetName: "Kept",
                StackInstanceAccount: account,
                StackInstanceRegion: region
              })
              const { StackInstance } = yield* Effect.promise(() =>
                client.send(command)
              )
              assert.deepInclude(StackInstance, {
                ParameterOverrides: [{ ParameterKey: "Size", ParameterValue: "override" }]
              })
            }
          }
          // CloudFormation would say "override" here.
          assert.deepStrictEqual(yield* stacksOf("Kept"), everywhere("old"))
        }), timeout)

      it.effect("moto lacks operations in progress: neither progress nor whenBusy is played", () =>
        Effect.gen(function*() {
          const { client, operationsOf, runAll } = yield* World
          yield* runAll("busy", { stackSet: "Busy", ...deploying }, { "template.json": templateOf("busy") })
          const instances = { StackSetName: "Busy", Accounts: accounts, Regions: regions }
          yield* Effect.promise(() =>
            client.send(new CreateStackInstancesCommand(instances))
          )
          assert.deepStrictEqual(yield* operationsOf("Busy"), ["UPDATE SUCCEEDED", "CREATE SUCCEEDED"])
        }), timeout)
    })
)
