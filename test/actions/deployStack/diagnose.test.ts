// The causes that DeployStack reports for a failed operation.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option } from "effect"
import { diagnose } from "../../../src/actions/deployStack/diagnose.ts"
import { AwsUnavailable } from "../../../src/domain/job/AwsError.ts"
import type { StackEvent } from "../../../src/domain/stack/StackEvents.ts"
import { CloudFormation } from "../../../src/services/CloudFormation.ts"
import { CloudFormationMemory } from "../../../src/testing/CloudFormationMemory.ts"
import {
  deny,
  describeStack,
  eventOf,
  failResource,
  file,
  putTemplate,
  runToEnd,
  withClockAhead,
  worldOf
} from "./world.ts"

const nestingTemplate = (resources: Readonly<Record<string, string>>) =>
  JSON.stringify({
    Resources: Object.fromEntries(
      Object.entries(resources).map(([id, type]) => [
        id,
        type.startsWith("https:")
          ? { Type: "AWS::CloudFormation::Stack", Properties: { TemplateURL: type } }
          : { Type: type }
      ])
    )
  })

const templates = {
  "https://t/network": nestingTemplate({ Vpc: "AWS::EC2::VPC", Inner: "https://t/inner" }),
  "https://t/inner": nestingTemplate({ Topic: "AWS::SNS::Topic", Queue: "AWS::SQS::Queue", Other: "AWS::SQS::Queue" })
}

const worldWith = (resources: Readonly<Record<string, string>>) =>
  worldOf({ MyTemplate: { [file]: nestingTemplate(resources) } }, { templates })

const replace =
  "Delete stack \"MyTestStack\", or let the action delete and recreate it with \"mode\": \"REPLACE_ON_FAILURE\", then retry the action"

const failed = (...lines: ReadonlyArray<string>) => ["Update failed: ROLLBACK_COMPLETE", ...lines, replace].join("\n")

const network = { Topic: "AWS::SNS::Topic", Network: "https://t/network", Bucket: "AWS::S3::Bucket" }

/** Their events are more than a page. */
const manyTopics = Object.fromEntries(Array.from({ length: 150 }, (_, index) => [`T${index}`, "AWS::SNS::Topic"]))

/** A failure in a foreign operation without a token. */
const foreignFailure = (stackId: string) => ({
  stackId,
  timestamp: 1_000,
  logicalResourceId: "Queue",
  physicalResourceId: "queue-1",
  resourceType: "AWS::SQS::Queue",
  status: "CREATE_FAILED",
  reason: "theirs"
})

