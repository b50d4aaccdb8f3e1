// Explicit-state model checking of the modes of DeployStack that work with change sets (DeployStack.test.ts says how).
//
// changeSets.ts has the change sets of the abstract machine. Other actors execute, delete and replace them, or change the
// stack. The state before the last change can be read late: the stack, its events and the change set, each on its own.
import { invariants, invariantsOfArn, invariantsOfGuarded, invariantsOfReplacing } from "./changeSetInvariants.ts"
import * as ChangeSets from "./changeSets.ts"
import * as Cloud from "./cloud.ts"
import type { FaultBudget, Model } from "./state.ts"
import * as Worlds from "./worlds.ts"
import { minute, noFaults, required, startTime as now, withTemplate, type World } from "./worlds.ts"

const stackIn = (status: string | undefined): Cloud.Cloud => ({
  ...Worlds.stackIn(status),
  isBrief: true
})
const ready = [undefined, "CREATE_COMPLETE"].map(stackIn)
/** The stack in this status has an available change set, which another actor created a minute ago. */
const named = (status: string): Cloud.Cloud => ({
  ...ChangeSets.add({ ...stackIn(status), now: now - minute }, Cloud.idOf(0), "Next", "", "available"),
  now
})
const namedInUse = named("CREATE_COMPLETE")
const namedOfNew = named("REVIEW_IN_PROGRESS")
const arn = namedInUse.stacks[0]?.changeSets?.[0]?.id ?? ""

const modelOf = (
  userParameters: object,
  initialClouds: ReadonlyArray<Cloud.Cloud>,
  budget: Partial<FaultBudget>,
  more: Partial<Model> = {}
): Model =>
  Worlds.modelOf({
    userParameters: { progress: false, ...userParameters },
    initialClouds,
    invariants,
    budget: { ...noFaults, ...budget },
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

const models: ReadonlyArray<World> = [
  [
    "CHANGE_SET_EXECUTE, a redelivery and a stale read",
    modelOf(execute, [namedInUse, namedOfNew], { redeliveries: 1, staleReads: 1 })
  ],
  [
    "CHANGE_SET_EXECUTE, a redelivery and a call fault",
    modelOf(execute, [namedInUse], { redeliveries: 1, callFaults: 1 })
  ],
  [
    "CHANGE_SET_EXECUTE, another actor and a stale read",
    modelOf(execute, [namedInUse, namedOfNew], { otherActors: 1, staleReads: 1 })
  ],
  ["CHANGE_SET_EXECUTE, two stale reads", modelOf(execute, [namedInUse], { staleReads: 2 })],
  [
    "CHANGE_SET_EXECUTE by an ARN, another actor",
    modelOf(byArn, [namedInUse], { otherActors: 1 }, { invariants: invariantsOfArn(arn) })
  ],
  [
    "CHANGE_SET_EXECUTE that waits, another actor",
    modelOf({ ...execute, whenBusy: "wait" }, [namedInUse, namedOfNew], { otherActors: 1 })
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

const deepModels: ReadonlyArray<World> = [
  [
    "CHANGE_SET_EXECUTE, a call fault and two stale reads",
    modelOf(execute, [namedInUse], { callFaults: 1, staleReads: 2 })
  ],
  [
    "CHANGE_SET_EXECUTE, another actor and a call fault",
    modelOf(execute, [namedInUse], { otherActors: 1, callFaults: 1 })
  ],
  [
    "CHANGE_SET_EXECUTE by an ARN, two actions of others",
    modelOf(byArn, [namedInUse], { otherActors: 2 }, { invariants: invariantsOfArn(arn) })
  ],
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

Worlds.checkWorlds(
  "DeployStack with change sets keeps its invariants and always reaches a result",
  models,
  deepModels
)
