// The requests of the live layer on the wire, and answers that only a server can give.
import { CloudFormationClient } from "@aws-sdk/client-cloudformation"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option } from "effect"
import { CloudFormation } from "../../../src/services/CloudFormation.ts"
import { drive } from "../../drive.ts"
import { CloudFormationServer } from "../CloudFormationServer.ts"
import { environment } from "../environment.ts"
import { Answer, clientOptions, done, listen, refused, signedBy, unavailable } from "../server.ts"
import {
  create,
  created,
  describeStack,
  eventsOf,
  failedEventsOf,
  http,
  httpWithPages,
  prepare,
  stack,
  templateUrl,
  update,
  values,
  why,
  withParameters,
  World
} from "./world.ts"

describe("CloudFormation on the wire", () => {
  it.effect("a template arrives unchanged, with the stack's name and the token", () =>
    Effect.gen(function*() {
      const templateBody = "\uFEFF# é 😀 \u0000\r\nResources:\t{ a+b: \"100 % & <c>\" }\n\n"
      yield* create({ templateBody })
      const { calls } = yield* CloudFormationServer
      assert.deepStrictEqual(calls.map(({ operation, parameters }) => ({ operation, parameters })), [{
        operation: "CreateStack",
        parameters: {
          Version: "2010-05-15",
          StackName: stack,
          TemplateBody: templateBody,
          ClientRequestToken: "create-1"
        }
      }])
    }).pipe(Effect.provide(http)))

  it.effect("all settings of a stack arrive in CloudFormation's own fields", () =>
    Effect.gen(function*() {
      const { answerNext, calls } = yield* CloudFormationServer
      yield* answerNext(refused("ValidationError", "No"))
      yield* Effect.flip(create({
        templateBody: withParameters,
        parameters: [...values, { name: "Count", usePreviousValue: true }],
        capabilities: ["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
        tags: new Map([["Owner", "a & b"], ["Stage", "test"]]),
        roleArn: "arn:aws:iam::123456789012:role/R",
        notificationArns: ["arn:aws:sns:eu-central-1:123456789012:T"],
        disableRollback: true,
        retainExceptOnCreate: false,
        stackPolicy: "{}",
        terminationProtection: true
      }))
      assert.deepStrictEqual(calls[0]?.parameters, {
        Version: "2010-05-15",
        StackName: stack,
        TemplateBody: withParameters,
        ClientRequestToken: "create-1",
        "Parameters.member.1.ParameterKey": "Size",
        "Parameters.member.1.ParameterValue": "large",
        "Parameters.member.2.ParameterKey": "Secret",
        "Parameters.member.2.ParameterValue": "hunter2",
        "Parameters.member.3.ParameterKey": "Count",
        "Parameters.member.3.UsePreviousValue": "true",
        "Capabilities.member.1": "CAPABILITY_NAMED_IAM",
        "Capabilities.member.2": "CAPABILITY_AUTO_EXPAND",
        "Tags.member.1.Key": "Owner",
        "Tags.member.1.Value": "a & b",
        "Tags.member.2.Key": "Stage",
        "Tags.member.2.Value": "test",
        RoleARN: "arn:aws:iam::123456789012:role/R",
        "NotificationARNs.member.1": "arn:aws:sns:eu-central-1:123456789012:T",
        DisableRollback: "true",
        RetainExceptOnCreate: "false",
        StackPolicyBody: "{}",
        EnableTerminationProtection: "true"
      })
    }).pipe(Effect.provide(http)))

  it.effect("what happens to a new stack that cannot be created arrives only with its creation", () =>
    Effect.gen(function*() {
      const { answerNext, calls } = yield* CloudFormationServer
      const refusal = refused("ValidationError", "No")
      yield* answerNext(refusal, refusal, refusal, refusal)
      yield* Effect.flip(create({ onStackFailure: "DO_NOTHING" }))
      yield* Effect.flip(update({ onStackFailure: "DO_NOTHING" }))
      yield* Effect.flip(prepare({ type: "CREATE", onStackFailure: "DELETE" }))
      yield* Effect.flip(prepare({ type: "UPDATE", onStackFailure: "DELETE" }))
      assert.deepStrictEqual(
        calls.map(({ operation, parameters }) => [operation, parameters["OnFailure"] ?? parameters["OnStackFailure"]]),
        [
          ["CreateStack", "DO_NOTHING"],
          ["UpdateStack", undefined],
          ["CreateChangeSet", "DELETE"],
          ["CreateChangeSet", undefined]
        ]
      )
    }).pipe(Effect.provide(http)))

  it.effect("the requests to roll a stack back arrive in CloudFormation's own fields", () =>
    Effect.gen(function*() {
      const { answerNext, calls } = yield* CloudFormationServer
      const refusal = refused("ValidationError", "No")
      yield* answerNext(refusal, refusal, refusal, refusal)
      const { cancelUpdate, continueRollback, rollBack } = yield* CloudFormation
      const request = { stack, clientRequestToken: "token-1", roleArn: "arn:aws:iam::123456789012:role/R" }
      yield* Effect.flip(rollBack({ ...request, retainExceptOnCreate: true }))
      yield* Effect.flip(continueRollback({ ...request, resourcesToSkip: ["Bucket", "Nested.Queue"] }))
      yield* Effect.flip(continueRollback({ stack, clientRequestToken: "token-2", resourcesToSkip: [] }))
      yield* Effect.flip(cancelUpdate({ stack, clientRequestToken: "token-3" }))
      const common = { Version: "2010-05-15", StackName: stack }
      const all = { ...common, ClientRequestToken: "token-1", RoleARN: "arn:aws:iam::123456789012:role/R" }
      assert.deepStrictEqual(calls.map(({ operation, parameters }) => [operation, parameters]), [
        ["RollbackStack", { ...all, RetainExceptOnCreate: "true" }],
        [
          "ContinueUpdateRollback",
          { ...all, "ResourcesToSkip.member.1": "Bucket", "ResourcesToSkip.member.2": "Nested.Queue" }
        ],
        ["ContinueUpdateRollback", { ...common, ClientRequestToken: "token-2" }],
        ["CancelUpdateStack", { ...common, ClientRequestToken: "token-3" }]
      ])
    }).pipe(Effect.provide(http)))

  it.effect("empty tags and topics arrive as empty lists", () =>
    Effect.gen(function*() {
      yield* create({ tags: new Map(), notificationArns: [] })
      const { calls } = yield* CloudFormationServer
      assert.deepInclude(calls[0]?.parameters, { Tags: "", NotificationARNs: "" })
    }).pipe(Effect.provide(http)))

  it.effect("the URL of a template arrives unchanged and without a template body", () =>
    Effect.gen(function*() {
      yield* CloudFormation.use(({ create }) => create({ stack, templateUrl, clientRequestToken: "create-1" }))
      const { calls } = yield* CloudFormationServer
      assert.deepStrictEqual(calls.map(({ parameters }) => parameters), [{
        Version: "2010-05-15",
        StackName: stack,
        TemplateURL: templateUrl,
        ClientRequestToken: "create-1"
      }])
    }).pipe(Effect.provide(http)))

  it.effect.each([
    "Role arn:aws:iam::123456789012:role/deploy does not exist",
    "Stack with id MyTestStack2 does not exist",
    "S3 error: The specified key does not exist."
  ])("a message about another missing thing is not a missing stack: %s", (message) =>
    Effect.gen(function*() {
      const { answerNext } = yield* CloudFormationServer
      yield* answerNext(refused("ValidationError", message))
      const error = yield* Effect.flip(describeStack(stack))
      assert.deepInclude(error, { _tag: "AwsRejected", code: "ValidationError", detail: message })
    }).pipe(Effect.provide(http)))

  it.effect("the other message for a busy stack is StackNotReady too", () =>
    Effect.gen(function*() {
      const { answerNext } = yield* CloudFormationServer
      const message =
        "This stack is currently in a non-terminal [UPDATE_IN_PROGRESS] state. To update the stack from " +
        "this state, please use the disable-rollback parameter with update-stack API."
      yield* answerNext(refused("ValidationError", message))
      const error = yield* Effect.flip(update())
      assert.deepInclude(error, { _tag: "StackNotReady", stack, status: "UPDATE_IN_PROGRESS" })
    }).pipe(Effect.provide(http)))

  it.effect("missing capabilities keep CloudFormation's words and are not retried", () =>
    Effect.gen(function*() {
      const { answerNext, calls } = yield* CloudFormationServer
      yield* answerNext(refused("InsufficientCapabilitiesException", "Requires capabilities : [CAPABILITY_IAM]"))
      const error = yield* Effect.flip(create())
      assert.deepInclude(error, {
        _tag: "InsufficientCapabilities",
        stack,
        required: ["CAPABILITY_IAM"],
        reason: "Requires capabilities : [CAPABILITY_IAM]"
      })
      assert.lengthOf(calls, 1)
    }).pipe(Effect.provide(http)))

  it.effect.each([
    { what: "a failing server", answer: unavailable },
    { what: "a reset connection", answer: Answer.Cut() },
    { what: "a truncated answer", answer: done("<DescribeStacksResponse><DescribeStacksResult><Sta") },
    { what: "a throttle with a status of its own", answer: refused("TooManyRequestsException", "Slow down", 429) }
  ])("$what is retried", ({ answer }) =>
    Effect.gen(function*() {
      const { answerNext, calls } = yield* CloudFormationServer
      yield* answerNext(answer, answer)
      assert.isTrue(Option.isNone(yield* drive(describeStack(stack))))
      assert.lengthOf(calls, 3)
    }).pipe(Effect.provide(http)))

  it.effect("a server that always fails gets six attempts", () =>
    Effect.gen(function*() {
      const { answerAlways, calls } = yield* CloudFormationServer
      yield* answerAlways("DescribeStacks", unavailable)
      const error = yield* drive(Effect.flip(describeStack(stack)))
      assert.deepInclude(error, { _tag: "AwsUnavailable", operation: "cloudformation:DescribeStacks" })
      assert.lengthOf(calls, 6)
    }).pipe(Effect.provide(http)))

  it.effect("a server that does not listen is AwsUnavailable", () =>
    Effect.gen(function*() {
      const endpoint = yield* Effect.scoped(listen(() => {}))
      const client = new CloudFormationClient(clientOptions(endpoint))
      const error = yield* drive(Effect.flip(describeStack(stack))).pipe(
        Effect.provide(CloudFormation.layerClient(client))
      )
      assert.deepInclude(error, { _tag: "AwsUnavailable", code: "ECONNREFUSED" })
    }))

  it.effect("what only change sets have arrives in CloudFormation's own fields", () =>
    Effect.gen(function*() {
      const { answerNext, calls } = yield* CloudFormationServer
      yield* answerNext(refused("ValidationError", "No"))
      yield* Effect.flip(prepare({
        includeNestedStacks: true,
        importExistingResources: false,
        deploymentMode: "REVERT_DRIFT"
      }))
      assert.deepInclude(calls[0]?.parameters, {
        ChangeSetName: "Next",
        ChangeSetType: "UPDATE",
        IncludeNestedStacks: "true",
        ImportExistingResources: "false",
        DeploymentMode: "REVERT_DRIFT"
      })
    }).pipe(Effect.provide(http)))

  it.effect("a change set is described page by page, by its ARN without a stack, and with values if they are requested", () =>
    Effect.gen(function*() {
      const { calls } = yield* CloudFormationServer
      const { finishChangeSets } = yield* World
      const Resources = { A: { Type: "AWS::S3::Bucket" }, B: { Type: "AWS::S3::Bucket" } }
      const { id } = yield* prepare({ templateBody: JSON.stringify({ Resources }), type: "CREATE" })
      yield* finishChangeSets(stack)
      const before = calls.length
      const found = yield* CloudFormation.use(({ describeChangeSet }) =>
        describeChangeSet({ changeSet: id, withValues: true })
      )
      assert.lengthOf(Option.getOrThrow(found).changes, 2)
      const common = { Version: "2010-05-15", ChangeSetName: id, IncludePropertyValues: "true" }
      assert.deepStrictEqual(calls.slice(before).map(({ parameters }) => parameters), [
        common,
        { ...common, NextToken: "2" }
      ])
    }).pipe(Effect.provide(http)))

  it.effect("events are read page by page, and no further page if those read so far are enough", () =>
    Effect.gen(function*() {
      const { calls } = yield* CloudFormationServer
      const id = yield* created
      const all = yield* eventsOf(id, 0)
      assert.lengthOf(all, 4)
      const pages = () => calls.filter(({ operation }) => operation === "DescribeStackEvents")
      assert.lengthOf(pages(), 4)
      const third = all[2]?.timestamp ?? 0
      assert.deepStrictEqual(yield* eventsOf(id, third + 1), all.slice(0, 3))
      assert.deepStrictEqual(
        pages().slice(4).map(({ parameters }) => [parameters["StackName"], parameters["NextToken"]]),
        [[id, undefined], [id, "1"], [id, "2"]]
      )
      const before = pages().length
      const newest = yield* CloudFormation.use(({ events }) => events(id))
      assert.deepStrictEqual(newest, all.slice(0, 1))
      assert.lengthOf(pages(), before + 1)
    }).pipe(Effect.provide(httpWithPages(1))))

  it.effect("failed events are read by the operation's id, page by page", () =>
    Effect.gen(function*() {
      const { createFailing } = yield* World
      const { advance, calls, failValidation } = yield* CloudFormationServer
      const id = yield* createFailing("resource")
      const resource = { id: "Other", type: "AWS::S3::Bucket" }
      yield* advance(stack, { status: "CREATE_FAILED", resource })
      yield* failValidation(stack, { ...resource, name: "V", path: "/Resources/Other", reason: why })
      const operationId = (yield* eventsOf(id, 0))[0]?.operationId ?? ""
      const found = yield* failedEventsOf(operationId)
      assert.deepStrictEqual(found.map(({ logicalResourceId }) => logicalResourceId), ["Other", "Other", "Bucket"])
      assert.deepInclude(found[0]?.validation, { path: "/Resources/Other" })
      const eventCalls = calls.filter(({ operation }) => operation === "DescribeEvents")
      const common = { Version: "2010-05-15", OperationId: operationId, "Filters.FailedEvents": "true" }
      assert.deepStrictEqual(eventCalls.map(({ parameters }) => parameters), [
        common,
        { ...common, NextToken: "1" },
        { ...common, NextToken: "2" }
      ])
    }).pipe(Effect.provide(httpWithPages(1))))

  it.effect("the layer takes region, endpoint and credentials from the environment", () =>
    Effect.gen(function*() {
      const { calls, endpoint } = yield* CloudFormationServer
      yield* describeStack(stack).pipe(
        Effect.provide(Layer.provide(
          CloudFormation.layer,
          environment({
            AWS_REGION: "sa-east-1",
            AWS_ENDPOINT_URL_CLOUDFORMATION: endpoint,
            AWS_ACCESS_KEY_ID: "AKIAENVIRONMENT",
            AWS_SECRET_ACCESS_KEY: "secret"
          })
        ))
      )
      assert.deepStrictEqual(
        calls.map(({ headers }) => signedBy(headers)),
        ["AKIAENVIRONMENT sa-east-1 cloudformation"]
      )
    }).pipe(Effect.provide(CloudFormationServer.layer())))
})
