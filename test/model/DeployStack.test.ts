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
// A violation is reported with the shortest sequence of transitions that leads to it. modelChecker.test.ts shows that
// the checker finds faults.
import { StackStatus } from "../../src/domain/stack/StackStatus.ts"
import * as Cloud from "./cloud.ts"
import {
  invariants,
  invariantsOfDeleting,
  invariantsOfLateJobs,
  invariantsOfRecovering,
  invariantsOfReplacing,
  invariantsOfRollingBack,
  invariantsOfStatus,
  invariantsOfTimes
} from "./invariants.ts"
import * as Worlds from "./worlds.ts"
import {
  brief,
  day,
  minute,
  noFaults,
  required as parameters,
  stackIn,
  startTime as now,
  type World
} from "./worlds.ts"

const everyStatus = [undefined, ...StackStatus.literals, "MOVE_IN_PROGRESS", "MOVE_COMPLETE"].map(stackIn)
const ready = [undefined, "CREATE_COMPLETE"].map(stackIn)
const busy = ["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"].map(stackIn)

const justCreated = Cloud.cloudWith("CREATE_COMPLETE", "new", now, minute)
/** A stack that was created a minute ago, and templates that are no update or invalid. */
const special = [
  justCreated,
  ...ready.flatMap((cloud) => [{ ...cloud, template: "same" } as const, { ...cloud, template: "invalid" } as const])
]

const redelivery = { ...noFaults, redeliveries: 1 }

const modelOf = (options: Partial<Worlds.WorldOptions> & Pick<Worlds.WorldOptions, "initialClouds">) =>
  Worlds.modelOf({ userParameters: parameters, invariants, ...options })

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
const replaceable = ["ROLLBACK_COMPLETE", "DELETE_FAILED", "REVIEW_IN_PROGRESS"].map(stackIn)

const models: ReadonlyArray<World> = [
  ["every status, a redelivery", modelOf({ initialClouds: brief(everyStatus), budget: redelivery })],
  ["special stacks and templates, a redelivery", modelOf({ initialClouds: special, budget: redelivery })],
  [
    "special stacks and templates, a call fault",
    modelOf({ initialClouds: special, budget: { ...noFaults, callFaults: 1 } })
  ],
  ["a redelivery and a call fault", modelOf({ initialClouds: ready, budget: { ...redelivery, callFaults: 1 } })],
  ["a redelivery and a stale read", modelOf({ initialClouds: ready, budget: { ...redelivery, staleReads: 1 } })],
  [
    "another actor and a redelivery",
    modelOf({ initialClouds: brief([stackIn(undefined)]), budget: { ...redelivery, otherActors: 1 } })
  ],
  [
    "whenBusy wait without cleanup, a redelivery",
    modelOf({ initialClouds: [stackIn("UPDATE_IN_PROGRESS")], budget: redelivery, ...waiting })
  ],
  [
    "a stack that another actor has just created, a redelivery and a stale read",
    modelOf({ initialClouds: [justCreated], budget: { ...redelivery, staleReads: 1 }, ...withoutProgress })
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
    "without permission to read events, a redelivery",
    modelOf({ initialClouds: ready, budget: redelivery, ...withoutEvents })
  ],
  [
    "without permission to read events, a stale read",
    modelOf({ initialClouds: ready, budget: { ...noFaults, staleReads: 1 }, ...withoutEvents })
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

const deepModels: ReadonlyArray<World> = [
  [
    "another actor and a redelivery, with all statuses of operations",
    modelOf({ initialClouds: [stackIn(undefined)], budget: { ...redelivery, otherActors: 1 } })
  ],
  [
    "every status, and every one that an operation passes through, a redelivery",
    modelOf({ initialClouds: everyStatus, budget: redelivery })
  ],
  [
    "special stacks and templates, a redelivery and a call fault",
    modelOf({ initialClouds: special, budget: { ...redelivery, callFaults: 1 } })
  ],
  [
    "without permission to read events, a redelivery and a stale read",
    modelOf({ initialClouds: ready, budget: { ...redelivery, staleReads: 1 }, ...withoutEvents })
  ],
  [
    "whenBusy wait without cleanup, in every busy status, a redelivery",
    modelOf({ initialClouds: busy, budget: redelivery, ...waiting })
  ],
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
    "REPLACE_ON_FAILURE keeps the values of parameters, a redelivery",
    modelOf({ initialClouds: replaceable, budget: redelivery, ...replacing, parameters: ["Name"] })
  ],
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

Worlds.checkWorlds("DeployStack keeps its invariants and always reaches a result", models, deepModels, 30 * minute)
