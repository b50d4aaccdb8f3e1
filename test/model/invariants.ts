// What must hold of DeployStack, in each mode: whenever it starts an operation, and whenever it reports a result.
import type { JobOutcome } from "../../src/domain/job/JobOutcome.ts"
import * as Cloud from "./cloud.ts"
import type { Invariants } from "./state.ts"
import { startTime } from "./worlds.ts"

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

export const invariants: Invariants = {
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
export const invariantsOfReplacing: Invariants = {
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
export const invariantsOfRecovering: Invariants = {
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
export const invariantsOfRollingBack: Invariants = {
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
export const invariantsOfDeleting: Invariants = {
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
export const invariantsOfTimes: Invariants = {
  onOperationStarted: invariants.onOperationStarted,
  onReport: ({ _tag }, { operations }) =>
    _tag === "Succeeded" && operations.some(({ result }) => result === "running")
      ? "success, but the own operation is running"
      : undefined
}

/** A job that CodePipeline does not wait for deletes no stack that another actor has created since the first job. */
export const invariantsOfLateJobs: Invariants = {
  onOperationStarted: ({ operations, stacks }, { isOpen, token }) => {
    const { stack = "", token: started = "" } = operations.at(-1) ?? {}
    const target = Cloud.find(stacks, stack)
    return !isOpen && started.startsWith("delete-") && !token?.includes(stack) && (target?.createdAt ?? 0) > startTime
      ? "a late job deletes the stack of another actor"
      : undefined
  },
  onReport: () => undefined
}

/** For a foreign token: nothing is known about the operation, so the stack's status is the result. */
export const invariantsOfStatus: Invariants = {
  onOperationStarted: () => "started, although another program had started the operation",
  onReport: (outcome, { stacks }) => {
    const status = Cloud.find(stacks, Cloud.name)?.status ?? ""
    if (outcome._tag === "Continued") return undefined
    return (outcome._tag === "Succeeded") === /^(CREATE|UPDATE|IMPORT)_COMPLETE$/.test(status)
      ? undefined
      : `${outcome._tag}, but the stack is ${status}`
  }
}
