// The calls of StackSets in memory.
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import { AwsRejected } from "../../domain/job/AwsError.ts"
import type { StackParameter } from "../../domain/stack/StackParameters.ts"
import { isNamedBy, type Place, type Target } from "../../domain/stackSet/StackInstances.ts"
import type {
  CreateStackSetRequest,
  InstancesRequest,
  OperationRequest,
  StackSetKey,
  StackSetOptions,
  UpdateStackSetRequest
} from "../../domain/stackSet/StackSet.ts"
import {
  OperationIdUsed,
  StackSetBusy,
  StackSetExists,
  StackSetNotEmpty,
  StackSetNotFound,
  type StackSets
} from "../../services/StackSets.ts"
import type { MemoryCloud } from "../cloudFormation/MemoryCloud.ts"
import { noSettings, settingsAfter, validationError } from "../cloudFormation/MemorySettings.ts"
import { summaryOf } from "../cloudFormation/template/MemoryTemplate.ts"
import { resolve } from "../cloudFormation/template/resolve.ts"
import { MemoryStackSet, type MemoryWork, placeKey } from "./MemoryStackSet.ts"

const pageSize = 100

const pageOf = <A>(items: ReadonlyArray<A>, token: string | undefined) => {
  const from = Number(token ?? 0)
  const end = from + pageSize
  return { items: items.slice(from, end), next: end < items.length ? `${end}` : undefined }
}

export interface MemoryStackSetsOptions {
  /** The duration of one instance in milliseconds. */
  readonly instanceMillis: number
  /** The accounts of each organizational unit; undefined without trusted access to Organizations. */
  readonly organization: Readonly<Record<string, ReadonlyArray<string>>> | undefined
}

const rejected = (operation: string, code: string, detail: string) => new AwsRejected({ operation, code, detail })

export class MemoryStackSets {
  readonly sets: Array<MemoryStackSet> = []
  readonly deleted = new Set<MemoryStackSet>()
  /** Why instances fail, by region and account. */
  readonly failures = new Map<string, string>()
  readonly operationIds: Array<string> = []
  readonly #cloud: MemoryCloud
  readonly #options: MemoryStackSetsOptions

  constructor(cloud: MemoryCloud, options: MemoryStackSetsOptions) {
    this.#cloud = cloud
    this.#options = options
  }

  find(stackSet: string): MemoryStackSet | undefined {
    return this.sets.find((set) => !this.deleted.has(set) && (set.id === stackSet || set.name === stackSet))
  }

  start(set: MemoryStackSet, work: Omit<MemoryWork, "instanceMillis" | "failureOf">, problem?: string) {
    this.operationIds.push(work.id)
    set.startOperation({
      ...work,
      instanceMillis: this.#options.instanceMillis,
      failureOf: (place) => this.failures.get(placeKey(place)) ?? problem
    })
    return work.id
  }

