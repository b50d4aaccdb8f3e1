// The stack sets of CloudFormation as they answer over HTTP (protocol awsQuery). Operations do not end by themselves: a test
// ends them.
import { Context, Effect, Layer } from "effect"
import { type Parameters, protocol, result, texts, validationError, xml } from "./cloudFormation/queryProtocol.ts"
import { getTemplateSummary } from "./cloudFormation/stackOperations.ts"
import { members, valuesOf } from "./cloudFormation/templateRequest.ts"
import { type Answer, type AwsServer, refused, serve } from "./server.ts"

export interface ServerInstance {
  readonly account: string
  readonly region: string
  readonly status: string
  readonly operation: string
  readonly isDrifted?: boolean
}

export interface ServerResult {
  readonly account: string
  readonly region: string
  readonly status: string
  readonly reason?: string
}

export interface ServerOperation {
  readonly id: string
  readonly action: string
  readonly status: string
  readonly results: ReadonlyArray<ServerResult>
}

interface ServerSet {
  readonly id: string
  readonly token: string
  readonly form: Readonly<Record<string, string>>
  readonly values: ReadonlyMap<string, string>
  instances: ReadonlyArray<ServerInstance>
  operations: ReadonlyArray<ServerOperation>
}

const pageSize = 100

const page = (form: Readonly<Record<string, string>>, items: ReadonlyArray<string>) => {
  const from = Number(form["NextToken"] ?? 0)
  const end = from + Number(form["MaxResults"] ?? pageSize)
  const list = items.slice(from, end).map((item) => `<member>${item}</member>`).join("")
  return `<Summaries>${list}</Summaries>${end < items.length ? xml({ NextToken: `${end}` }) : ""}`
}

const placesOf = (form: Readonly<Record<string, string>>) =>
  members(form, "Accounts").flatMap((account) => members(form, "Regions").map((region) => ({ account, region })))

const stackSetNotFound = (name: string) => refused("StackSetNotFoundException", `StackSet ${name} not found`, 404)

const stackOf = ({ account, region }: ServerInstance) =>
  `arn:aws:cloudformation:${region}:${account}:stack/StackSet-S/5c36ae10-1b4f-11f0-8d4e-000000000001`

const operationXml = ({ action, id, results, status }: ServerOperation) => {
  const failed = results.filter(({ status }) => status === "FAILED").length
  return xml({ OperationId: id, Action: action, Status: status, CreationTimestamp: "2026-01-01T00:00:00.000Z" }) +
    `<StatusDetails>${xml({ FailedStackInstancesCount: `${failed}` })}</StatusDetails>`
}

export class StackSetsServer extends Context.Service<
  StackSetsServer,
  AwsServer & {
    /** Ends the running operation: these instances failed with a reason, all others succeeded. */
    end(failed?: Readonly<Record<string, string>>): Effect.Effect<void>
    /** Replaces the operations, as any program could have started them. */
    setOperations(operations: ReadonlyArray<ServerOperation>): Effect.Effect<void>
    /** Replaces the instances. */
    setInstances(instances: ReadonlyArray<ServerInstance>): Effect.Effect<void>
  }
