// Explicit-state model checking of DeployStack: every interleaving of events, answers and faults is executed, up to a
// bound, and checked.
//
// What is a state? The stacks and operations of CloudFormation, the open job, the events that Lambda still has to
// deliver, and the functions that run, each with its event and the answers that it has got so far (system.ts). The
// program is the real one, JobRunner with DeployStack, from the event to the report; program.ts runs it up to its next
// call. CloudFormation is an abstract machine in cloud.ts, which shares no code with the program.
//
// What is a transition? One thing that happens: Lambda delivers an event, a function gets the answer to its call, or
// returns, or is killed; CloudFormation moves a stack to its next status; another actor changes the stack; time passes
// while the stack is idle.
//
// What is checked?
// - Invariants (safety), at every start of an operation and at every report: no operation starts twice, and no result
//   contradicts what became of the action's own operation. `invariants` below has them, and the variants for modes that
//   replace or delete.
// - Liveness: from every state, a result is reachable. The path may use fair transitions only, which are those that
//   happen if one waits long enough. Faults and other actors are unfair: nothing may rely on them.
//
// What bounds the state space? A fault budget: how often Lambda redelivers, a call fails, another actor acts, or a read is
// stale. At most two functions run at a time. The list `models` combines start states with budgets; DEEP=1 adds
// `deepModels`, which take half an hour and 8 GB (docs/internals/guarantees.md says how to run them).
//
// ChangeSets.test.ts checks the modes that work with change sets in the same way.
//
// A violation is reported with the shortest sequence of transitions that leads to it. The last tests show that the
// checker finds faults: it refutes an action that judges by the stack's status alone, as AWS's sample does.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Schema } from "effect"
import * as Action from "../../src/Action.ts"
import { DeployStack } from "../../src/actions/deployStack/DeployStack.ts"
import type { JobOutcome } from "../../src/domain/job/JobOutcome.ts"
import { StackStatus } from "../../src/domain/stack/StackStatus.ts"
import { CloudFormation } from "../../src/services/CloudFormation.ts"
import { ArtifactStoreMemory } from "../../src/testing/ArtifactStoreMemory.ts"
import { sampleTemplate } from "../fixtures.ts"
import * as Cloud from "./cloud.ts"
import { checkEach } from "./modelChecker.ts"
import { nextStep } from "./program.ts"
import { type Invariants, type Model, transitionSystem } from "./system.ts"

const minute = 60_000
const day = 24 * 60 * minute
const now = 2 * day

const artifacts = ArtifactStoreMemory.layer({ MyTemplate: { "template-package/template.json": sampleTemplate } })
const parameters = { stack: Cloud.name, file: "template-package/template.json", artifact: "MyTemplate" }

const isDeleted = ({ stacks }: Cloud.Cloud, id: string) => Cloud.find(stacks, id)?.status === "DELETE_COMPLETE"

/** Whether the outputs are older than an own operation's success on the same stack. A deleted stack has none. */
const lacksOutputs = (
  { externalExecutionId, outputVariables }: JobOutcome & { readonly _tag: "Succeeded" },
  cloud: Cloud.Cloud
) =>
  cloud.operations.some(({ revision = 0, stack }) =>
    stack === externalExecutionId && !isDeleted(cloud, stack) &&
    Number(outputVariables?.["Revision"] ?? 0) < revision
  )

const invariants: Invariants = {
  onOperationStarted: (cloud) => {
    // Operations on a stack that another actor has deleted are invisible to the action.
    const tokens = cloud.operations.filter(({ stack }) => !isDeleted(cloud, stack)).map(({ token }) => token)
    return tokens.length > 1 ? `started twice: ${tokens.join()}` : undefined
  },
  onReport: (outcome, cloud, { answers, operationsSeen }) => {
    const { operations } = cloud
    if (outcome.message.length > (outcome._tag === "Failed" ? 5_000 : 2_048)) return "the message is too long"
    if (outcome._tag === "Continued" && outcome.continuationToken.length > 2_048) return "the token is too long"
    const results = operations.map(({ result }) => result)
    const noUpdates = answers.some(({ answer }) => answer._tag === "NoUpdates")
    if (outcome._tag === "Succeeded" && !results.includes("succeeded") && !noUpdates) {
      return `success, but own operations: ${results.join() || "none"}`
    }
    if (outcome._tag === "Succeeded" && lacksOutputs(outcome, cloud)) return "success with outputs from before"
    // Of two deliveries at the same time, one may refuse a busy stack on which the other starts once it is free. Nothing
    // is known about operations on a stack that another actor has deleted.
    const known = operations.some(({ stack }) => isDeleted(cloud, stack)) ? [] : operations.slice(0, operationsSeen)
    return outcome._tag === "Failed" && known.some(({ result }) => result !== "failed")
      ? `failure, but own operations: ${results.join()}`
      : undefined
  }
}

