// Explicit-state model checking of the modes of DeployStack that work with change sets (DeployStack.test.ts says how).
//
// changeSets.ts has the change sets of the abstract machine. Other actors execute, delete and replace them, or change the
// stack. The state before the last change can be read late: the stack, its events and the change set, each on its own.
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { DeployStack } from "../../src/actions/deployStack/DeployStack.ts"
import { ArtifactStoreMemory } from "../../src/testing/ArtifactStoreMemory.ts"
import { sampleTemplate } from "../fixtures.ts"
import * as ChangeSets from "./changeSets.ts"
import * as Cloud from "./cloud.ts"
import { checkEach } from "./modelChecker.ts"
import { nextStep } from "./program.ts"
import { type FaultBudget, type Invariants, type Model, transitionSystem } from "./system.ts"

const minute = 60_000
const day = 24 * 60 * minute
const now = 2 * day

const artifacts = ArtifactStoreMemory.layer({ MyTemplate: { "template-package/template.json": sampleTemplate } })
const required = { stack: Cloud.name, file: "template-package/template.json", artifact: "MyTemplate" }

const isDeleted = ({ stacks }: Cloud.Cloud, id: string) => Cloud.find(stacks, id)?.status === "DELETE_COMPLETE"

const isExecution = ({ token }: Cloud.ModelOperation) => token.startsWith("execute-")

const invariants: Invariants = {
  onOperationStarted: ({ operations }) => {
    const tokens = operations.map(({ token }) => token)
    return new Set(tokens).size < tokens.length ? `started twice: ${tokens.join()}` : undefined
  },
  onReport: (outcome, cloud, { answers, operationsSeen }) => {
    const { operations, stacks, template } = cloud
    const results = operations.filter(isExecution).map(({ result }) => result)
    if (outcome._tag === "Succeeded" && !results.includes("succeeded") && template !== "same") {
      return `success, but own executions: ${results.join() || "none"}`
    }
    if (outcome._tag !== "Failed") return undefined
    if (results.length === 0 && outcome.message.includes("accepted the operation")) {
      return "failure that speaks of an own execution, but there is none"
    }
    const known = operations.slice(0, operationsSeen).filter((operation) =>
      isExecution(operation) && !isDeleted(cloud, operation.stack)
    )
    if (known.some(({ result }) => result !== "failed")) return `failure, but own executions: ${results.join()}`
    // A late second delivery of the first job can create the stack again after the action has deleted it.
    if (operations.some(({ token }) => token.startsWith("delete-"))) return undefined
    const isComplete = answers.every(({ answer }) => answer._tag !== "Unavailable")
    const isLeft = isComplete &&
      stacks.some(({ changeSets = [], status }) =>
        status === "REVIEW_IN_PROGRESS" && changeSets.length > 0 &&
        changeSets.every(({ description, status }) => description !== "" && status === "failed")
      )
    return isLeft ? "failure, and the empty stack of the failed change set is left" : undefined
  }
}

/** For an ARN: no other change set is executed. */
const invariantsOfArn = (arn: string): Invariants => ({
  ...invariants,
  onOperationStarted: (cloud, execution) =>
    cloud.operations.some(({ changeSet = arn }) => changeSet !== arn)
      ? "another change set than the one of the ARN was executed"
      : invariants.onOperationStarted(cloud, execution)
})

/** For CHANGE_SET_REPLACE: nothing is executed, and success means that an own change set was created. */
const invariantsOfReplacing: Invariants = {
  onOperationStarted: (cloud, execution) =>
    cloud.operations.some(isExecution) ? "a change set was executed" : invariants.onOperationStarted(cloud, execution),
  onReport: (outcome, cloud, execution) => {
    const own = cloud.stacks.flatMap(({ changeSets = [] }) => changeSets).filter(({ description }) =>
      description !== ""
    )
    const isShown = execution.answers.some(({ answer }) =>
      answer._tag === "ChangeSet" && answer.changeSet !== undefined && answer.changeSet.description !== ""
    )
    if (outcome._tag === "Succeeded") return isShown ? undefined : "success, but no own change set"
    if (outcome._tag === "Continued") return undefined
    const isDiscarded = cloud.operations.some(({ token }) => token.startsWith("delete-"))
    return !isDiscarded && own.some(({ status }) => status === "available" || status === "creating")
      ? "failure, but the change set exists"
      : invariants.onReport(outcome, cloud, execution)
  }
}

/**
 * For `expectNoReplacement`: a change set that replaces a table is not executed, and its action does not succeed. If
 * `isDeleted`, no own change set is left: a second delivery of the first job can create it again.
 */
