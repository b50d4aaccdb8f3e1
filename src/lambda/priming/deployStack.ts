// The sample job of deploy-stack during a container's start: a stack is created and complete.
import { deployment, elements, jobId } from "./deployStackJob.ts"
import type { Priming } from "./replay.ts"

const stack = "priming"
const stackId = `arn:aws:cloudformation:us-east-1:123456789012:stack/${stack}/5c36ae10-1b4f-11f0-8d4e-000000000000`

/** After the start of any operation. */
const timestamp = "2999-12-31T23:59:59.000Z"

const resource = { StackId: stackId, StackName: stack }

const described = elements({
  ...resource,
  StackStatus: "CREATE_COMPLETE",
  CreationTime: timestamp
})

/** Newest first, as CloudFormation returns them, on one page. */
const happened = ["CREATE_COMPLETE", "CREATE_IN_PROGRESS"].map((ResourceStatus) =>
  elements({
    ...resource,
    EventId: "priming",
    LogicalResourceId: stack,
    PhysicalResourceId: stackId,
    ResourceType: "AWS::CloudFormation::Stack",
    ResourceStatus,
    ClientRequestToken: `create-${jobId}`,
    Timestamp: timestamp
  })
)

export const deployStackPriming: Priming = deployment(
  { stack },
  {
    CreateStack: elements({ StackId: stackId }),
    DescribeStacks: `<Stacks><member>${described}</member></Stacks>`,
    DescribeStackEvents: `<StackEvents>${happened.map((event) => `<member>${event}</member>`).join("")}</StackEvents>`
  },
  "ValidationError",
  ({ Action, StackName }) => Action === "DescribeStacks" && StackName === stack
)