/** For REPLACE_ON_FAILURE: each operation starts once; the result is that of the create or update. */
const invariantsOfReplacing: Invariants = {
  onOperationStarted: (cloud) => {
    const tokens = cloud.operations.map(({ token }) => token)
    return new Set(tokens).size < tokens.length ? `started twice: ${tokens.join()}` : undefined
  },
  onReport: (outcome, cloud, execution) => {
    // Deleting the stack is a part of replacing it.
    const operations = cloud.operations.filter(({ token }) => !token.startsWith("delete-"))
    const deleted = cloud.operations.filter(({ result, token }) => token.startsWith("delete-") && result !== "failed")
    const operationsSeen = Math.max(0, execution.operationsSeen - cloud.operations.length + operations.length)
    if (outcome._tag === "Failed" && operations.length === 0 && deleted.some(({ result }) => result === "running")) {
      return "failure, but the stack is still being deleted"
    }
    if (outcome._tag === "Failed" && operations.length === 0 && deleted.length > 0) {
      return "failure, but the stack is deleted and not created again"
    }
    return invariants.onReport(outcome, { ...cloud, operations }, { ...execution, operationsSeen })
  }
}

const isRollback = ({ token }: Cloud.ModelOperation) => /^(continue-)?rollback-/.test(token)

/** For `recover`: each operation starts once; the result is that of the update, or of the rollback that failed before it. */
const invariantsOfRecovering: Invariants = {
  onOperationStarted: invariantsOfReplacing.onOperationStarted,
  onReport: (outcome, cloud, execution) => {
    const operations = cloud.operations.filter((operation) => !isRollback(operation))
    const rollbacks = cloud.operations.filter(isRollback).filter(({ result }) => result !== "failed")
    if (outcome._tag === "Failed" && operations.length === 0 && rollbacks.length > 0) {
      return "failure, but the stack is being rolled back, or is rolled back and not deployed"
    }
    const operationsSeen = Math.max(0, execution.operationsSeen - cloud.operations.length + operations.length)
    return invariants.onReport(outcome, { ...cloud, operations }, { ...execution, operationsSeen })
  }
}

/** For ROLLBACK: success means that the own rollback has succeeded, or that the stack needed none. */
const invariantsOfRollingBack: Invariants = {
  onOperationStarted: invariantsOfReplacing.onOperationStarted,
  onReport: (outcome, { operations, stacks }, { operationsSeen }) => {
    const results = operations.map(({ result }) => result)
    const status = Cloud.find(stacks, Cloud.name)?.status
    const isAtRest = status === undefined || Cloud.updatable.has(status) || status === "REVIEW_IN_PROGRESS"
    if (outcome._tag === "Succeeded" && !results.includes("succeeded") && (operations.length > 0 || !isAtRest)) {
      return `success in ${status}, but own rollbacks: ${results.join() || "none"}`
    }
    return outcome._tag === "Failed" && operations.slice(0, operationsSeen).some(({ result }) => result !== "failed")
      ? `failure, but own rollbacks: ${results.join()}`
      : undefined
  }
}

/** For DELETE_ONLY: success means that the stack does not exist, whoever deleted it. */
const invariantsOfDeleting: Invariants = {
  onOperationStarted: invariants.onOperationStarted,
  onReport: (outcome, { operations, stacks }, { operationsSeen }) => {
    const isAbsent = Cloud.find(stacks, Cloud.name) === undefined
    if (outcome._tag === "Succeeded" && !isAbsent) return "success, but the stack exists"
    return outcome._tag === "Failed" && operations.slice(0, operationsSeen).some(({ result }) => result !== "failed")
      ? "failure, but the delete is in progress or complete"
      : undefined
  }
}

