// Detects before an update whether somebody changed the stack's resources without CloudFormation. It only reads: the job
// after the detection starts anew.
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Action from "../../Action.ts"
import { type AwsDenied, type AwsError, AwsRejected, type AwsUnavailable } from "../../domain/job/AwsError.ts"
import { callerOf } from "../../domain/stack/Destination.ts"
import { hiding, masked } from "../../domain/stack/plan/ChangePlan.ts"
import * as StackDrift from "../../domain/stack/StackDrift.ts"
import * as StackFailure from "../../domain/stack/StackFailure.ts"
import { isUnderWay } from "../../domain/stack/StackStatus.ts"
import { sentences } from "../../domain/text/sentences.ts"
import { optionalCall } from "../../runtime/optionalCall.ts"
import type { ArtifactStore } from "../../services/ArtifactStore.ts"
import { CloudFormation } from "../../services/CloudFormation.ts"
import { secretsOf } from "./changeSet/plan.ts"
import {
  continueDetecting,
  continueWithFound,
  type DetectionState,
  type Invocation,
  nameOf,
  postpone,
  type Step
} from "./State.ts"

/** Resources of the stack differ from its template, so that it is not updated. */
export class StackDrifted extends Schema.TaggedError<StackDrifted>()("StackDrifted", {
  stack: Schema.String,
  /** The number of resources. */
  drifted: Schema.Int,
  /** What differs, without secrets: a line for each of the first resources. */
  differences: Schema.Array(Schema.String),
  /** Why other resources could not be checked. */
  unchecked: Schema.optionalKey(Schema.String)
}) {
  override get message() {
    const { differences, drifted, stack, unchecked } = this
    return StackFailure.message({
      head: `Stack "${stack}" is not updated, because it has drifted: ${StackDrift.resources(drifted)} ` +
        "changed without CloudFormation (template → actual)",
      causes: differences,
      remarks: [...(unchecked === undefined ? [] : [`Others were not checked: ${unchecked}`]), driftAdvice]
    })
  }
}

const driftAdvice =
  "Undo the changes in the resources, then retry the action. Or set \"detectDrift\": \"warn\" in UserParameters to update " +
  "the stack all the same: with a template that has the changes, to keep them, or with \"deploymentMode\": " +
  "\"REVERT_DRIFT\" and a mode with change sets, to revert them"

/** CloudFormation could not detect whether the stack has drifted, so that it is not updated. */
export class DriftUnchecked extends Schema.TaggedError<DriftUnchecked>()("DriftUnchecked", {
  stack: Schema.String,
  /** CloudFormation's own words. */
  reason: Schema.String,
  /** The role with which CloudFormation is called, in words. */
  role: Schema.String
}) {
  get problem() {
    return `Stack "${this.stack}" is not updated, because its drift could not be detected: ${this.reason}`
  }
  get advice() {
    return `Check that ${this.role} may read the stack's resources. Or set "detectDrift": "warn" in UserParameters to ` +
      "update the stack all the same"
  }
  override get message() {
    return sentences(this.problem, this.advice)
  }
}

export type DriftError = StackDrifted | DriftUnchecked | AwsDenied | AwsUnavailable

const uncheckedOf = (parameters: Invocation["parameters"], reason: string) =>
  new DriftUnchecked({ stack: nameOf(parameters.stack), reason, role: callerOf(parameters) })

/** The result of a call; none if it is not available and UserParameters only want a warning. */
const unlessWarning = <A, R>(
  { parameters }: Invocation,
  call: Effect.Effect<A, AwsError, R>
): Effect.Effect<Option.Option<A>, DriftError, R> =>
  parameters.detectDrift === "warn"
    ? optionalCall(call, "The stack is updated although its drift is not known.")
    : Effect.asSome(call).pipe(
      Effect.catchTag(
        "AwsRejected",
        ({ detail }) => Effect.fail(uncheckedOf(parameters, detail))
      )
    )

