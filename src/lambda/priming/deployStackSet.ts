// The sample job of deploy-stack-set during a container's start: a stack set is updated.
import { deployment, elements, jobId } from "./deployStackJob.ts"
import type { Priming } from "./replay.ts"

const stackSet = "priming"
const stackSetId = `${stackSet}:5c36ae10-1b4f-11f0-8d4e-000000000000`

/** Not the own id, which is looked up before the operation is started. */
const operationId = `${jobId}-started`

export const deployStackSetPriming: Priming = deployment(
  { stackSet },
  {
    DescribeStackSet: `<StackSet>${
      elements({ StackSetName: stackSet, StackSetId: stackSetId, Status: "ACTIVE" })
    }</StackSet>`,
    UpdateStackSet: elements({ OperationId: operationId }),
    DescribeStackSetOperation: `<StackSetOperation>${
      elements({ OperationId: operationId, StackSetId: stackSetId, Action: "UPDATE", Status: "RUNNING" })
    }</StackSetOperation>`,
    ListStackSetOperationResults: `<Summaries><member>${
      elements({ Account: "123456789012", Region: "us-east-1", Status: "RUNNING" })
    }</member></Summaries>`
  },
  "OperationNotFoundException",
  ({ Action, OperationId }) => Action === "DescribeStackSetOperation" && OperationId !== operationId
)