/**
 * Without permission to read events and with other actors: the result can be that of a later foreign operation, but not one
 * from before ours.
 */
const invariantsOfTimes: Invariants = {
  onOperationStarted: invariants.onOperationStarted,
  onReport: ({ _tag }, { operations }) =>
    _tag === "Succeeded" && operations.some(({ result }) => result === "running")
      ? "success, but the own operation is running"
      : undefined
}

/** A job that CodePipeline does not wait for deletes no stack that another actor has created since the first job. */
const invariantsOfLateJobs: Invariants = {
  onOperationStarted: ({ operations, stacks }, { isOpen, token }) => {
    const { stack = "", token: started = "" } = operations.at(-1) ?? {}
    const target = Cloud.find(stacks, stack)
    return !isOpen && started.startsWith("delete-") && !token?.includes(stack) && (target?.createdAt ?? 0) > now
      ? "a late job deletes the stack of another actor"
      : undefined
  },
  onReport: () => undefined
}

/** For a foreign token: nothing is known about the operation, so the stack's status is the result. */
const invariantsOfStatus: Invariants = {
  onOperationStarted: () => "started, although another program had started the operation",
  onReport: (outcome, { stacks }) => {
    const status = Cloud.find(stacks, Cloud.name)?.status ?? ""
    if (outcome._tag === "Continued") return undefined
    return (outcome._tag === "Succeeded") === /^(CREATE|UPDATE|IMPORT)_COMPLETE$/.test(status)
      ? undefined
      : `${outcome._tag}, but the stack is ${status}`
  }
}

const stackIn = (status: string | undefined) => Cloud.cloudWith(status, "new", now, day)

const everyStatus = [undefined, ...StackStatus.literals, "MOVE_IN_PROGRESS", "MOVE_COMPLETE"].map(stackIn)
const ready = [undefined, "CREATE_COMPLETE"].map(stackIn)
const busy = ["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"].map(stackIn)

const justCreated = Cloud.cloudWith("CREATE_COMPLETE", "new", now, minute)
/** A stack that was created a minute ago, and templates that are no update or invalid. */
const special = [
  justCreated,
  ...ready.flatMap((cloud) => [{ ...cloud, template: "same" } as const, { ...cloud, template: "invalid" } as const])
]

const noFaults = { redeliveries: 0, callFaults: 0, otherActors: 0, staleReads: 0 }
const redelivery = { ...noFaults, redeliveries: 1 }

const modelOf = (model: Pick<Model, "initialClouds" | "budget"> & Partial<Model>): Model => ({
  mayReadEvents: true,
  userParameters: parameters,
  parameters: [],
  hasDefaults: false,
  token: null,
  invariants,
  nextStep: (event, now, answers) => nextStep(DeployStack, artifacts, event, now, answers),
  ...model
})

/** UserParameters name a deleted stack by its ARN; the name is free, or another stack has it. */
const deleted = Cloud.cloudWith("DELETE_COMPLETE", "new", now, 2 * day)
const { stacks: successors } = Cloud.cloudWith("CREATE_COMPLETE", "new", now, day, 1)
const deletedByArn = [deleted, { ...deleted, stacks: [...deleted.stacks, ...successors] }]
const byArn = { userParameters: { ...parameters, stack: Cloud.idOf(0) } }

const waiting = { userParameters: { ...parameters, whenBusy: "wait", waitForCleanup: false } }
const withoutProgress = { userParameters: { ...parameters, progress: false } }
const withoutEvents = { mayReadEvents: false }
const replacing = { userParameters: { ...parameters, mode: "REPLACE_ON_FAILURE" }, invariants: invariantsOfReplacing }
const deleting = { userParameters: { stack: Cloud.name, mode: "DELETE_ONLY" }, invariants: invariantsOfDeleting }
const rollingBack = {
  userParameters: { stack: Cloud.name, mode: "ROLLBACK" },
  invariants: invariantsOfRollingBack
}
const recovering = { userParameters: { ...parameters, recover: true }, invariants: invariantsOfRecovering }
const recoverable = ["UPDATE_ROLLBACK_FAILED", "UPDATE_FAILED"].map(stackIn)
const brief = (clouds: ReadonlyArray<Cloud.Cloud>) => clouds.map((cloud) => ({ ...cloud, isBrief: true }))
const replaceable = ["ROLLBACK_COMPLETE", "DELETE_FAILED", "REVIEW_IN_PROGRESS"].map(stackIn)