const invariantsOfGuarded = (isDeleted: boolean): Invariants => ({
  onOperationStarted: ({ operations }) => operations.some(isExecution) ? "a change set was executed" : undefined,
  onReport: (outcome, { stacks }) => {
    if (outcome._tag === "Succeeded") return "success, but the change set replaces a table"
    const own = stacks.flatMap(({ changeSets = [] }) => changeSets).filter(({ description }) => description !== "")
    return isDeleted && outcome._tag === "Failed" && own.length > 0 ? "failure, but the change set exists" : undefined
  }
})

const stackIn = (status: string | undefined): Cloud.Cloud => ({
  ...Cloud.cloudWith(status, "new", now, day),
  isBrief: true
})
const ready = [undefined, "CREATE_COMPLETE"].map(stackIn)
const withTemplate = (clouds: ReadonlyArray<Cloud.Cloud>, template: Cloud.Template) =>
  clouds.map((cloud) => ({ ...cloud, template }))

/** The stack in this status has an available change set, which another actor created a minute ago. */
const named = (status: string): Cloud.Cloud => ({
  ...ChangeSets.add({ ...stackIn(status), now: now - minute }, Cloud.idOf(0), "Next", "", "available"),
  now
})
const namedInUse = named("CREATE_COMPLETE")
const namedOfNew = named("REVIEW_IN_PROGRESS")
const arn = namedInUse.stacks[0]?.changeSets?.[0]?.id ?? ""

const noFaults: FaultBudget = { redeliveries: 0, callFaults: 0, otherActors: 0, staleReads: 0 }

const modelOf = (
  userParameters: object,
  initialClouds: ReadonlyArray<Cloud.Cloud>,
  budget: Partial<FaultBudget>,
  more: Partial<Model> = {}
): Model => ({
  mayReadEvents: true,
  userParameters: { progress: false, ...userParameters },
  initialClouds,
  budget: { ...noFaults, ...budget },
  parameters: [],
  hasDefaults: false,
  token: null,
  invariants,
  nextStep: (event, now, answers) => nextStep(DeployStack, artifacts, event, now, answers),
  ...more
})

const execute = { stack: Cloud.name, mode: "CHANGE_SET_EXECUTE", changeSet: "Next" }
const deploy = { ...required, mode: "CHANGE_SET_DEPLOY" }
const replacing = (...[clouds, budget]: readonly [ReadonlyArray<Cloud.Cloud>, Partial<FaultBudget>]) =>
  modelOf({ ...required, mode: "CHANGE_SET_REPLACE", changeSet: "Next", progress: undefined }, clouds, budget, {
    invariants: invariantsOfReplacing
  })
const byArn = { ...execute, changeSet: arn }
const guarded = (userParameters: object, budget: Partial<FaultBudget>, isDeleted: boolean) =>
  modelOf({ ...userParameters, expectNoReplacement: true }, [namedInUse], budget, {
    invariants: invariantsOfGuarded(isDeleted)
  })
const replacingNamed = { ...required, mode: "CHANGE_SET_REPLACE", changeSet: "Next", progress: undefined }

