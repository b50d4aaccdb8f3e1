// DeployStack's transition system is explored whole, up to a bound, in a world where everything that is known to go
// wrong does: system.ts says what. The program is the real one, from the event to the report. DEEP=1 explores further:
// the README says how.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Schema } from "effect"
import * as Action from "../../src/Action.ts"
import { DeployStack } from "../../src/actions/deployStack/DeployStack.ts"
import { StackStatus } from "../../src/domain/stack/StackStatus.ts"
import { CloudFormation } from "../../src/services/CloudFormation.ts"
import { ArtifactStoreMemory } from "../../src/testing/ArtifactStoreMemory.ts"
import { sampleTemplate } from "../fixtures.ts"
import * as Cloud from "./cloud.ts"
import { explore } from "./explore.ts"
import { next } from "./program.ts"
import { type Laws, type Setting, systemOf } from "./system.ts"

const minute = 60_000
const day = 24 * 60 * minute
const now = 2 * day

const artifacts = ArtifactStoreMemory.layer({ MyTemplate: { "template-package/template.json": sampleTemplate } })
const parameters = { stack: Cloud.name, file: "template-package/template.json", artifact: "MyTemplate" }

const isDeleted = ({ stacks }: Cloud.Cloud, id: string) => Cloud.find(stacks, id)?.status === "DELETE_COMPLETE"

const laws: Laws = {
  onBegin: (cloud) => {
    // What somebody has deleted in between shows nothing of what was begun on it.
    const tokens = cloud.operations.filter(({ stack }) => !isDeleted(cloud, stack)).map(({ token }) => token)
    return tokens.length > 1 ? `begun twice: ${tokens.join()}` : undefined
  },
  onReport: (outcome, cloud, { answers, seen }) => {
    const { operations } = cloud
    if (outcome.message.length > (outcome._tag === "Failed" ? 5_000 : 2_048)) return "the message is too long"
    if (outcome._tag === "Continued" && outcome.continuationToken.length > 2_048) return "the token is too long"
    const results = operations.map(({ result }) => result)
    const noUpdates = answers.some(({ _tag }) => _tag === "NoUpdates")
    if (outcome._tag === "Succeeded" && !results.includes("succeeded") && !noUpdates) {
      return `success, but ours: ${results.join() || "none"}`
    }
    // Of two deliveries at the same time one may refuse what the other begins when the stack comes free in between; and
    // what somebody has deleted is lost, whatever became of it before.
    const known = operations.some(({ stack }) => isDeleted(cloud, stack)) ? [] : operations.slice(0, seen)
    return outcome._tag === "Failed" && known.some(({ result }) => result !== "failed")
      ? `failure, but ours: ${results.join()}`
      : undefined
  }
}

/** Each operation once; it is the last that was asked for. */
const lawsOfReplacing: Laws = {
  onBegin: (cloud) => {
    const tokens = cloud.operations.map(({ token }) => token)
    return new Set(tokens).size < tokens.length ? `begun twice: ${tokens.join()}` : undefined
  },
  onReport: (outcome, cloud, running) => {
    // A stack that is deleted in order to be replaced is no loss.
    const operations = cloud.operations.filter(({ token }) => !token.startsWith("delete-"))
    const deleted = cloud.operations.filter(({ result, token }) => token.startsWith("delete-") && result !== "failed")
    const seen = Math.max(0, running.seen - cloud.operations.length + operations.length)
    if (outcome._tag === "Failed" && operations.length === 0 && deleted.some(({ result }) => result === "running")) {
      return "failure, but the stack is still being deleted"
    }
    return laws.onReport(outcome, { ...cloud, operations }, { ...running, seen })
  }
}

/** Whoever has deleted the stack: it is gone. */
const lawsOfDeleting: Laws = {
  onBegin: laws.onBegin,
  onReport: (outcome, { operations, stacks }, { seen }) => {
    const gone = Cloud.find(stacks, Cloud.name) === undefined
    if (outcome._tag === "Succeeded" && !gone) return "success, but the stack is there"
    return outcome._tag === "Failed" && operations.slice(0, seen).some(({ result }) => result !== "failed")
      ? "failure, but the delete is under way, or done"
      : undefined
  }
}