const models: ReadonlyArray<readonly [name: string, model: Model]> = [
  ["every status, a redelivery", modelOf({ initialClouds: everyStatus, budget: redelivery })],
  [
    "special stacks and templates, a redelivery and a call fault",
    modelOf({ initialClouds: special, budget: { ...redelivery, callFaults: 1 } })
  ],
  ["a redelivery and a call fault", modelOf({ initialClouds: ready, budget: { ...redelivery, callFaults: 1 } })],
  ["a redelivery and a stale read", modelOf({ initialClouds: ready, budget: { ...redelivery, staleReads: 1 } })],
  [
    "without permission to read events, another actor and a stale read",
    modelOf({
      initialClouds: ready,
      budget: { ...noFaults, otherActors: 1, staleReads: 1 },
      ...withoutEvents,
      invariants: invariantsOfTimes
    })
  ],
  [
    "another actor and a redelivery",
    modelOf({ initialClouds: [stackIn(undefined)], budget: { ...redelivery, otherActors: 1 } })
  ],
  ["whenBusy wait without cleanup, a redelivery", modelOf({ initialClouds: busy, budget: redelivery, ...waiting })],
  [
    "a stack that another actor has just created, a redelivery and a stale read",
    modelOf({ initialClouds: [justCreated], budget: { ...redelivery, staleReads: 1 }, ...withoutProgress })
  ],
  [
    "REPLACE_ON_FAILURE keeps the values of parameters, a redelivery",
    modelOf({ initialClouds: replaceable, budget: redelivery, ...replacing, parameters: ["Name"] })
  ],
  [
    "REPLACE_ON_FAILURE keeps the values of parameters with defaults, a redelivery",
    modelOf({
      initialClouds: [stackIn("ROLLBACK_COMPLETE")],
      budget: redelivery,
      ...replacing,
      parameters: ["Name"],
      hasDefaults: true
    })
  ],
  [
    "DELETE_ONLY, another actor and a late redelivery",
    modelOf({
      initialClouds: [stackIn("CREATE_COMPLETE")],
      budget: { ...redelivery, otherActors: 1 },
      ...deleting,
      invariants: invariantsOfLateJobs
    })
  ],
  [
    "ROLLBACK in every status, a redelivery",
    modelOf({ initialClouds: brief(everyStatus), budget: redelivery, ...rollingBack })
  ],
  [
    "ROLLBACK, a call fault and a stale read",
    modelOf({
      initialClouds: brief(["UPDATE_ROLLBACK_FAILED", "CREATE_FAILED"].map(stackIn)),
      budget: { ...noFaults, callFaults: 1, staleReads: 1 },
      ...rollingBack
    })
  ],
  [
    "ROLLBACK without permission to read events, a redelivery",
    modelOf({ initialClouds: brief(recoverable), budget: redelivery, ...rollingBack, ...withoutEvents })
  ],
  [
    "a stack that CloudFormation deletes if it cannot create it, a redelivery",
    modelOf({
      initialClouds: [{ ...stackIn(undefined), isBrief: true, deletesFailed: true }],
      budget: redelivery,
      userParameters: { ...parameters, onStackFailure: "DELETE" }
    })
  ],
  [
    "recover, a redelivery",
    modelOf({ initialClouds: brief(recoverable), budget: redelivery, ...recovering })
  ],
  [
    "recover, a call fault",
    modelOf({ initialClouds: brief(recoverable), budget: { ...noFaults, callFaults: 1 }, ...recovering })
  ],
  [
    "recover, a stale read",
    modelOf({ initialClouds: brief(recoverable), budget: { ...noFaults, staleReads: 1 }, ...recovering })
  ],
  ["the ARN of a deleted stack, a redelivery", modelOf({ initialClouds: deletedByArn, budget: redelivery, ...byArn })],
  [
    "DELETE_ONLY in every status, a redelivery",
    modelOf({ initialClouds: everyStatus, budget: redelivery, ...deleting })
  ],
  [
    "DELETE_ONLY, a call fault and a stale read",
    modelOf({ initialClouds: ready, budget: { ...noFaults, callFaults: 1, staleReads: 1 }, ...deleting })
  ],
  [
    "without permission to read events, a redelivery and a stale read",
    modelOf({ initialClouds: ready, budget: { ...redelivery, staleReads: 1 }, ...withoutEvents })
  ],
  [
    "a foreign token, a redelivery and a call fault",
    modelOf({
      initialClouds: everyStatus.slice(1),
      budget: { ...redelivery, callFaults: 1 },
      token: JSON.stringify({ previous_job_id: "c0d76431-b0e7-xmpl-97e3-e8ee786eb6f6" }),
      invariants: invariantsOfStatus
    })
  ]
]