>()("effect-codepipeline/test/StackSetsServer") {
  static readonly layer: Layer.Layer<StackSetsServer> = Layer.effect(
    StackSetsServer,
    Effect.gen(function*() {
      const sets: Array<ServerSet> = []
      const find = (name = "") => sets.find(({ form, id }) => id === name || form["StackSetName"] === name)

      const onSet =
        (answer: (set: ServerSet, form: Readonly<Record<string, string>>) => Answer) => (parameters: Parameters) => {
          const form = texts(parameters)
          const set = find(form["StackSetName"])
          return set === undefined ? stackSetNotFound(form["StackSetName"] ?? "") : answer(set, form)
        }

      const starting = (
        name: string,
        action: string,
        places: (set: ServerSet, form: Readonly<Record<string, string>>) => ReadonlyArray<Omit<ServerResult, "status">>
      ) =>
        onSet((set, form) => {
          const { OperationId: id = "" } = form
          if (set.operations.some((operation) => operation.id === id)) {
            return refused("OperationIdAlreadyExistsException", `Operation ${id} already exists`, 409)
          }
          if (set.operations.some(({ status }) => status === "RUNNING")) {
            return refused(
              "OperationInProgressException",
              `Another Operation on StackSet ${set.id} is in progress`,
              409
            )
          }
          const touched = places(set, form)
          const isTouched = (one: ServerInstance) =>
            touched.some(({ account, region }) => account === one.account && region === one.region)
          if (
            action === "UPDATE" && touched.some((place) =>
              !set.instances.some(({ account, region }) => account === place.account && region === place.region)
            )
          ) {
            return refused("StackInstanceNotFoundException", "The specified stack instance doesn't exist", 404)
          }
          set.operations = [
            ...set.operations,
            { id, action, status: "RUNNING", results: touched.map((place) => ({ ...place, status: "RUNNING" })) }
          ]
          if (action !== "DETECT_DRIFT") {
            set.instances = [
              ...set.instances.filter((one) => !isTouched(one)),
              ...touched.map(({ account, region }) => ({ account, region, status: "OUTDATED", operation: id }))
            ]
          }
          return result(name, xml({ OperationId: id }))
        })

      const handlers: Readonly<Record<string, (parameters: Parameters) => Answer>> = {
        CreateStackSet: (parameters) => {
          const form = texts(parameters)
          const { ClientRequestToken: token = "", StackSetName: name = "", TemplateBody: body = "" } = form
          const existing = find(name)
          if (existing?.token === token) return result("CreateStackSet", xml({ StackSetId: existing.id }))
          if (existing) return refused("NameAlreadyExistsException", `The Name ${name} already exists`, 409)
          if (form["PermissionModel"] === "SERVICE_MANAGED") {
            return validationError("You must enable organizations access to operate a service managed stack set")
          }
          const values = valuesOf(body, form, new Map())
          if ("_tag" in values) return values
          const id = `${name}:5c36ae10-1b4f-11f0-8d4e-00000000000${sets.length}`
          sets.push({ id, token, form, values, instances: [], operations: [] })
          return result("CreateStackSet", xml({ StackSetId: id }))
        },
        DescribeStackSet: onSet(({ form, id, values }) => {
          const list = Array.from(
            values,
            ([name, value]) => `<member>${xml({ ParameterKey: name, ParameterValue: value })}</member>`
          )
          return result(
            "DescribeStackSet",
            `<StackSet>${
              xml({
                StackSetId: id,
                StackSetName: form["StackSetName"],
                PermissionModel: form["PermissionModel"] ?? "SELF_MANAGED",
                Status: "ACTIVE"
              })
            }<Parameters>${list.join("")}</Parameters></StackSet>`
          )
        }),
        UpdateStackSet: starting(
          "UpdateStackSet",
          "UPDATE",
          ({ instances }) => instances.map(({ account, region }) => ({ account, region }))
        ),
        CreateStackInstances: starting("CreateStackInstances", "CREATE", (_, form) => placesOf(form)),
        UpdateStackInstances: starting("UpdateStackInstances", "UPDATE", (_, form) => placesOf(form)),
        DeleteStackInstances: starting("DeleteStackInstances", "DELETE", (_, form) => placesOf(form)),
        DetectStackSetDrift: starting(
          "DetectStackSetDrift",
          "DETECT_DRIFT",
          ({ instances }) => instances.map(({ account, region }) => ({ account, region }))
        ),
        DeleteStackSet: (parameters) => {
          const { StackSetName: name } = texts(parameters)
          const set = find(name)
          if (set?.operations.some(({ status }) => status === "RUNNING")) {
            return refused("OperationInProgressException", "Another Operation is in progress", 409)
          }
          if (set !== undefined && set.instances.length > 0) {
            return refused("StackSetNotEmptyException", "StackSet is not empty", 409)
          }
          if (set !== undefined) sets.splice(sets.indexOf(set), 1)
          return set === undefined ? stackSetNotFound(name ?? "") : result("DeleteStackSet", "")
        },
        DescribeStackSetOperation: onSet((set, form) => {
          const operation = set.operations.find(({ id }) => id === form["OperationId"])
          if (operation === undefined) {
            return refused("OperationNotFoundException", `Operation ${form["OperationId"]} not found`, 404)
          }
          const drifted = set.instances.filter(({ isDrifted }) => isDrifted).length
          const drift = operation.action === "DETECT_DRIFT" && operation.status === "SUCCEEDED"
            ? `<StackSetDriftDetectionDetails>${
              xml({
                DriftStatus: drifted > 0 ? "DRIFTED" : "IN_SYNC",
                TotalStackInstancesCount: `${set.instances.length}`,
                DriftedStackInstancesCount: `${drifted}`,
                InSyncStackInstancesCount: `${set.instances.length - drifted}`,
                FailedStackInstancesCount: "0"
              })
            }</StackSetDriftDetectionDetails>`
            : ""
          return result(
            "DescribeStackSetOperation",
            `<StackSetOperation>${operationXml(operation)}${drift}</StackSetOperation>`
          )
        }),
        ListStackSetOperations: onSet(({ operations }, form) =>
          result("ListStackSetOperations", page(form, operations.toReversed().map(operationXml)))
        ),
        ListStackSetOperationResults: onSet(({ operations }, form) => {
          const wanted = form["Filters.member.1.Values"]
          const results = operations.find(({ id }) => id === form["OperationId"])?.results ?? []
          return result(
            "ListStackSetOperationResults",
            page(
              form,
              results.filter(({ status }) => wanted === undefined || status === wanted).map((
                { account, reason, region, status }
              ) => xml({ Account: account, Region: region, Status: status, StatusReason: reason }))
            )
          )
        }),
        ListStackInstances: onSet(({ instances }, form) =>
          result(
            "ListStackInstances",
            page(
              form,
              instances.filter(({ isDrifted }) => form["Filters.member.1.Values"] !== "DRIFTED" || isDrifted).map((
                { account, operation, region, status }
              ) => xml({ Account: account, Region: region, Status: status, LastOperationId: operation }))
            )
          )
        ),
        DescribeStackInstance: onSet(({ instances }, form) => {
          const found = instances.find(({ account, region }) =>
            account === form["StackInstanceAccount"] && region === form["StackInstanceRegion"]
          )
          return found === undefined
            ? refused("StackInstanceNotFoundException", "The specified stack instance doesn't exist", 404)
            : result("DescribeStackInstance", `<StackInstance>${xml({ StackId: stackOf(found) })}</StackInstance>`)
        }),
        DescribeStackEvents: (parameters) => {
          const { StackName: stack = "" } = texts(parameters)
          const event = xml({
            StackId: stack,
            StackName: "StackSet-S",
            EventId: "1",
            LogicalResourceId: "MySampleBucket",
            ResourceType: "AWS::S3::Bucket",
            ResourceStatus: "CREATE_FAILED",
            ResourceStatusReason: "it exists already",
            Timestamp: "2999-01-01T00:00:00.000Z"
          })
          return result("DescribeStackEvents", `<StackEvents><member>${event}</member></StackEvents>`)
        },
        GetTemplateSummary: getTemplateSummary
      }
      const server = yield* serve(
        protocol,
        ({ operation, parameters }) =>
          handlers[operation]?.(parameters) ?? refused("InvalidAction", `Could not find operation ${operation}`)
      )
      return {
        ...server,
        end: (failed = {}) =>
          Effect.sync(() => {
            const [set] = sets
            const running = set?.operations.find(({ status }) => status === "RUNNING")
            if (set === undefined || running === undefined) return
            const results = running.results.map(({ account, region }): ServerResult => {
              const reason = failed[`${account}/${region}`]
              return reason === undefined
                ? { account, region, status: "SUCCEEDED" }
                : { account, region, status: "FAILED", reason }
            })
            const ended = { ...running, status: Object.keys(failed).length > 0 ? "FAILED" : "SUCCEEDED", results }
            set.operations = set.operations.with(set.operations.indexOf(running), ended)
            const statusOf = (one: ServerInstance) =>
              results.find(({ account, region }) => account === one.account && region === one.region)?.status
            set.instances = set.instances.flatMap((one) => {
              const status = statusOf(one)
              if (running.action === "DELETE" && status === "SUCCEEDED") return []
              return status === undefined || running.action === "DETECT_DRIFT"
                ? [one]
                : [{ ...one, status: status === "SUCCEEDED" ? "CURRENT" : "OUTDATED" }]
            })
          }),
        setOperations: (operations) => Effect.sync(() => sets.forEach((set) => void (set.operations = operations))),
        setInstances: (instances) => Effect.sync(() => sets.forEach((set) => void (set.instances = instances)))
      }
    })
  )
}
