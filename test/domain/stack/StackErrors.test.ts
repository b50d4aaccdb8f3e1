import { assert, describe, it } from "@effect/vitest"
import { AwsRejected, AwsUnavailable } from "../../../src/domain/job/AwsError.ts"
import {
  ChangeSetExists,
  ChangeSetNotReady,
  hasNoEvents,
  isChangeSetNotFound,
  isStackNotFound,
  NoUpdates,
  StackExists,
  StackNotReady,
  toChangeSetNotReady,
  TokenUsed,
  toNotStarted,
  toStackNotReady
} from "../../../src/domain/stack/StackErrors.ts"

const stack = "MyTestStack"
const arn = "arn:aws:cloudformation:us-east-1:123456789012:stack/MyTestStack/5c36ae10-1b4f-11f0-8d4e-000000000000"

const rejected = (detail: string, code = "ValidationError") =>
  new AwsRejected({ operation: "cloudformation:UpdateStack", code, detail })

const unavailable = (detail: string) =>
  new AwsUnavailable({ operation: "cloudformation:UpdateStack", code: "Throttling", detail })

describe("the status that forbids a call", () => {
  it.each([
    [`Stack:${arn} is in UPDATE_IN_PROGRESS state and can not be updated.`, "UPDATE_IN_PROGRESS"],
    [`Stack:${arn} is in ROLLBACK_COMPLETE state and can not be updated.`, "ROLLBACK_COMPLETE"],
    ["This stack is currently in a non-terminal [CREATE_IN_PROGRESS] state", "CREATE_IN_PROGRESS"],
    [`Stack [${stack}] cannot be deleted while in status UPDATE_IN_PROGRESS`, "UPDATE_IN_PROGRESS"],
    ["RollbackUpdatedStack cannot be called from current stack status", "unknown"],
    ["CancelUpdateStack cannot be called from current stack status", "unknown"]
  ])("is in CloudFormation's sentence: %s", (detail, status) => {
    assert.deepStrictEqual(toStackNotReady(stack, rejected(detail)), new StackNotReady({ stack, status }))
    assert.deepStrictEqual(toNotStarted(stack)(rejected(detail)), new StackNotReady({ stack, status }))
  })

  it.each([
    "Template format error: is in UPDATE_IN_PROGRESS state",
    `Stack [${stack}] cannot be deleted while TerminationProtection is enabled`,
    "The operation it cannot be called from current stack status",
    `Role of Stack:${arn} is in CREATE_COMPLETE state`
  ])("is not in other sentences: %s", (detail) => {
    const error = rejected(detail)
    assert.isUndefined(toStackNotReady(stack, error))
    assert.strictEqual(toNotStarted(stack)(error), error)
  })
})

it("the refusals name the stack and the change set", () => {
  assert.deepStrictEqual(
    [
      new NoUpdates({ stack }),
      new StackExists({ stack }),
      new TokenUsed({ stack }),
      new ChangeSetExists({ stack, changeSet: "Next" })
    ].map(({ message }) => message),
    [
      "There is nothing to update in stack \"MyTestStack\"",
      "Stack \"MyTestStack\" exists already",
      "The operation on stack \"MyTestStack\" was started before",
      "Stack \"MyTestStack\" has a change set \"Next\" already"
    ]
  )
})

it("a token that was used before is known by its code", () => {
  assert.deepStrictEqual(
    toNotStarted(stack)(rejected(`Stack:${arn} is in UPDATE_IN_PROGRESS state`, "TokenAlreadyExistsException")),
    new TokenUsed({ stack })
  )
})

describe("a missing stack", () => {
  it("has a sentence of its own for each call, and its name is the whole name", () => {
    const described = `Stack with id ${stack} does not exist`
    const events = `Stack [${stack}] does not exist`
    assert.isTrue(isStackNotFound(stack)(rejected(described)))
    assert.isTrue(hasNoEvents(stack)(rejected(events)))
    for (const other of [`${described}.`, `Stack with id ${stack}2 does not exist`, "Role arn:x does not exist"]) {
      assert.isFalse(isStackNotFound(stack)(rejected(other)))
      assert.isFalse(hasNoEvents(stack)(rejected(other)))
    }
  })

  it("is not concluded from an outage", () => {
    assert.isFalse(isStackNotFound(stack)(unavailable(`Stack with id ${stack} does not exist`)))
    assert.isFalse(hasNoEvents(stack)(unavailable(`Stack [${stack}] does not exist`)))
    assert.isFalse(isChangeSetNotFound(unavailable("ChangeSet [Next] does not exist")))
  })
})

describe("a change set", () => {
  it.each([
    ["ChangeSet [Next] does not exist", "ChangeSetNotFound"],
    ["", "ChangeSetNotFoundException"],
    [`Stack [${stack}] does not exist`, "ValidationError"],
    ["ChangeSet [Next] does not exist", "ValidationError"]
  ])("does not exist by its sentence or its code: %s %s", (detail, code) => {
    assert.isTrue(isChangeSetNotFound(rejected(detail, code)))
  })

  it.each(["The role of Stack [x] does not exist", "ChangeSet [Next] does not exist here"])(
    "may exist if CloudFormation says: %s",
    (detail) => {
      assert.isFalse(isChangeSetNotFound(rejected(detail)))
    }
  )

  it.each(["InvalidChangeSetStatus", "InvalidChangeSetStatusException"])("is not ready by the code %s", (code) => {
    assert.deepStrictEqual(
      toChangeSetNotReady({ stack, changeSet: "Next" }, rejected("It was executed", code)),
      new ChangeSetNotReady({ stack, changeSet: "Next", reason: "It was executed" })
    )
  })

  it("is not ready because of its stack, or fails as CloudFormation says", () => {
    const busy = rejected(`Stack:${arn} is in UPDATE_IN_PROGRESS state and can not be updated.`)
    assert.deepStrictEqual(
      toChangeSetNotReady({ stack, changeSet: "Next" }, busy),
      new StackNotReady({ stack, status: "UPDATE_IN_PROGRESS" })
    )
    const other = rejected("Something else")
    assert.strictEqual(toChangeSetNotReady({ stack, changeSet: "Next" }, other), other)
  })
})
