// The action deploy-stack-set: one stack in many accounts and regions, by CloudFormation's stack sets.
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Action from "../../Action.ts"
import { DeployStackSetParameters } from "./Parameters.ts"
import { planNext } from "./plan.ts"
import { type Invocation, State } from "./State.ts"
import { watch } from "./watch.ts"

export { StackSetOptionsInvalid, TargetFileInvalid } from "./desired.ts"
export { StackSetRejected } from "./operations.ts"
export { InstancesLeft, OperationsEndless, StackSetMissing, StackSetRefused } from "./plan.ts"
export { StackSetOperationFailed, StackSetOperationUnproven } from "./watch.ts"

const start = Effect.fn("DeployStackSet.start")((invocation: Invocation) =>
  planNext(invocation, { stackSetId: invocation.parameters.stackSet, ran: [] }, true)
)

/**
 * Which operations an action with an unknown state has started is unknown: the one in progress can be its own. Waits for it,
 * then starts again, which repeats only what is not yet as it is wanted.
 */
const recover = Effect.fn("DeployStackSet.recover")((invocation: Invocation) =>
  start({ ...invocation, parameters: { ...invocation.parameters, whenBusy: "wait" } })
)

/** The name of a stack set, which is also the beginning of its id. */
const nameOf = (stackSet: string) => stackSet.split(":")[0]

const resume = Effect.fn("DeployStackSet.resume")(function*(invocation: Invocation, state: State) {
  // The pipeline was changed between two jobs: a stack set of another name is another deployment.
  if (nameOf(state.stackSetId) !== nameOf(invocation.parameters.stackSet)) return yield* start(invocation)
  return yield* "watching" in state ? watch(invocation, state) : planNext(invocation, state)
})

/**
 * Brings a CloudFormation stack set and its instances to what is written: creates and updates them, deletes instances that
 * are not named any more if that is wanted, and waits until all operations end. Other modes delete instances or the stack
 * set, or detect drift.
 *
 * UserParameters: `{"stackSet": …, "file": …, "artifact": …}` with `accounts` or `organizationalUnits`, and `regions`;
 * `DeployStackSetParameters` has all of them. The template has at most 1,000,000 bytes of JSON or YAML. A template of more
 * than 51,200 bytes is passed through the bucket `templateBucket`, or that in the environment variable `TEMPLATE_BUCKET`.
 */
export const DeployStackSet = Action.make({
  name: "deploy-stack-set",
  parameters: DeployStackSetParameters,
  state: State,
  start,
  resume,
  recover,
  annotations: ({ stackSet }) => ({ stackSet }),
  timeout: ({ timeoutMinutes }) => timeoutMinutes === undefined ? undefined : Duration.minutes(timeoutMinutes)
})({
  ...Action.awsFailures,
  ...Action.artifactFailures,
  TemplateInvalid: "ConfigurationError",
  TemplateConfigurationInvalid: "ConfigurationError",
  StackSettingsInvalid: "ConfigurationError",
  UploadFailed: ({ denied, message }) => ({ type: denied ? "PermissionError" : "ConfigurationError", message }),
  StackSetOptionsInvalid: "ConfigurationError",
  TargetFileInvalid: "ConfigurationError",
  StackSetRejected: "ConfigurationError",
  StackSetRefused: "ConfigurationError",
  StackSetMissing: "ConfigurationError",
  OperationsEndless: "JobFailed",
  InstancesLeft: "JobFailed",
  StackSetOperationFailed: ({ message, stackSetId }) => ({
    type: "JobFailed",
    message,
    externalExecutionId: stackSetId
  }),
  StackSetOperationUnproven: ({ message, stackSetId }) => ({
    type: "JobFailed",
    message,
    externalExecutionId: stackSetId
  })
})
