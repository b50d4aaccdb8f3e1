// Sets the stack policy if no operation has set it: CreateStack and UpdateStack do, change sets and empty updates do not.
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { AwsDenied, AwsRejected } from "../../domain/job/AwsError.ts"
import { CloudFormation } from "../../services/CloudFormation.ts"
import { readConfiguration } from "./settings.ts"
import type { Invocation } from "./State.ts"

/** The stack is deployed, but CloudFormation did not take its policy. */
export class PolicyNotSet extends Schema.TaggedError<PolicyNotSet>()("PolicyNotSet", {
  stackId: Schema.String,
  denied: Schema.Boolean,
  reason: Schema.String
}) {
  override get message() {
    return `Stack "${this.stackId}" is deployed, but its stack policy is not set: ${this.reason}` +
      (this.denied ? ". The role of the Lambda function needs cloudformation:SetStackPolicy" : "")
  }
}

/** Sets the policy of the template configuration, if it has one. Setting it again changes nothing. */
export const setPolicy = Effect.fn("StackPolicy.set")(function*({ job, parameters }: Invocation, stackId: string) {
  const { StackPolicy } = yield* readConfiguration(job, parameters.templateConfiguration)
  if (StackPolicy === undefined) return
  const { setStackPolicy } = yield* CloudFormation
  const notSet = ({ _tag, message: reason }: AwsDenied | AwsRejected) =>
    Effect.fail(new PolicyNotSet({ stackId, denied: _tag === "AwsDenied", reason }))
  yield* setStackPolicy(stackId, JSON.stringify(StackPolicy)).pipe(
    Effect.catchTags({ AwsDenied: notSet, AwsRejected: notSet })
  )
})