describe("the report of a failed operation", () => {
  it.effect("a failure has the stack's id, for the link to the console", () =>
    Effect.gen(function*() {
      yield* failResource("Topic", "quota")
      const outcome = yield* runToEnd(eventOf())
      const { id } = Option.getOrThrow(yield* describeStack)
      assert.deepStrictEqual(outcome, {
        _tag: "Failed",
        type: "JobFailed",
        message: failed("Topic (AWS::SNS::Topic): quota"),
        externalExecutionId: id
      })
    }).pipe(Effect.provide(worldWith(network))))

  it.effect("a failure does not report causes of a foreign operation without a token", () =>
    Effect.gen(function*() {
      yield* failResource("Topic", "quota")
      const { events, ...cloudFormation } = yield* CloudFormation
      const outcome = yield* runToEnd(eventOf()).pipe(
        Effect.provideService(CloudFormation, {
          ...cloudFormation,
          events: (stack, areEnough) => Effect.map(events(stack, areEnough), (all) => [...all, foreignFailure(stack)])
        })
      )
      assert.strictEqual(outcome.message, failed("Topic (AWS::SNS::Topic): quota"))
    }).pipe(Effect.provide(worldWith(network))))

  it.effect("a failure in nested stacks names the resource and not the nested stacks", () =>
    Effect.gen(function*() {
      yield* failResource("Queue", "quota")
      const { message } = yield* runToEnd(eventOf())
      assert.strictEqual(message, failed("Network/Inner/Queue (AWS::SQS::Queue): quota"))
    }).pipe(Effect.provide(worldWith(network))))

  it.effect("a failure in a nested stack whose events cannot be read is reported in the parent's words", () =>
    Effect.gen(function*() {
      yield* failResource("Queue", "quota")
      const cloudFormation = yield* CloudFormation
      const silent = new AwsUnavailable({ operation: "o", code: "Throttling", detail: "Rate exceeded" })
      const { message } = yield* Effect.provideService(runToEnd(eventOf()), CloudFormation, {
        ...cloudFormation,
        events: (stack, ...rest) =>
          stack.includes("Inner") ? Effect.fail(silent) : cloudFormation.events(stack, ...rest)
      })
      assert.match(
        message,
        /^Update failed: .*\nNetwork\/Inner \(AWS::CloudFormation::Stack\): Embedded stack arn:.*Queue/
      )
    }).pipe(Effect.provide(worldWith(network))))

  it.effect.each(["0 seconds", "10 minutes", "1 day"] as const)(
    "a failure in a long history has its cause if DescribeEvents is denied and Lambda's clock is ahead by %s",
    (ahead) =>
      Effect.gen(function*() {
        yield* failResource("T0", "quota")
        yield* deny("cloudformation:DescribeEvents")
        yield* putTemplate(nestingTemplate(network))
        yield* runToEnd(eventOf({}, { id: "earlier" }))
        yield* putTemplate(nestingTemplate(manyTopics))
        const { message } = yield* withClockAhead(ahead)(runToEnd(eventOf({ progress: false }, { id: "1" })))
        assert.match(message, /^Update failed: UPDATE_ROLLBACK_COMPLETE\nT0 \(AWS::SNS::Topic\): quota\n/)
      }).pipe(Effect.provide(worldWith(network)))
  )

  it.effect("a failure that a hook caused reports the hook's reason", () =>
    Effect.gen(function*() {
      yield* CloudFormationMemory.use(({ failHook }) => failHook("Bucket", "Org::Policy::Hook", "must be encrypted"))
      const { message } = yield* runToEnd(eventOf())
      assert.strictEqual(message, failed("Bucket (AWS::S3::Bucket): hook Org::Policy::Hook failed: must be encrypted"))
    }).pipe(Effect.provide(worldWith({ Topic: "AWS::SNS::Topic", Bucket: "AWS::S3::Bucket" }))))

  const invalid = CloudFormationMemory.use(({ failValidation }) => failValidation("Topic", "it has no property Nmae"))

  it.effect("a failed validation is reported with the reason that only DescribeEvents shows", () =>
    Effect.gen(function*() {
      yield* invalid
      const { message } = yield* runToEnd(eventOf())
      assert.strictEqual(
        message,
        failed(
          "Topic (AWS::SNS::Topic): validation AWS::EarlyValidation::PropertyValidation failed: it has no property Nmae"
        )
      )
    }).pipe(Effect.provide(worldWith(network))))

  it.effect("without DescribeEvents, a failed validation is reported in the stack's words", () =>
    Effect.gen(function*() {
      yield* invalid
      yield* deny("cloudformation:DescribeEvents")
      const { message } = yield* runToEnd(eventOf())
      assert.match(
        message,
        /\nThe following hook\(s\)\/validation failed: \[AWS::EarlyValidation::PropertyValidation\]/
      )
    }).pipe(Effect.provide(worldWith(network))))

  it.effect("a failed update says that the stack is as it was", () =>
    Effect.gen(function*() {
      yield* runToEnd(eventOf({}, { id: "1" }))
      yield* putTemplate(nestingTemplate({ ...network, Second: "AWS::SNS::Topic" }))
      yield* failResource("Second", "quota")
      const { message } = yield* runToEnd(eventOf({}, { id: "2" }))
      assert.strictEqual(
        message,
        "Update failed: UPDATE_ROLLBACK_COMPLETE\nSecond (AWS::SNS::Topic): quota\n" +
          "Stack \"MyTestStack\" is as it was before: fix the cause, then deploy it again"
      )
    }).pipe(Effect.provide(worldWith(network))))

  it.effect("DescribeEvents is not called if the stack's events show the cause", () =>
    Effect.gen(function*() {
      yield* failResource("Queue", "quota")
      const cloudFormation = yield* CloudFormation
      const { message } = yield* Effect.provideService(runToEnd(eventOf()), CloudFormation, {
        ...cloudFormation,
        failedEvents: () => Effect.die("stacksRead")
      })
      assert.include(message, "quota")
    }).pipe(Effect.provide(worldWith(network))))
})

