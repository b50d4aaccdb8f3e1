// CloudFormation as it answers over HTTP (protocol awsQuery). Its stacks do not change by themselves: a test advances them.
import { Context, Effect, Layer } from "effect"
import { describeChangeSet } from "./cloudFormation/changeSetDescription.ts"
import { createChangeSet, deleteChangeSet, executeChangeSet } from "./cloudFormation/changeSetOperations.ts"
import {
  describeStackDriftDetectionStatus,
  describeStackResourceDrifts,
  detectStackDrift
} from "./cloudFormation/driftOperations.ts"
import { type Parameters, protocol } from "./cloudFormation/queryProtocol.ts"
import { cancelUpdateStack, continueUpdateRollback, rollbackStack } from "./cloudFormation/rollbackOperations.ts"
import {
  type Change,
  type Drift,
  noSettings,
  type Settings,
  Stacks,
  type Validation
} from "./cloudFormation/serverStacks.ts"
import {
  createStack,
  deleteStack,
  describeEvents,
  describeStackEvents,
  describeStacks,
  getTemplateSummary,
  setStackPolicy,
  updateStack,
  updateTerminationProtection
} from "./cloudFormation/stackOperations.ts"
import { type Answer, type AwsServer, type Call, refused, serve, signedBy } from "./server.ts"

const operationsOn = (
  stacks: Stacks,
  eventsPerPage: number
): Readonly<Record<string, (parameters: Parameters) => Answer>> => ({
  DescribeStacks: (parameters) => describeStacks(stacks, parameters),
  CreateStack: (parameters) => createStack(stacks, parameters),
  UpdateStack: (parameters) => updateStack(stacks, parameters),
  DeleteStack: (parameters) => deleteStack(stacks, parameters),
  CancelUpdateStack: (parameters) => cancelUpdateStack(stacks, parameters),
  RollbackStack: (parameters) => rollbackStack(stacks, parameters),
  ContinueUpdateRollback: (parameters) => continueUpdateRollback(stacks, parameters),
  CreateChangeSet: (parameters) => createChangeSet(stacks, parameters),
  DescribeChangeSet: (parameters) => describeChangeSet(stacks, parameters),
  ExecuteChangeSet: (parameters) => executeChangeSet(stacks, parameters),
  DeleteChangeSet: (parameters) => deleteChangeSet(stacks, parameters),
  DetectStackDrift: (parameters) => detectStackDrift(stacks, parameters),
  DescribeStackDriftDetectionStatus: (parameters) => describeStackDriftDetectionStatus(stacks, parameters),
  DescribeStackResourceDrifts: (parameters) => describeStackResourceDrifts(stacks, parameters, eventsPerPage),
  GetTemplateSummary: getTemplateSummary,
  SetStackPolicy: (parameters) => setStackPolicy(stacks, parameters),
  UpdateTerminationProtection: (parameters) => updateTerminationProtection(stacks, parameters),
  DescribeStackEvents: (parameters) => describeStackEvents(stacks, parameters, eventsPerPage),
  DescribeEvents: (parameters) => describeEvents(stacks, parameters, eventsPerPage)
})

export class CloudFormationServer extends Context.Service<
  CloudFormationServer,
  AwsServer & {
    /** Adds changes to the operation that was started last. */
    advance(stack: string, ...changes: ReadonlyArray<Change>): Effect.Effect<void>
    /** Adds failed validations, which only DescribeEvents shows, to the operation that was started last. */
    failValidation(stack: string, ...validations: ReadonlyArray<Validation>): Effect.Effect<void>
    /** Brings the stack into this status, as another actor would; creates the stack if it does not exist. */
    setStatus(stack: string, status: string, createdAt?: string): Effect.Effect<void>
    /** Finishes the creation of the change set as failed by these validations, which only DescribeEvents shows. */
    failChangeSet(stack: string, changeSet: string, ...validations: ReadonlyArray<Validation>): Effect.Effect<void>
    /** Finishes the creation of the stack's change sets. */
    finishChangeSets(stack: string): Effect.Effect<void>
    /** From now on, the resources of the stack differ from its template. */
    drift(stack: string, ...drifts: ReadonlyArray<Drift>): Effect.Effect<void>
    /** Finishes the stack's drift detections. */
    finishDetections(stack: string): Effect.Effect<void>
    /** Switches the stack's termination protection on. */
    protect(stack: string): Effect.Effect<void>
    /** The stack's id and status; empty if the stack does not exist. */
    look(stack: string): Effect.Effect<{ readonly id: string; readonly status: string }>
    /** The settings of the stack besides its template. */
    settings(stack: string): Effect.Effect<Settings>
  }
>()("effect-codepipeline/test/CloudFormationServer") {
  /** `eventsPerPage`: the page size of DescribeStackEvents, DescribeEvents and DescribeStackResourceDrifts. */
  static readonly layer = (eventsPerPage = 100): Layer.Layer<CloudFormationServer> =>
    Layer.effect(
      CloudFormationServer,
      Effect.gen(function*() {
        const stacks = new Stacks()
        const sessions = new Map<string, Stacks>()
        /** Sessions of roles have stacks of their own, for each account and region. */
        const stacksOf = (headers: Call["headers"]) => {
          const signer = signedBy(headers)
          if (!signer.startsWith("ASIATARGET")) return stacks
          const found = sessions.get(signer) ?? new Stacks()
          sessions.set(signer, found)
          return found
        }
        const server = yield* serve(
          protocol,
          ({ headers, operation, parameters }) =>
            operationsOn(stacksOf(headers), eventsPerPage)[operation]?.(parameters) ??
              refused("InvalidAction", `Could not find operation ${operation} for version 2010-05-15`)
        )
        return {
          ...server,
          advance: (name, ...changes) =>
            Effect.sync(() => changes.forEach((change) => stacks.find(name)?.addEvent(change))),
          failValidation: (name, ...validations) =>
            Effect.sync(() => validations.forEach((validation) => stacks.find(name)?.addValidation(validation))),
          setStatus: (name, status, createdAt) =>
            Effect.sync(() => (stacks.find(name) ?? stacks.add(name, createdAt)).setStatus(status)),
          failChangeSet: (name, changeSet, ...validations) =>
            Effect.sync(() => stacks.find(name)?.failChangeSet(changeSet, validations)),
          finishChangeSets: (name) =>
            Effect.sync(() => stacks.find(name)?.changeSets.forEach((changeSet) => void (changeSet.isCreated = true))),
          drift: (name, ...drifts) =>
            Effect.sync(() => {
              const stack = stacks.find(name)
              if (stack !== undefined) stack.drifts = drifts
            }),
          finishDetections: (name) =>
            Effect.sync(() => stacks.find(name)?.detections.forEach((detection) => void (detection.isComplete = true))),
          protect: (name) =>
            Effect.sync(() => {
              const stack = stacks.find(name)
              if (stack !== undefined) stack.settings = { ...stack.settings, terminationProtection: "true" }
            }),
          look: (name) =>
            Effect.sync(() => {
              const { id = "", status = "" } = stacks.find(name) ?? {}
              return { id, status }
            }),
          settings: (name) => Effect.sync(() => stacks.find(name)?.settings ?? noSettings)
        }
      })
    )
}