const models: ReadonlyArray<readonly [name: string, model: Model]> = [
  [
    "CHANGE_SET_EXECUTE, a redelivery and a stale read",
    modelOf(execute, [namedInUse, namedOfNew], { redeliveries: 1, staleReads: 1 })
  ],
  [
    "CHANGE_SET_EXECUTE, a redelivery and a call fault",
    modelOf(execute, [namedInUse], { redeliveries: 1, callFaults: 1 })
  ],
  [
    "CHANGE_SET_EXECUTE, a call fault and two stale reads",
    modelOf(execute, [namedInUse], { callFaults: 1, staleReads: 2 })
  ],
  [
    "CHANGE_SET_EXECUTE, another actor and a stale read",
    modelOf(execute, [namedInUse, namedOfNew], { otherActors: 1, staleReads: 1 })
  ],
  [
    "CHANGE_SET_EXECUTE, another actor and a call fault",
    modelOf(execute, [namedInUse], { otherActors: 1, callFaults: 1 })
  ],
  [
    "CHANGE_SET_EXECUTE that waits, another actor",
    modelOf({ ...execute, whenBusy: "wait" }, [namedInUse, namedOfNew], { otherActors: 1 })
  ],
  [
    "CHANGE_SET_EXECUTE by an ARN, two actions of others",
    modelOf(byArn, [namedInUse], { otherActors: 2 }, { invariants: invariantsOfArn(arn) })
  ],
  [
    "CHANGE_SET_EXECUTE without permission to read events, a redelivery",
    modelOf(execute, [namedInUse, namedOfNew], { redeliveries: 1 }, { mayReadEvents: false })
  ],
  ["CHANGE_SET_DEPLOY, a redelivery", modelOf(deploy, ready, { redeliveries: 1 })],
  [
    "CHANGE_SET_DEPLOY, a call fault and a stale read",
    modelOf(deploy, [stackIn(undefined)], { callFaults: 1, staleReads: 1 })
  ],
  ["CHANGE_SET_DEPLOY, another actor", modelOf(deploy, ready, { otherActors: 1 })],
  [
    "CHANGE_SET_DEPLOY without changes, a redelivery and a call fault",
    modelOf(deploy, withTemplate([stackIn("CREATE_COMPLETE")], "same"), { redeliveries: 1, callFaults: 1 })
  ],
  [
    "CHANGE_SET_DEPLOY of a template that fails, a redelivery",
    modelOf(deploy, withTemplate(ready, "invalid"), { redeliveries: 1 })
  ],
  [
    "CHANGE_SET_DEPLOY with the name of another change set, another actor",
    modelOf({ ...deploy, changeSet: "Next" }, [namedInUse, namedOfNew], { otherActors: 1 })
  ],
  [
    "CHANGE_SET_REPLACE, a redelivery and a stale read",
    replacing([...ready, namedInUse], { redeliveries: 1, staleReads: 1 })
  ],
  ["CHANGE_SET_REPLACE, a call fault", replacing([...ready, namedInUse], { callFaults: 1 })],
  ["CHANGE_SET_REPLACE, another actor", replacing([...ready, namedInUse], { otherActors: 1 })],
  ["CHANGE_SET_DEPLOY that must not replace, a redelivery", guarded(deploy, { redeliveries: 1 }, false)],
  ["CHANGE_SET_DEPLOY that must not replace, two stale reads", guarded(deploy, { staleReads: 2 }, true)],
  [
    "CHANGE_SET_EXECUTE that must not replace, a redelivery and a call fault",
    guarded(execute, { redeliveries: 1, callFaults: 1 }, false)
  ],
  ["CHANGE_SET_REPLACE that must not replace, a redelivery", guarded(replacingNamed, { redeliveries: 1 }, false)],
  ["CHANGE_SET_REPLACE that must not replace, two stale reads", guarded(replacingNamed, { staleReads: 2 }, true)],
  [
    "CHANGE_SET_REPLACE with a template that fails, a redelivery",
    replacing(withTemplate([...ready, namedInUse], "invalid"), { redeliveries: 1 })
  ]
]

const deepModels: typeof models = [
  [
    "CHANGE_SET_EXECUTE, a redelivery, a call fault and a stale read",
    modelOf(execute, [namedInUse], { redeliveries: 1, callFaults: 1, staleReads: 1 })
  ],
  [
    "CHANGE_SET_EXECUTE, another actor and a redelivery",
    modelOf(execute, [namedInUse], { otherActors: 1, redeliveries: 1 })
  ],
  [
    "CHANGE_SET_EXECUTE without permission to read events, a redelivery and a call fault",
    modelOf(execute, [namedInUse, namedOfNew], { redeliveries: 1, callFaults: 1 }, { mayReadEvents: false })
  ],
  ["CHANGE_SET_DEPLOY, a redelivery and a call fault", modelOf(deploy, ready, { redeliveries: 1, callFaults: 1 })],
  ["CHANGE_SET_DEPLOY, a redelivery and a stale read", modelOf(deploy, ready, { redeliveries: 1, staleReads: 1 })],
  ["CHANGE_SET_DEPLOY, another actor and a call fault", modelOf(deploy, ready, { otherActors: 1, callFaults: 1 })],
  ["CHANGE_SET_DEPLOY, another actor and a redelivery", modelOf(deploy, ready, { otherActors: 1, redeliveries: 1 })]
]

const checkModel = (model: Model) => checkEach(transitionSystem(model))

describe("DeployStack with change sets keeps its invariants and always reaches a result", () => {
  it.effect.each(process.env["DEEP"] ? [...models, ...deepModels] : models)(
    "%s",
    ([name, model]) =>
      Effect.gen(function*() {
        const { counterexample, states, transitions } = yield* checkModel(model)
        process.stdout.write(`${states} states, ${transitions} transitions: ${name}\n`)
        if (counterexample !== undefined) assert.fail(counterexample.join("\n"))
      }),
    10 * minute
  )
})
