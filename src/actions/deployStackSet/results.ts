// Ends a successful action: counts what its operations did, and passes it on to later actions of the pipeline.
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Action from "../../Action.ts"
import type { AwsError } from "../../domain/job/AwsError.ts"
import type { InstanceResult, StackSetKey, StackSetOperation } from "../../domain/stackSet/StackSet.ts"
import { operationId } from "../../domain/stackSet/StackSetOperation.ts"
import * as StackSetResult from "../../domain/stackSet/StackSetResult.ts"
import { withTimeLimit } from "../../runtime/optionalCall.ts"
import { ArtifactStore } from "../../services/ArtifactStore.ts"
import { StackSets } from "../../services/StackSets.ts"
import { readAll } from "./pages.ts"
import { type Invocation, keyOf, operationsOf, type PlanState } from "./State.ts"

/** Milliseconds for a list: some hundred pages. */
const timeLimit = 30_000

/** A list that the job can do without: then the result is incomplete. */
const optionalList = <A, R>(read: Effect.Effect<A, AwsError, R>): Effect.Effect<Option.Option<A>, never, R> =>
  read.pipe(
    withTimeLimit(timeLimit),
    Effect.asSome,
    Effect.catch((error) =>
      Effect.as(Effect.logWarning(`The result is incomplete. ${error.message}`), Option.none<A>())
    )
  )

/** The results of an operation, or none if they cannot be read. */
const resultsOf = Effect.fnUntraced(function*(key: StackSetKey, id: string) {
  const stackSets = yield* StackSets
  const none: ReadonlyArray<InstanceResult> = []
  const read = readAll("cloudformation:ListStackSetOperationResults", (token) => stackSets.results(key, id, { token }))
  return yield* optionalList(read.pipe(Effect.catchTag("StackSetNotFound", () => Effect.succeed(none))))
})

const describe = Effect.fnUntraced(function*(key: StackSetKey, id: string) {
  const stackSets = yield* StackSets
  const found = yield* optionalList(
    stackSets.operation(key, id).pipe(Effect.catchTag("StackSetNotFound", () => Effect.succeedNone))
  )
  return Option.flatten(found)
})

const driftedOf = Effect.fnUntraced(function*(key: StackSetKey) {
  const stackSets = yield* StackSets
  return yield* optionalList(
    readAll("cloudformation:ListStackInstances", (token) => stackSets.instances(key, { token, drifted: true })).pipe(
      Effect.catchTag("StackSetNotFound", () => Effect.succeed([]))
    )
  )
})

/** Writes the result file and succeeds. CodePipeline takes the artifact on success. */
export const succeed = Effect.fn("DeployStackSet.succeed")(function*(
  invocation: Invocation,
  { ran, stackSetId }: PlanState
) {
  const { execution, job, parameters: { mode, resultFile = "result.json" } } = invocation
  const key = keyOf(invocation, stackSetId)
  const operations = operationsOf(ran)
  const ended = yield* Effect.forEach(operations, (operation) => {
    const id = operationId(execution, operation)
    return Effect.map(resultsOf(key, id), (results) => ({ ...operation, id, results }))
  })
  const isDrift = mode === "DETECT_DRIFT"
  const last = ended.at(-1)
  const described: Option.Option<StackSetOperation> = isDrift && last !== undefined
    ? yield* describe(key, last.id)
    : Option.none()
  const result = StackSetResult.make({
    stackSetId,
    operations: ended,
    drift: Option.flatMap(described, ({ drift }) => Option.fromUndefinedOr(drift)),
    drifted: isDrift ? yield* driftedOf(key) : Option.none()
  })
  const [artifact] = job.outputArtifacts
  if (artifact !== undefined) {
    const store = yield* ArtifactStore
    yield* store.write(job, { artifact: artifact.name, files: { [resultFile]: StackSetResult.file(result) } })
  }
  return Action.Step.Done({
    message: StackSetResult.summary(mode, result),
    externalExecutionId: stackSetId,
    outputVariables: StackSetResult.variables(result)
  })
})