/** Starts the detection before the update of the stack; none if the stack is updated without one. */
export const startDetection = Effect.fn("DeployStack.detectDrift")(function*(
  invocation: Invocation,
  stackId: string
): Effect.fn.Return<Option.Option<Step>, DriftError, CloudFormation> {
  const { detectDrift } = yield* CloudFormation
  const call = detectDrift(stackId).pipe(
    Effect.map((detection) => continueDetecting("Drift detection started", { stackId, detection })),
    // A detection of another actor, or of an earlier delivery, or an operation is in progress.
    Effect.catchTag("StackNotReady", ({ message, status }) =>
      isUnderWay(status)
        ? Effect.succeed(postpone(status))
        : Effect.fail(new AwsRejected({ operation: "cloudformation:DetectStackDrift", code: status, detail: message })))
  )
  return yield* unlessWarning(invocation, call)
})

/** Waits until the detection ends, and judges its result. The next job starts the update. */
export const resumeDetection = Effect.fn("DeployStack.resumeDetection")(function*(
  invocation: Invocation,
  state: DetectionState
): Effect.fn.Return<Step, DriftError, CloudFormation | ArtifactStore> {
  const { describeDriftDetection, resourceDrifts } = yield* CloudFormation
  const { stackId } = state
  const detection = yield* unlessWarning(invocation, describeDriftDetection(state.detection))
  if (Option.isNone(detection)) return startNext(stackId, 0, "The drift of the stack is not known")
  if (StackDrift.isPending(detection.value)) return continueDetecting("Drift detection still in progress", state)
  if (StackDrift.isInSync(detection.value)) return startNext(stackId, 0, "The stack has not drifted")
  const drifts = yield* unlessWarning(invocation, resourceDrifts(stackId))
  const listed = Option.getOrElse(drifts, () => [])
  const { drifted, unchecked } = StackDrift.judge(detection.value, listed)
  const differences = listed.length === 0 ? [] : yield* describeDrifts(invocation, stackId, listed)
  const reason = unchecked === undefined ? {} : { unchecked }
  if (invocation.parameters.detectDrift === "fail") {
    if (drifted > 0) return yield* new StackDrifted({ stack: nameOf(stackId), drifted, differences, ...reason })
    if (unchecked !== undefined) return yield* uncheckedOf(invocation.parameters, unchecked)
  }
  if (unchecked !== undefined) yield* Effect.logWarning(`The drift of some resources is not known: ${unchecked}`)
  if (drifted === 0) return startNext(stackId, 0, unchecked === undefined ? "The stack has not drifted" : partlyUnknown)
  const head = `The stack has drifted: ${StackDrift.resources(drifted)} changed without CloudFormation`
  yield* Effect.logWarning([head, ...differences].join("\n"))
  return startNext(stackId, drifted, head)
})

const partlyUnknown = "The drift of some resources is not known"

/** What differs, one line for each resource, without secrets. */
const describeDrifts = Effect.fnUntraced(function*(
  invocation: Invocation,
  stackId: string,
  drifts: ReadonlyArray<StackDrift.ResourceDrift>
) {
  const { describe } = yield* CloudFormation
  const found = Option.flatten(yield* optionalCall(describe(stackId), "The values of properties are not shown."))
  const hiddenParameters = Option.match(found, {
    onNone: () => [],
    onSome: ({ parameters }) => [...parameters].flatMap(([name, value]) => value === masked ? [name] : [])
  })
  const secrets = yield* secretsOf(invocation, hiddenParameters)
  const show = hiding({ ...secrets, areUnknown: secrets.areUnknown || Option.isNone(found) })
  return StackDrift.lines(drifts, (path, value) => show({ attribute: "Properties", path }, value))
})

const startNext = (stackId: string, drifted: number, message: string): Step =>
  remembering(drifted, continueWithFound(`${message}; the next job updates the stack`, stackId))

/** The step, with the number of resources that had drifted before the update: for later jobs, and in the last message. */
export const remembering = (drifted: number, step: Step): Step =>
  Action.Step.$match(step, {
    StartAgain: (step): Step => step,
    // Another detection has a result of its own: that of another stack of the same name.
    Continue: (step): Step =>
      "detection" in step.state ? step : Action.Step.Continue({ ...step, state: { ...step.state, drifted } }),
    Done: (step): Step =>
      drifted === 0 ? step : Action.Step.Done({
        ...step,
        message: `${step.message}. ${StackDrift.resources(drifted)} had drifted before`
      })
  })