const deepModels: typeof models = [
  [
    "without progress, a redelivery and a stale read",
    modelOf({ initialClouds: ready, budget: { ...redelivery, staleReads: 1 }, ...withoutProgress })
  ],
  [
    "another actor and a call fault",
    modelOf({ initialClouds: [stackIn("CREATE_COMPLETE")], budget: { ...noFaults, otherActors: 1, callFaults: 1 } })
  ],
  [
    "without progress, another actor and two stale reads",
    modelOf({
      initialClouds: [stackIn("CREATE_COMPLETE")],
      budget: { ...noFaults, otherActors: 1, staleReads: 2 },
      ...withoutProgress
    })
  ],
  [
    "REPLACE_ON_FAILURE keeps the values of parameters, a call fault and a stale read",
    modelOf({
      initialClouds: [stackIn("ROLLBACK_COMPLETE")],
      budget: { ...noFaults, callFaults: 1, staleReads: 1 },
      ...replacing,
      parameters: ["Name"]
    })
  ],
  [
    "without permission to read events, two call faults",
    modelOf({ initialClouds: ready, budget: { ...noFaults, callFaults: 2 }, ...withoutEvents })
  ],
  [
    "ROLLBACK, a redelivery and a call fault",
    modelOf({ initialClouds: brief(recoverable), budget: { ...redelivery, callFaults: 1 }, ...rollingBack })
  ],
  [
    "recover, a redelivery and a call fault",
    modelOf({ initialClouds: brief(recoverable), budget: { ...redelivery, callFaults: 1 }, ...recovering })
  ],
  [
    "recover in REPLACE_ON_FAILURE, a redelivery and a stale read",
    modelOf({
      initialClouds: brief(recoverable),
      budget: { ...redelivery, staleReads: 1 },
      ...recovering,
      userParameters: { ...recovering.userParameters, mode: "REPLACE_ON_FAILURE" }
    })
  ],
  [
    "another actor and a call fault, without a stack",
    modelOf({ initialClouds: [stackIn(undefined)], budget: { ...noFaults, otherActors: 1, callFaults: 1 } })
  ],
  [
    "without progress, another actor and two stale reads, without a stack",
    modelOf({
      initialClouds: [stackIn(undefined)],
      budget: { ...noFaults, otherActors: 1, staleReads: 2 },
      ...withoutProgress
    })
  ],
  ["REPLACE_ON_FAILURE, a redelivery", modelOf({ initialClouds: replaceable, budget: redelivery, ...replacing })],
  [
    "REPLACE_ON_FAILURE, a call fault and a stale read",
    modelOf({
      initialClouds: [stackIn("ROLLBACK_COMPLETE")],
      budget: { ...noFaults, callFaults: 1, staleReads: 1 },
      ...replacing
    })
  ],
  [
    "REPLACE_ON_FAILURE, another actor and a late redelivery",
    modelOf({
      initialClouds: [stackIn("ROLLBACK_COMPLETE")],
      budget: { ...redelivery, otherActors: 1 },
      ...replacing,
      invariants: invariantsOfLateJobs
    })
  ],
  [
    "REPLACE_ON_FAILURE, a redelivery and a call fault",
    modelOf({ initialClouds: replaceable, budget: { ...redelivery, callFaults: 1 }, ...replacing })
  ],
  [
    "DELETE_ONLY in every status, a redelivery and a call fault",
    modelOf({ initialClouds: everyStatus, budget: { ...redelivery, callFaults: 1 }, ...deleting })
  ],
  [
    "every status, a redelivery and a call fault",
    modelOf({ initialClouds: everyStatus, budget: { ...redelivery, callFaults: 1 } })
  ],
  [
    "another actor, a redelivery and a stale read",
    modelOf({ initialClouds: ready, budget: { ...redelivery, otherActors: 1, staleReads: 1 } })
  ],
  [
    "two actions of others and a call fault",
    modelOf({ initialClouds: ready, budget: { ...noFaults, otherActors: 2, callFaults: 1 } })
  ],
  [
    "whenBusy wait without cleanup, another actor and a redelivery",
    modelOf({ initialClouds: busy, budget: { ...redelivery, otherActors: 1 }, ...waiting })
  ],
  [
    "without permission to read events, a redelivery and a call fault",
    modelOf({ initialClouds: ready, budget: { ...redelivery, callFaults: 1 }, ...withoutEvents })
  ]
]

