// What must hold of DeployStack in the modes that work with change sets.
import * as Cloud from "./cloud.ts"
import type { Invariants } from "./state.ts"

const isDeleted = ({ stacks }: Cloud.Cloud, id: string) => Cloud.find(stacks, id)?.status === "DELETE_COMPLETE"

const isExecution = ({ token }: Cloud.ModelOperation) => token.startsWith("execute-")

export const invariants: Invariants = {
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
export const invariantsOfArn = (arn: string): Invariants => ({
  ...invariants,
  onOperationStarted: (cloud, execution, call) =>
    cloud.operations.some(({ changeSet = arn }) => changeSet !== arn)
      ? "another change set than the one of the ARN was executed"
      : invariants.onOperationStarted(cloud, execution, call)
})

/** For CHANGE_SET_REPLACE: nothing is executed, and success means that an own change set was created. */
export const invariantsOfReplacing: Invariants = {
  onOperationStarted: (cloud, execution, call) =>
    cloud.operations.some(isExecution)
      ? "a change set was executed"
      : invariants.onOperationStarted(cloud, execution, call),
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
export const invariantsOfGuarded = (isDeleted: boolean): Invariants => ({
  onOperationStarted: ({ operations }) => operations.some(isExecution) ? "a change set was executed" : undefined,
  onReport: (outcome, { stacks }) => {
    if (outcome._tag === "Succeeded") return "success, but the change set replaces a table"
    const own = stacks.flatMap(({ changeSets = [] }) => changeSets).filter(({ description }) => description !== "")
    return isDeleted && outcome._tag === "Failed" && own.length > 0 ? "failure, but the change set exists" : undefined
  }
})
