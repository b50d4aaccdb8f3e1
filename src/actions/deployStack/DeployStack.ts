// The action deploy-stack. It accepts the UserParameters of AWS's sample function, and reports in the same words.
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Action from "../../Action.ts"
import { accountOf } from "../../domain/stack/Destination.ts"
import type { CloudFormation } from "../../services/CloudFormation.ts"
import { cancelUpdate } from "./cancel.ts"
import { cleanUp } from "./changeSet/create.ts"
import { resumeChangeSet } from "./changeSet/execute.ts"
import { atDestination, stepAt } from "./destination.ts"
import { remembering, resumeDetection } from "./drift.ts"
import { DeployStackParameters } from "./Parameters.ts"
import { resumeWithFound, start } from "./start.ts"
import { type Invocation, nameOf, State } from "./State.ts"
import { watch } from "./watch.ts"

export {
  AssumeRoleDenied,
  DestinationDenied,
  DestinationRejected,
  RegionDisabled
} from "../../domain/stack/DestinationErrors.ts"
export { CapabilitiesMissing, StackSettingsInvalid, TemplateConfigurationInvalid } from "../stackContent/settings.ts"
export { TemplateInvalid } from "../stackContent/template.ts"
export { ChangeSetFailed } from "./changeSet/create.ts"
export { ReplacementRefused } from "./changeSet/plan.ts"
export { DriftUnchecked, StackDrifted } from "./drift.ts"
export { OperationRejected, ReplacementUnchecked, StackProtected } from "./operations.ts"
export { OutputArtifactMissing, SettingNotSet } from "./outputs.ts"
export { StackRefused } from "./start.ts"
export { OperationFailed, OperationUnproven, StackNotFound } from "./watch.ts"

const resume = Effect.fn("DeployStack.resume")(function*(invocation: Invocation, state: Option.Option<State>) {
  const { parameters: { stack } } = invocation
  const known = Option.filter(state, ({ stackId }) => nameOf(stackId) === nameOf(stack))
  return yield* Option.match(known, {
    onNone: () => watch(invocation, { stackId: stack, since: 0 }),
    onSome: (state) => {
      if ("detection" in state) return resumeDetection(invocation, state)
      const { drifted } = state
      const step = "changeSet" in state
        ? resumeChangeSet(invocation, state)
        : "found" in state
        ? resumeWithFound(invocation, state)
        : watch(invocation, state)
      return drifted === undefined ? step : Effect.map(step, (step) => remembering(drifted, step))
    }
  })
})

const onFailure = (
  invocation: Invocation,
  state: State,
  context: Action.FailureContext
): Effect.Effect<string | void, unknown, CloudFormation> => {
  if ("changeSet" in state) return cleanUp(invocation, state)
  return "found" in state || "detection" in state ? Effect.undefined : cancelUpdate(invocation, state, context)
}

export type { DeployStackUserParameters } from "./UserParameters.ts"

/**
 * Creates or updates a CloudFormation stack from a template in an input artifact, and waits until the operation ends.
 * Other modes replace or delete the stack, or create and execute a change set.
 *
 * UserParameters: `{"stack": …, "file": …, "artifact": …}`, the stack's name or ARN, the path of its template in the zip
 * of an input artifact, and the artifact's name; {@link DeployStackUserParameters} has all of them. The template has at most
 * 1,000,000 bytes of JSON or YAML. A template of more than 51,200 bytes is passed through the bucket `templateBucket`, or
 * the bucket in the environment variable `TEMPLATE_BUCKET`.
 *
 * A drop-in for the sample function of "Invoke an AWS Lambda function in a pipeline" in the CodePipeline user guide.
 */
export const DeployStack = Action.make({
  name: "deploy-stack",
  parameters: DeployStackParameters,
  state: State,
  start: (invocation) => stepAt(invocation, start(invocation)),
  resume: (invocation, state) => stepAt(invocation, resume(invocation, Option.some(state))),
  recover: (invocation) => stepAt(invocation, resume(invocation, Option.none())),
  onFailure: (invocation, state, context) => atDestination(invocation)(onFailure(invocation, state, context)),
  annotations: ({ assumeRole, region, stack }) => ({
    stack,
    ...(assumeRole !== undefined && { account: accountOf(assumeRole) }),
    ...(region !== undefined && { region })
  }),
  timeout: ({ timeoutMinutes }) => timeoutMinutes === undefined ? undefined : Duration.minutes(timeoutMinutes)
})({
  ...Action.awsFailures,
  ...Action.artifactFailures,
  AssumeRoleDenied: "PermissionError",
  RegionDisabled: "ConfigurationError",
  DestinationRejected: "ConfigurationError",
  DestinationDenied: "PermissionError",
  TemplateInvalid: "ConfigurationError",
  TemplateConfigurationInvalid: "ConfigurationError",
  StackSettingsInvalid: "ConfigurationError",
  CapabilitiesMissing: "ConfigurationError",
  UploadFailed: ({ denied, message }) => ({ type: denied ? "PermissionError" : "ConfigurationError", message }),
  OutputArtifactMissing: "ConfigurationError",
  OutputMissing: ({ message, stackId }) => ({ type: "ConfigurationError", message, externalExecutionId: stackId }),
  OutputsTooLarge: ({ message, stackId }) => ({ type: "ConfigurationError", message, externalExecutionId: stackId }),
  StackRefused: "ConfigurationError",
  StackDrifted: "ConfigurationError",
  DriftUnchecked: "ConfigurationError",
  StackProtected: "ConfigurationError",
  ReplacementUnchecked: "PermissionError",
  SettingNotSet: ({ denied, message, stackId }) => ({
    type: denied ? "PermissionError" : "ConfigurationError",
    message,
    externalExecutionId: stackId
  }),
  ChangeSetFailed: "ConfigurationError",
  ChangeSetNotReady: "ConfigurationError",
  ReplacementRefused: "ConfigurationError",
  OperationRejected: "ConfigurationError",
  StackNotFound: ({ message, stack }) => ({ type: "JobFailed", message, externalExecutionId: stack }),
  OperationUnproven: ({ message, stackId }) => ({ type: "JobFailed", message, externalExecutionId: stackId }),
  OperationFailed: ({ message, stackId }) => ({ type: "JobFailed", message, externalExecutionId: stackId })
})