/** The events of a stack, one per second, newest first. */
const historyOf = (stackId: string, ...events: ReadonlyArray<Partial<StackEvent>>): ReadonlyArray<StackEvent> =>
  Array.from(events, (event, index) => ({
    stackId,
    timestamp: 1_000 * index,
    logicalResourceId: "",
    resourceType: "AWS::SQS::Queue",
    status: "CREATE_FAILED",
    ...event
  })).toReversed()

const nested = (logicalResourceId: string): Partial<StackEvent> => ({
  logicalResourceId,
  physicalResourceId: `arn:stack/${logicalResourceId}`,
  resourceType: "AWS::CloudFormation::Stack",
  reason: "Embedded stack failed"
})

/** The causes of a failure of the stack `arn:stack/S`, and the stacks whose events were read for them. */
const diagnosed = Effect.fnUntraced(
  function*(histories: Readonly<Record<string, ReadonlyArray<Partial<StackEvent>>>>) {
    const stacksRead: Array<string> = []
    const cloudFormation = Layer.mock(CloudFormation, {
      events: (stack) =>
        Effect.sync(() => {
          stacksRead.push(stack)
          return historyOf(stack, ...(histories[stack.replace("arn:stack/", "")] ?? []))
        }),
      failedEvents: () => Effect.succeed([])
    })
    const history = historyOf("arn:stack/S", ...(histories["S"] ?? []))
    const causes = yield* diagnose(history, history).pipe(Effect.provide(cloudFormation))
    return { causes, stacksRead }
  }
)

const queue = (logicalResourceId: string, reason: string) => ({ logicalResourceId, reason })

describe("the causes of a failure", () => {
  it.effect("the causes in all stacks are in the order of their time", () =>
    Effect.gen(function*() {
      const { causes } = yield* diagnosed({
        S: [queue("First", "a"), nested("N"), queue("Last", "c"), { status: "ROLLBACK_COMPLETE" }],
        N: [{ status: "CREATE_IN_PROGRESS" }, queue("Inner", "b")]
      })
      assert.deepStrictEqual(causes, [
        "First (AWS::SQS::Queue): a",
        "N/Inner (AWS::SQS::Queue): b",
        "Last (AWS::SQS::Queue): c"
      ])
    }))

  it.effect("the events of a nested stack that fails again in its rollback are read once", () =>
    Effect.gen(function*() {
      const { stacksRead, causes } = yield* diagnosed({ S: [nested("N"), nested("N")], N: [queue("Inner", "b")] })
      assert.deepStrictEqual(causes, ["N/Inner (AWS::SQS::Queue): b"])
      assert.lengthOf(stacksRead, 1)
    }))

  it.effect("the cancellation of a nested stack is not a cause", () =>
    Effect.gen(function*() {
      const { causes } = yield* diagnosed({
        S: [queue("A", "quota"), nested("N")],
        N: [queue("B", "Resource creation cancelled")]
      })
      assert.deepStrictEqual(causes, ["A (AWS::SQS::Queue): quota"])
    }))

  it.effect("failures of a nested stack before or after the operation are not causes", () =>
    Effect.gen(function*() {
      const { causes } = yield* diagnosed({
        S: [queue("A", "quota"), nested("N")],
        N: [
          { ...queue("Before", "no"), timestamp: -1 },
          queue("During", "yes"),
          { ...queue("After", "no"), timestamp: 2_000 }
        ]
      })
      assert.deepStrictEqual(causes, ["A (AWS::SQS::Queue): quota", "N/During (AWS::SQS::Queue): yes"])
    }))

  it.effect("the events of at most twenty nested stacks are read, even if they contain each other", () =>
    Effect.gen(function*() {
      const wide = yield* diagnosed({ S: Array.from({ length: 25 }, (_, index) => nested(`N${index}`)) })
      assert.lengthOf(wide.stacksRead, 20)
      assert.lengthOf(wide.causes, 25)
      const circular = yield* diagnosed({ S: [nested("N")], N: [nested("N")] })
      assert.lengthOf(circular.stacksRead, 1)
    }))
})