/** Where nothing is known of the operation, because the token is another program's, the stack's status has to do. */
const lawsOfStatus: Laws = {
  onBegin: () => "begun, although another program had begun already",
  onReport: (outcome, { stacks }) => {
    const status = Cloud.find(stacks, Cloud.name)?.status ?? ""
    if (outcome._tag === "Continued") return undefined
    return (outcome._tag === "Succeeded") === /^(CREATE|UPDATE|IMPORT)_COMPLETE$/.test(status)
      ? undefined
      : `${outcome._tag}, but the stack is ${status}`
  }
}

const stackIn = (status: string | undefined) => Cloud.cloudWith(status, "new", now, day)

const every = [undefined, ...StackStatus.literals, "MOVE_IN_PROGRESS", "MOVE_COMPLETE"].map(stackIn)
const free = [undefined, "CREATE_COMPLETE"].map(stackIn)
const busy = ["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"].map(stackIn)

/** Stacks and templates of which something else is true than that they are old and new. */
const justMade = Cloud.cloudWith("CREATE_COMPLETE", "new", now, minute)
const odd = [
  justMade,
  ...free.flatMap((cloud) => [{ ...cloud, template: "same" } as const, { ...cloud, template: "wrong" } as const])
]

const none = { deliveries: 0, faults: 0, others: 0, stale: 0 }
const twice = { ...none, deliveries: 1 }

const settingOf = (setting: Pick<Setting, "initial" | "budget"> & Partial<Setting>): Setting => ({
  mayReadEvents: true,
  userParameters: parameters,
  token: null,
  laws,
  next: (event, now, answers) => next(DeployStack, artifacts, event, now, answers),
  ...setting
})

/** The stack that is named by its ARN is deleted; under its name there is none, or another. */
const gone = Cloud.cloudWith("DELETE_COMPLETE", "new", now, 2 * day)
const { stacks: anew } = Cloud.cloudWith("CREATE_COMPLETE", "new", now, day, 1)
const madeAnew = [gone, { ...gone, stacks: [...gone.stacks, ...anew] }]
const byArn = { userParameters: { ...parameters, stack: Cloud.idOf(0) } }

const whenBusy = { userParameters: { ...parameters, whenBusy: "wait", waitForCleanup: false } }
const unseen = { userParameters: { ...parameters, progress: false } }
const denied = { mayReadEvents: false }
const replacing = { userParameters: { ...parameters, mode: "REPLACE_ON_FAILURE" }, laws: lawsOfReplacing }
const deleting = { userParameters: { stack: Cloud.name, mode: "DELETE_ONLY" }, laws: lawsOfDeleting }
const failed = ["ROLLBACK_COMPLETE", "DELETE_FAILED", "REVIEW_IN_PROGRESS"].map(stackIn)

