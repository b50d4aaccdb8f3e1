// The operations that the action starts on a stack set, their ids, by which it recognises them, and their statuses.
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { JobId } from "../job/Job.ts"

/**
 * What an operation does: update the stack set with all its instances, create instances, set the parameters that override
 * those of the stack set, delete instances, detect drift.
 */
export const Step = Schema.Literals(["update", "create", "override", "delete", "drift"])
export type Step = typeof Step.Type

/** An operation of the action. */
export interface OwnOperation {
  readonly step: Step
  /** 1 for the action's first operation of this step, and so on. */
  readonly number: number
}

/** The action that owns an operation. */
export interface Owner {
  readonly firstJobId: JobId
}

/** A part of an id: `[a-zA-Z0-9][-a-zA-Z0-9]*`. */
const prefixOf = ({ firstJobId }: Owner) =>
  firstJobId.replaceAll(/[^-a-zA-Z0-9]/g, "-").replace(/^-+/, "").slice(0, 100) || "job"

/**
 * The OperationId, which is the idempotency token: a second delivery of an event makes the same one.
 * `[a-zA-Z0-9][-a-zA-Z0-9]*`, at most 128 characters.
 */
export const operationId = (owner: Owner, { number, step }: OwnOperation): string =>
  `${prefixOf(owner)}-${step}-${number}`

const suffix = new RegExp(`-(${Step.literals.join("|")})-(\\d+)$`)

/** The own operation with this id; none if the operation is foreign. */
export const ownOperation = (owner: Owner, id: string): Option.Option<OwnOperation> => {
  const [end, step, number] = suffix.exec(id) ?? []
  return end !== undefined && id === prefixOf(owner) + end && isStep(step)
    ? Option.some({ step, number: Number(number) })
    : Option.none()
}

const isStep = Schema.is(Step)

/** The ClientRequestToken of CreateStackSet. */
export const createToken = (owner: Owner): string => `${prefixOf(owner)}-set`

/** Where an operation is. */
export type OperationPhase = "Running" | "Succeeded" | "Failed" | "Stopped"

/** Source: shape StackSetOperationStatus of CloudFormation's API. */
const phases: Readonly<Record<string, OperationPhase>> = {
  RUNNING: "Running",
  QUEUED: "Running",
  STOPPING: "Running",
  SUCCEEDED: "Succeeded",
  FAILED: "Failed",
  STOPPED: "Stopped"
}

/** Total: a status that AWS added later is in progress if its name says so, and failed otherwise. */
export const phaseOf = (status: string): OperationPhase =>
  (Object.hasOwn(phases, status) ? phases[status] : undefined) ??
    (/ING$|_IN_PROGRESS$/.test(status) ? "Running" : "Failed")
