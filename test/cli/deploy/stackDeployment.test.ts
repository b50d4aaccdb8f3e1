import { assert, it } from "@effect/vitest"
import {
  OperationFailed,
  OperationUnproven,
  StackNotFound,
  StackProtected,
  StackRefused
} from "../../../src/actions/deployStack/DeployStack.ts"
import { deployment } from "../../../src/cli/deploy/stackDeployment.ts"
import { AwsDenied, AwsUnavailable } from "../../../src/domain/job/AwsError.ts"
import { UploadFailed } from "../../../src/services/ArtifactStore.ts"

const { failures } = deployment

/** The message of a failure; by default the error's own. */
const messageOf = <E extends Error>(failure: string | ((error: E) => { readonly message: string }), error: E) =>
  typeof failure === "string" ? error.message : failure(error).message

const call = { operation: "cloudformation:UpdateStack", code: "Slow", detail: "Not now" }
const failed = { operation: "update", stackId: "arn:s", status: "UPDATE_ROLLBACK_FAILED" } as const
const unused = { remarks: ["No permission"], advice: "Retry the action" }

it.each<readonly [message: string, advice: string]>([
  [messageOf(failures.AwsDenied, new AwsDenied(call)), "Your credentials need cloudformation:UpdateStack"],
  [messageOf(failures.AwsUnavailable, new AwsUnavailable(call)), "Run this again when AWS is available"],
  [
    messageOf(
      failures.UploadFailed,
      new UploadFailed({ bucket: "b", key: "k", denied: true, reason: "No", needed: "s3:PutObject" })
    ),
    "Your credentials need s3:PutObject on this object"
  ],
  [
    messageOf(
      failures.StackRefused,
      new StackRefused({ stack: "s", status: "UPDATE_FAILED", purpose: "updated", advice: "Wait" })
    ),
    "then run this again"
  ],
  [
    messageOf(failures.StackProtected, new StackProtected({ stack: "s" })),
    "disable the protection, then run this again"
  ],
  [messageOf(failures.StackNotFound, new StackNotFound({ stack: "s", seen: true })), "Run this again"],
  [
    messageOf(failures.OperationUnproven, new OperationUnproven({ stackId: "s", status: "UPDATE_COMPLETE" })),
    "Read the stack's events, then run this again"
  ],
  [
    messageOf(failures.OperationFailed, new OperationFailed({ ...failed, causes: ["R: No"], ...unused })),
    "Update failed: UPDATE_ROLLBACK_FAILED\nR: No"
  ],
  [
    messageOf(failures.OperationFailed, new OperationFailed({ ...failed, causes: [], ...unused })),
    "aws cloudformation describe-stack-events --stack-name arn:s"
  ]
])("the message %j tells a person at a terminal what to do", (message, advice) => {
  assert.include(message, advice)
  assert.notMatch(message, /the action|lambda function|UserParameters|"mode"/i)
})