const checkModel = (model: Model) => checkEach(transitionSystem(model))

const timeout = 30 * minute

describe("DeployStack keeps its invariants and always reaches a result", () => {
  it.effect.each(process.env["DEEP"] ? [...models, ...deepModels] : models)(
    "%s",
    ([name, model]) =>
      Effect.gen(function*() {
        const { counterexample, states, transitions } = yield* checkModel(model)
        process.stdout.write(`${states} states, ${transitions} transitions: ${name}\n`)
        if (counterexample !== undefined) assert.fail(counterexample.join("\n"))
      }),
    timeout
  )
})

class WentWrong extends Schema.TaggedError<WentWrong>()("WentWrong", {}) {}

const startByStatus = Effect.fnUntraced(function*({ execution: { firstJobId } }: Action.Invocation<unknown>) {
  const cloudFormation = yield* CloudFormation
  yield* cloudFormation.describe(Cloud.name)
  const request = { stack: Cloud.name, templateBody: "", clientRequestToken: `update-${firstJobId}` }
  yield* cloudFormation.update(request)
  return Action.Step.Continue({ message: "", state: null })
})

const resumeByStatus = Effect.fnUntraced(function*() {
  const cloudFormation = yield* CloudFormation
  const stack = yield* cloudFormation.describe(Cloud.name)
  const status = Option.match(stack, { onNone: () => "", onSome: ({ status }) => status })
  if (status.endsWith("_IN_PROGRESS")) return Action.Step.Continue({ message: "", state: null })
  if (/^(CREATE|UPDATE)_COMPLETE$/.test(status)) return Action.Step.Done({ message: "" })
  return yield* new WentWrong()
})

/** Judges by the stack's status alone, as AWS's sample does. */
const byStatus = Action.make({
  name: "by-status",
  parameters: Schema.String,
  state: Schema.Null,
  start: startByStatus,
  resume: resumeByStatus
})({
  ...Action.awsFailures,
  NoUpdates: "JobFailed",
  TokenUsed: "JobFailed",
  StackNotReady: "JobFailed",
  InsufficientCapabilities: "JobFailed",
  UnknownParameters: "JobFailed",
  WentWrong: "JobFailed"
})

describe("the model checker", () => {
  const faulty = modelOf({
    initialClouds: [stackIn("CREATE_COMPLETE")],
    budget: noFaults,
    nextStep: (event, now, answers) => nextStep(byStatus, artifacts, event, now, answers)
  })

  it.effect.each<readonly [faults: string, budget: Partial<Model["budget"]>, violation: RegExp]>([
    ["stale reads", { staleReads: 1 }, /success, but own operations: running/],
    ["redelivered events", { redeliveries: 1 }, /failure, but own operations: running/],
    ["other actors", { otherActors: 1 }, /(success, but own operations: failed|failure, but own operations: succeeded)/]
  ])(
    "with %s, the model checker refutes an action that judges by the stack's status alone",
    ([, budget, violation]) =>
      Effect.gen(function*() {
        const { counterexample } = yield* checkModel({ ...faulty, budget: { ...noFaults, ...budget } })
        assert.match(counterexample?.join("\n") ?? "", violation)
      })
  )
})