  readonly #open = ({ stackSet }: StackSetKey): Effect.Effect<MemoryStackSet, StackSetNotFound> => {
    const set = this.find(stackSet)
    return set === undefined ? Effect.fail(new StackSetNotFound({ stackSet })) : Effect.succeed(set)
  }

  /** The stack set, if an operation with this id may start on it now. */
  readonly #startable = Effect.fnUntraced(
    { self: this as MemoryStackSets },
    function*({ operationId, stackSet }: OperationRequest, now: number) {
      const set = yield* this.#open({ stackSet })
      if (set.hasOperation(operationId)) return yield* new OperationIdUsed({ stackSet, operationId })
      const running = set.runningAt(now)
      if (running !== undefined && set.options.managedExecution !== true) {
        const reason = `Another Operation on StackSet ${set.id} is in progress: ${running}`
        return yield* new StackSetBusy({ stackSet, reason })
      }
      return set
    }
  )

  /** The accounts and regions of a target, or why CloudFormation refuses it. */
  #placesOf(set: MemoryStackSet, target: Target, isCreation: boolean): Result.Result<ReadonlyArray<Place>, string> {
    const { accounts = [], organizationalUnits, regions } = target
    const organization = this.#options.organization ?? {}
    if (set.permissionModel === "SELF_MANAGED") {
      return organizationalUnits === undefined
        ? Result.succeed(accounts.flatMap((account) => regions.map((region) => ({ account, region }))))
        : Result.fail("StackSets with SELF_MANAGED permission model can only have accounts as target")
    }
    if (organizationalUnits === undefined) {
      return Result.fail("StackSets with SERVICE_MANAGED permission model can only have OrganizationalUnit as target")
    }
    if (isCreation && target.accountFilter === "UNION") {
      return Result.fail("AccountFilterType UNION is not supported for CreateStackInstances")
    }
    const unknown = organizationalUnits.find((unit) => !Object.hasOwn(organization, unit))
    if (unknown !== undefined) return Result.fail(`OrganizationalUnit ${unknown} does not exist`)
    const isNamed = isNamedBy(target)
    return Result.succeed(
      Object.entries(organization).flatMap(([organizationalUnit, members]) =>
        members.flatMap((account) => regions.map((region) => ({ account, region, organizationalUnit })))
      ).filter((place) => isNamed({ ...place, status: "" }))
    )
  }

  readonly #templateAndSettings = Effect.fnUntraced(
    { self: this as MemoryStackSets },
    function*(
      operation: string,
      request: CreateStackSetRequest | UpdateStackSetRequest,
      before: MemoryStackSet | undefined
    ) {
      const template = yield* this.#cloud.templateOf(operation, request)
      const { capabilities, parameters, stackSet: stack, tags } = request
      const settings = yield* settingsAfter(
        operation,
        template,
        { stack, capabilities, parameters, tags },
        before?.settings ?? noSettings
      )
      return { template, settings }
    }
  )

  /** Why no instance of the stack set can be created. CloudFormation notices it in each stack. */
  #problemOf({ name, settings, template }: MemoryStackSet, overrides: ReadonlyMap<string, string>, now: number) {
    const own = { ...settings, parameters: new Map([...settings.parameters, ...overrides]) }
    const draft = this.#cloud.draft(`StackSet-${name}`, now)
    return Option.getOrUndefined(Result.getFailure(resolve(template, draft.environment(own, now))))
  }

  readonly #changeInstances = Effect.fnUntraced(
    { self: this as MemoryStackSets },
    function*(
      call: string,
      action: "CREATE" | "UPDATE" | "DELETE",
      request: InstancesRequest & { readonly overrides?: ReadonlyArray<StackParameter> | undefined }
    ) {
      const now = yield* this.#cloud.startCall(call)
      const set = yield* this.#startable(request, now)
      const places = yield* Effect.fromResult(this.#placesOf(set, request.target, action === "CREATE")).pipe(
        Effect.mapError((problem) => validationError(call, problem))
      )
      const present = new Map(set.instancesAt(now).map((instance) => [placeKey(instance), instance]))
      const known = places.filter((place) => present.has(placeKey(place)))
      if (action === "UPDATE" && known.length < places.length) {
        return yield* rejected(call, "StackInstanceNotFoundException", "The specified stack instance doesn't exist")
      }
      const overrides = request.overrides &&
        new Map(request.overrides.flatMap((one) => "value" in one ? [[one.name, one.value] as const] : []))
      return this.start(set, {
        id: request.operationId,
        action,
        // Instances that are up to date stay as they are.
        places: action === "DELETE"
          ? known
          : action === "UPDATE"
          ? places
          : places.filter((place) => present.get(placeKey(place))?.status !== "CURRENT"),
        preferences: request.preferences ?? {},
        overrides,
        now
      }, action === "DELETE" ? undefined : this.#problemOf(set, overrides ?? new Map(), now))
    }
  )

  readonly service: StackSets["Service"] = {
    describe: Effect.fn("StackSetsMemory.describe")(
      { self: this as MemoryStackSets },
      function*({ stackSet }: StackSetKey) {
        yield* this.#cloud.startCall("cloudformation:DescribeStackSet")
        return Option.map(Option.fromUndefinedOr(this.find(stackSet)), ({ id, name, permissionModel, settings }) => ({
          id,
          name,
          permissionModel,
          parameters: new Map(
            Array.from(settings.parameters, ([name, value]) => [name, settings.noEcho.has(name) ? "****" : value])
          )
        }))
      }
    ),
    create: Effect.fn("StackSetsMemory.create")(
      { self: this as MemoryStackSets },
      function*(request: CreateStackSetRequest) {
        const call = "cloudformation:CreateStackSet"
        yield* this.#cloud.startCall(call)
        const { clientRequestToken: createToken, permissionModel = "SELF_MANAGED", stackSet } = request
        const existing = this.find(stackSet)
        if (existing?.createToken === createToken) return existing.id
        if (existing !== undefined) return yield* new StackSetExists({ stackSet })
        if (permissionModel === "SERVICE_MANAGED" && this.#options.organization === undefined) {
          return yield* validationError(
            call,
            "You must enable organizations access to operate a service managed stack set"
          )
        }
        const content = yield* this.#templateAndSettings(call, request, undefined)
        const id = `${stackSet}:5c36ae10-1b4f-11f0-8d4e-${String(this.sets.length).padStart(12, "0")}`
        const options = optionsOf(request, {})
        this.sets.push(new MemoryStackSet({ id, name: stackSet, permissionModel, createToken, ...content, options }))
        return id
      }
    ),
    update: Effect.fn("StackSetsMemory.update")(
      { self: this as MemoryStackSets },
      function*(request: UpdateStackSetRequest) {
        const call = "cloudformation:UpdateStackSet"
        const now = yield* this.#cloud.startCall(call)
        const set = yield* this.#startable(request, now)
        const { settings, template } = yield* this.#templateAndSettings(call, request, set)
        set.template = template
        set.settings = settings
        set.options = optionsOf(request, set.options)
        return this.start(set, {
          id: request.operationId,
          action: "UPDATE",
          places: set.instancesAt(now).filter(({ status }) => status !== "INOPERABLE").map(placeOf),
          preferences: request.preferences ?? {},
          now
        }, this.#problemOf(set, new Map(), now))
      }
    ),
    createInstances: (request) => this.#changeInstances("cloudformation:CreateStackInstances", "CREATE", request),
    updateInstances: (request) => this.#changeInstances("cloudformation:UpdateStackInstances", "UPDATE", request),
    deleteInstances: (request) => this.#changeInstances("cloudformation:DeleteStackInstances", "DELETE", request),
    detectDrift: Effect.fn("StackSetsMemory.detectDrift")(
      { self: this as MemoryStackSets },
      function*(request: OperationRequest) {
        const now = yield* this.#cloud.startCall("cloudformation:DetectStackSetDrift")
        const set = yield* this.#startable(request, now)
        return this.start(set, {
          id: request.operationId,
          action: "DETECT_DRIFT",
          places: set.instancesAt(now).map(placeOf),
          preferences: request.preferences ?? {},
          now
        })
      }
    ),
    delete: Effect.fn("StackSetsMemory.delete")(
      { self: this as MemoryStackSets },
      function*({ stackSet }: StackSetKey) {
        const now = yield* this.#cloud.startCall("cloudformation:DeleteStackSet")
        const set = this.find(stackSet)
        if (set === undefined) return
        if (set.runningAt(now) !== undefined) {
          return yield* new StackSetBusy({ stackSet, reason: `Another Operation on StackSet ${set.id} is in progress` })
        }
        if (set.instancesAt(now).length > 0) return yield* new StackSetNotEmpty({ stackSet })
        this.deleted.add(set)
      }
    ),
    operation: Effect.fn("StackSetsMemory.operation")(
      { self: this as MemoryStackSets },
      function*(key: StackSetKey, id: string) {
        const now = yield* this.#cloud.startCall("cloudformation:DescribeStackSetOperation")
        const set = yield* this.#open(key)
        return Option.fromUndefinedOr(set.operationsAt(now).find((operation) => operation.id === id))
      }
    ),
    operations: Effect.fn("StackSetsMemory.operations")({ self: this as MemoryStackSets }, function*(key: StackSetKey) {
      const now = yield* this.#cloud.startCall("cloudformation:ListStackSetOperations")
      const set = yield* this.#open(key)
      return set.operationsAt(now).slice(0, pageSize)
    }),
    results: (key, id, { failed = false, token } = {}) =>
      Effect.flatMap(
        this.#cloud.startCall("cloudformation:ListStackSetOperationResults"),
        (now) =>
          Effect.map(this.#open(key), (set) =>
            pageOf(set.resultsAt(id, now).filter(({ status }) => !failed || status === "FAILED"), token))
      ),
    instances: (key, { drifted = false, token } = {}) =>
      Effect.flatMap(
        this.#cloud.startCall("cloudformation:ListStackInstances"),
        (now) =>
          Effect.map(this.#open(key), (set) => {
            const all = set.instancesAt(now).filter(({ isDrifted }) => !drifted || isDrifted)
            const { items, next } = pageOf(all, token)
            return {
              items: items.map(({ account, lastOperationId, organizationalUnit, region, status }) => ({
                account,
                region,
                status,
                lastOperationId,
                organizationalUnit
              })),
              next
            }
          })
      ),
    stackOf: (key, place) =>
      Effect.map(this.#cloud.startCall("cloudformation:DescribeStackInstance"), (now) => {
        const set = this.find(key.stackSet)
        const instances = set === undefined ? [] : set.instancesAt(now)
        const instance = instances.find((instance) => placeKey(instance) === placeKey(place))
        return Option.fromUndefinedOr(instance?.stackId)
      }),
    stackEvents: (stackId) =>
      Effect.map(
        this.#cloud.startCall("cloudformation:DescribeStackEvents"),
        (now) => this.sets.flatMap((set) => set.failedEventsAt(stackId, now))
      ),
    templateSummary: (template) => {
      const call = "cloudformation:GetTemplateSummary"
      return Effect.andThen(
        this.#cloud.startCall(call),
        Effect.map(this.#cloud.templateOf(call, template), summaryOf)
      )
    }
  }
}

const placeOf = ({ account, organizationalUnit, region }: Place): Place => ({ account, region, organizationalUnit })

/** Omitted settings keep their value. */
const optionsOf = (
  request: StackSetOptions,
  before: MemoryStackSet["options"]
): MemoryStackSet["options"] => ({
  description: request.description ?? before.description,
  capabilities: request.capabilities,
  administrationRoleArn: request.administrationRoleArn ?? before.administrationRoleArn,
  executionRoleName: request.executionRoleName ?? before.executionRoleName,
  autoDeployment: request.autoDeployment ?? before.autoDeployment,
  managedExecution: request.managedExecution ?? before.managedExecution
})