const worlds: ReadonlyArray<readonly [name: string, setting: Setting]> = [
  ["every status, events twice", settingOf({ initial: every, budget: twice })],
  ["odd stacks and templates, events twice, faults", settingOf({ initial: odd, budget: { ...twice, faults: 1 } })],
  ["events twice, faults", settingOf({ initial: free, budget: { ...twice, faults: 1 } })],
  ["events twice, stale reads", settingOf({ initial: free, budget: { ...twice, stale: 1 } })],
  ["other actors, faults", settingOf({ initial: free, budget: { ...none, others: 1, faults: 1 } })],
  ["other actors, events twice", settingOf({ initial: [stackIn(undefined)], budget: { ...twice, others: 1 } })],
  ["waiting, not settling; events twice", settingOf({ initial: busy, budget: twice, ...whenBusy })],
  ["no progress, events twice, stale reads", settingOf({ initial: free, budget: { ...twice, stale: 1 }, ...unseen })],
  [
    "a stack that somebody has just made, events twice, stale reads",
    settingOf({ initial: [justMade], budget: { ...twice, stale: 1 }, ...unseen })
  ],
  ["replacing, events twice", settingOf({ initial: failed, budget: twice, ...replacing })],
  [
    "replacing, faults, stale reads",
    settingOf({ initial: [stackIn("ROLLBACK_COMPLETE")], budget: { ...none, faults: 1, stale: 1 }, ...replacing })
  ],
  ["the ARN of a stack that is gone, events twice", settingOf({ initial: madeAnew, budget: twice, ...byArn })],
  ["deleting every status, events twice", settingOf({ initial: every, budget: twice, ...deleting })],
  [
    "deleting, faults, stale reads",
    settingOf({ initial: free, budget: { ...none, faults: 1, stale: 1 }, ...deleting })
  ],
  ["no events, events twice, stale reads", settingOf({ initial: free, budget: { ...twice, stale: 1 }, ...denied })],
  ["no events, faults", settingOf({ initial: free, budget: { ...none, faults: 2 }, ...denied })],
  [
    "another program's token, events twice, faults",
    settingOf({
      initial: every.slice(1),
      budget: { ...twice, faults: 1 },
      token: JSON.stringify({ previous_job_id: "c0d76431-b0e7-xmpl-97e3-e8ee786eb6f6" }),
      laws: lawsOfStatus
    })
  ]
]

const deep: typeof worlds = [
  ["replacing, events twice, faults", settingOf({ initial: failed, budget: { ...twice, faults: 1 }, ...replacing })],
  [
    "deleting every status, events twice, faults",
    settingOf({ initial: every, budget: { ...twice, faults: 1 }, ...deleting })
  ],
  ["every status, events twice, faults", settingOf({ initial: every, budget: { ...twice, faults: 1 } })],
  ["other actors, events twice, stale reads", settingOf({ initial: free, budget: { ...twice, others: 1, stale: 1 } })],
  ["other actors twice, faults", settingOf({ initial: free, budget: { ...none, others: 2, faults: 1 } })],
  [
    "waiting, not settling; other actors, events twice",
    settingOf({ initial: busy, budget: { ...twice, others: 1 }, ...whenBusy })
  ],
  ["no events, events twice, faults", settingOf({ initial: free, budget: { ...twice, faults: 1 }, ...denied })]
]

/** Each start is explored for itself: they have no states in common, and their memory is given back. */
const exploreAll = Effect.fnUntraced(function*(setting: Setting) {
  const system = systemOf(setting)
  let states = 0
  let transitions = 0
  for (const start of system.initial) {
    const explored = yield* explore({ ...system, initial: [start] })
    states += explored.states
    transitions += explored.transitions
    if (explored.broken !== undefined) return { states, transitions, broken: explored.broken }
  }
  return { states, transitions, broken: undefined }
})

const timeout = 30 * minute

describe("DeployStack keeps its laws", () => {
  it.effect.each(process.env["DEEP"] ? [...worlds, ...deep] : worlds)(
    "%s",
    ([name, setting]) =>
      Effect.gen(function*() {
        const { broken, states, transitions } = yield* exploreAll(setting)
        process.stdout.write(`${states} states, ${transitions} transitions: ${name}\n`)
        if (broken !== undefined) assert.fail(broken.join("\n"))
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

/** Goes by the status alone, as AWS's sample does. */
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

describe("an action that goes by the status alone", () => {
  const lawless = settingOf({
    initial: [stackIn("CREATE_COMPLETE")],
    budget: none,
    next: (event, now, answers) => next(byStatus, artifacts, event, now, answers)
  })

  it.effect.each<readonly [evil: string, budget: Partial<Setting["budget"]>, breaks: RegExp]>([
    ["stale reads", { stale: 1 }, /success, but ours: running/],
    ["events that come twice", { deliveries: 1 }, /failure, but ours: running/],
    ["other actors", { others: 1 }, /(success, but ours: failed|failure, but ours: succeeded)/]
  ])("breaks the laws under %s", ([, budget, breaks]) =>
    Effect.gen(function*() {
      const { broken } = yield* exploreAll({ ...lawless, budget: { ...none, ...budget } })
      assert.match(broken?.join("\n") ?? "", breaks)
    }))
})
