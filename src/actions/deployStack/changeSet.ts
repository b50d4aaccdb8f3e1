// Makes change sets and executes them.
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Action from "../../Action.ts"
import type { AwsError, AwsUnavailable } from "../../domain/job/AwsError.ts"
import type { Execution } from "../../domain/job/ContinuationToken.ts"
import * as ChangeSet from "../../domain/stack/ChangeSet.ts"
import { requestToken } from "../../domain/stack/StackOperation.ts"
import * as StackPlan from "../../domain/stack/StackPlan.ts"
import type { Template } from "../../domain/stack/Template.ts"
import {
  type ChangeSetKey,
  ChangeSetNotReady,
  CloudFormation,
  type RequestError,
  type Stack,
  type StackNotReady,
  type StackOptions,
  type TokenUsed
} from "../../services/CloudFormation.ts"
import { ownerOf, redeliveryWindowStart, resolveDecision } from "./observe.ts"
import * as StackSuccess from "./outputs.ts"
import {
  continuePreparing,
  continueWatching,
  epochMillis,
  type Invocation,
  modeOf,
  nameOf,
  postpone,
  type PrepareState,
  type Step,
  stillInProgress,
  type WatchState
} from "./State.ts"

/** CloudFormation could not make the change set. */
export class ChangeSetFailed extends Schema.TaggedError<ChangeSetFailed>()("ChangeSetFailed", {
  stack: Schema.String,
  changeSet: Schema.String,
  /** CloudFormation's own words. */
  reason: Schema.String
}) {
  override get message() {
    return `Error creating change set "${this.changeSet}" for CloudFormation stack "${this.stack}": ${this.reason}`
  }
}

/** By this a change set that an earlier delivery of the same event has made is known again. */
const mark = ({ firstJobId }: Execution) => `Made by effect-codepipeline for job ${firstJobId}`

/** The name of a change set that has none of its own. */
export const ownName = (execution: Execution): string => requestToken("execute", execution)

export interface Request {
  readonly stack: string
  readonly changeSet: string
  readonly type: StackPlan.ChangeSetType
  readonly template: Template
  readonly options: StackOptions & { readonly terminationProtection?: boolean | undefined }
  readonly execution: Execution
}

/** What became of the request: the change set is being made, or its name is still taken by one that is on its way out. */
export type Prepared = Option.Option<{ readonly changeSet: string; readonly stackId: string }>

/**
 * Begins to make a change set. One of the same name that an earlier delivery has made is taken; another one is replaced.
 */
export const prepare = Effect.fn("StackChangeSet.prepare")(function*(
  { changeSet, execution, options, stack, template, type }: Request
): Effect.fn.Return<Prepared, ChangeSetFailed | StackNotReady | RequestError | AwsError, CloudFormation> {
  const cloudFormation = yield* CloudFormation
  const description = mark(execution)
  const { terminationProtection } = options
  const make = cloudFormation.createChangeSet({ ...options, ...template, stack, changeSet, type, description }).pipe(
    // The stack that the change set will create is there already, empty.
    Effect.tap(({ stackId }) =>
      terminationProtection === undefined
        ? Effect.void
        : cloudFormation.setTerminationProtection(stackId, terminationProtection)
    ),
    Effect.map(({ id, stackId }) => Option.some({ changeSet: id, stackId })),
    Effect.catchTag(
      "AwsRejected",
      ({ detail }) => Effect.fail(new ChangeSetFailed({ stack, changeSet, reason: detail }))
    )
  )
  const takeOrReplace = Effect.gen(function*() {
    const found = yield* cloudFormation.describeChangeSet({ stack, changeSet })
    if (Option.isSome(found)) {
      const { description: marked, id, stackId } = found.value
      if (marked === description) return Option.some({ changeSet: id, stackId })
      yield* cloudFormation.deleteChangeSet({ stack, changeSet })
    }
    return yield* make.pipe(Effect.catchTag("ChangeSetExists", () => Effect.succeedNone))
  })
  return yield* make.pipe(Effect.catchTag("ChangeSetExists", () => takeOrReplace))
})

/** A change set and what can be done with it; one that is not there cannot be used. */
export const describeReadiness = Effect.fn("StackChangeSet.describeReadiness")(function*(
  key: ChangeSetKey
): Effect.fn.Return<
  {
    readonly readiness: ChangeSet.Readiness
    readonly changes: string
    /** As many resources it brings about; what it only removes goes afterwards. */
    readonly resources: number
  },
  AwsError,
  CloudFormation
> {
  const cloudFormation = yield* CloudFormation
  return Option.match(yield* cloudFormation.describeChangeSet(key), {
    onNone: () => ({
      readiness: ChangeSet.Readiness.Unusable({ reason: "there is no such change set" }),
      changes: "",
      resources: 0
    }),
    onSome: (found) => ({
      readiness: ChangeSet.readiness(found),
      changes: ChangeSet.summary(found.changes),
      resources: found.changes.filter(({ action }) => action !== "Remove").length
    })
  })
})

/** Begins to execute a change set. */
export const execute = Effect.fn("StackChangeSet.execute")(function*(
  key: ChangeSetKey,
  execution: Execution,
  { disableRollback, retainExceptOnCreate }: Pick<StackOptions, "disableRollback" | "retainExceptOnCreate">
): Effect.fn.Return<void, ChangeSetNotReady | TokenUsed | AwsError, CloudFormation> {
  const cloudFormation = yield* CloudFormation
  const clientRequestToken = requestToken("execute", execution)
  yield* cloudFormation.executeChangeSet({ ...key, clientRequestToken, disableRollback, retainExceptOnCreate }).pipe(
    Effect.catchTag("AwsRejected", ({ detail }) => Effect.fail(new ChangeSetNotReady({ ...key, reason: detail })))
  )
})

/** Clears away a change set that is good for nothing. That it could not be done is told to the log alone. */
export const clear = (key: ChangeSetKey): Effect.Effect<void, AwsUnavailable, CloudFormation> =>
  CloudFormation.use(({ deleteChangeSet }) => deleteChangeSet(key)).pipe(
    Effect.catchTag(
      ["AwsDenied", "AwsRejected"],
      (error) => Effect.logWarning(`The empty change set stays: ${error.message}`)
    )
  )

/** Executes the change set that the parameters name. */
export const executeNamed = Effect.fnUntraced(function*(
  { invocation, now, stack }: {
    readonly invocation: Invocation
    readonly now: number
    readonly stack: Option.Option<Stack>
  },
  state: WatchState
) {
  const { execution, parameters } = invocation
  const { changeSet = "" } = parameters
  const key = { stack: state.stackId, changeSet }
  const { changes, readiness, resources } = yield* describeReadiness(key)
  const refuse = (reason: string) =>
    adoptOr(new ChangeSetNotReady({ stack: nameOf(parameters.stack), changeSet, reason }), stack, execution, state)
  return yield* ChangeSet.Readiness.$match(readiness, {
    Pending: () => Effect.succeed(postpone(`change set "${changeSet}" is being made`)),
    Ready: () =>
      execute(key, execution, parameters).pipe(
        Effect.as(executing(changes, { ...state, resources, since: now })),
        Effect.catchTags({
          TokenUsed: () =>
            Effect.succeed(continueWatching(stillInProgress("execute"), { ...state, operation: "execute" })),
          ChangeSetNotReady: ({ reason }) => refuse(reason)
        })
      ),
    Empty: () => StackSuccess.succeed(invocation, emptyChangeSet(changeSet), stack),
    Executed: () => refuse("it was executed before"),
    Unusable: ({ reason }) => refuse(reason)
  })
})

/** A change set that cannot be executed may have been by an earlier delivery: then the stack's events show it. */
const adoptOr = Effect.fnUntraced(function*(
  error: ChangeSetNotReady,
  stack: Option.Option<Stack>,
  execution: Execution,
  state: WatchState
): Effect.fn.Return<Step, ChangeSetNotReady | AwsError, CloudFormation> {
  const since = redeliveryWindowStart(execution)
  const search = {
    stack,
    since,
    owner: ownerOf(execution, since),
    operations: ["execute"] as const,
    eventsDenied: false
  }
  const { next } = yield* resolveDecision(StackPlan.adoptOwnOr(StackPlan.Start.Refuse({ status: "" })), search)
  return next._tag === "Adopt"
    ? continueWatching(stillInProgress("execute"), { ...state, operation: "execute" })
    : yield* error
})

const executing = (changes: string, state: WatchState) =>
  continueWatching(`Stack update started: ${changes}`, { ...state, operation: "execute" }, 0)

/** Waits for a change set, and then executes it or is done. */
export const resumeChangeSet = Effect.fn("StackChangeSet.resumeChangeSet")(
  function*(invocation: Invocation, prepared: PrepareState) {
    const { execution, parameters } = invocation
    const { stackId } = prepared
    const now = yield* epochMillis
    const { changeSet = ownName(execution) } = parameters
    const named = nameOf(parameters.stack)
    const deploys = modeOf(parameters) === "CHANGE_SET_DEPLOY"
    const key = { stack: stackId, changeSet: prepared.changeSet }
    const { changes, readiness, resources } = yield* describeReadiness(key)
    const cloudFormation = yield* CloudFormation
    const state: WatchState = { stackId, operation: "execute", since: redeliveryWindowStart(execution) }
    const adopted = continueWatching(stillInProgress("execute"), state)
    const made = Action.Step.Done({
      message: `Change set "${changeSet}" created: ${changes}`,
      externalExecutionId: stackId,
      outputVariables: { ChangeSetName: changeSet, StackId: stackId }
    })
    const lost = Effect.fnUntraced(function*(reason: string) {
      if (!deploys) return yield* new ChangeSetFailed({ stack: named, changeSet, reason })
      const stack = yield* cloudFormation.describe(stackId)
      return yield* adoptOr(
        new ChangeSetNotReady({ stack: named, changeSet, reason }),
        stack,
        execution,
        state
      )
    })
    return yield* ChangeSet.Readiness.$match(readiness, {
      Pending: () => Effect.succeed(continuePreparing(`Change set "${changeSet}" is being made`, prepared)),
      Ready: () =>
        deploys
          ? execute(key, execution, parameters).pipe(
            Effect.as(executing(changes, { ...state, resources, since: now })),
            Effect.catchTags({
              TokenUsed: () => Effect.succeed(adopted),
              ChangeSetNotReady: ({ reason }) => lost(reason)
            })
          )
          : Effect.succeed(made),
      Empty: () =>
        deploys
          ? Effect.andThen(clear(key), cloudFormation.describe(stackId)).pipe(
            Effect.flatMap((stack) => StackSuccess.succeed(invocation, emptyChangeSet(changeSet), stack))
          )
          : Effect.succeed(Action.Step.Done({ message: emptyChangeSet(changeSet), externalExecutionId: stackId })),
      // The name of a change set to deploy is made of the job's id: nobody else executes it.
      Executed: () => Effect.succeed(deploys ? adopted : made),
      Unusable: ({ reason }) => lost(reason)
    })
  }
)

const emptyChangeSet = (changeSet: string) => `There were no stack updates: change set "${changeSet}" is empty`
