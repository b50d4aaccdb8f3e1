// The cases of the contract of StackSets run against two worlds: the in-memory layer, and the live layer over HTTP.
import { CloudFormationClient } from "@aws-sdk/client-cloudformation"
import { Context, Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import type { CreateStackSetRequest, UpdateStackSetRequest } from "../../../src/domain/stackSet/StackSet.ts"
import { StackSets } from "../../../src/services/StackSets.ts"
import { StackSetsMemory } from "../../../src/testing/StackSetsMemory.ts"
import { sampleTemplate } from "../../fixtures.ts"
import { clientOptions } from "../server.ts"
import { StackSetsServer } from "../StackSetsServer.ts"

/** What a case needs besides the service. */
export class World extends Context.Service<World, {
  /** Instances of operations that start from now on fail, by `account/region`. */
  fail(reasons: Readonly<Record<string, string>>): Effect.Effect<void>
  /** The running operation ends. */
  readonly end: Effect.Effect<void>
  /** The instance has drifted. */
  drift(account: string, region: string): Effect.Effect<void>
}>()("effect-codepipeline/test/StackSetsWorld") {}

export const stackSet = "MyStackSet"
export const key = { stackSet }

const memory: Layer.Layer<StackSets | World> = Layer.effect(
  World,
  Effect.map(StackSetsMemory, ({ failInstance, setDrifted }) => ({
    fail: (reasons) =>
      Effect.forEach(Object.entries(reasons), ([place, reason]) => {
        const [account = "", region = ""] = place.split("/")
        return failInstance(account, region, reason)
      }, { discard: true }),
    end: TestClock.adjust("1 day"),
    drift: (account, region) => setDrifted(stackSet, account, region)
  }))
).pipe(Layer.provideMerge(Layer.suspend(() => StackSetsMemory.layer())))

export const service = Layer.unwrap(Effect.gen(function*() {
  const { endpoint } = yield* StackSetsServer
  const client = yield* Effect.acquireRelease(
    Effect.sync(() => new CloudFormationClient(clientOptions(endpoint))),
    (client) => Effect.sync(() => client.destroy())
  )
  return StackSets.layerClient(client)
}))

export const http = Layer.effect(
  World,
  Effect.gen(function*() {
    const { end, setInstances } = yield* StackSetsServer
    const failures: Record<string, string> = {}
    return {
      fail: (reasons) => Effect.sync(() => void Object.assign(failures, reasons)),
      end: Effect.suspend(() => end(failures)),
      drift: (account, region) =>
        setInstances(places.map(({ account: id, region: name }) => ({
          account: id,
          region: name,
          status: "CURRENT",
          operation: "create-1",
          isDrifted: id === account && name === region
        })))
    }
  })
).pipe(Layer.merge(service), Layer.provideMerge(StackSetsServer.layer))

/** The worlds in which each case of the contract runs. */
export const worlds = [{ name: "in memory", world: memory }, { name: "over HTTP", world: http }]

export const accounts = ["111111111111", "222222222222"]
export const regions = ["eu-west-1", "us-east-1"]
export const places = accounts.flatMap((account) => regions.map((region) => ({ account, region })))
export const target = { accounts, regions }

const call = <A, E, R>(use: (service: StackSets["Service"]) => Effect.Effect<A, E, R>) => StackSets.use(use)

export const end = World.use(({ end }) => end)
export const createSet = (change: Partial<CreateStackSetRequest> = {}) =>
  call(({ create }) => create({ ...key, templateBody: sampleTemplate, clientRequestToken: "set-1", ...change }))
export const updateSet = (change: Partial<UpdateStackSetRequest> = {}) =>
  call(({ update }) => update({ ...key, templateBody: sampleTemplate, operationId: "update-1", ...change }))
export const createInstances = (operationId = "create-1", overrides?: ReadonlyArray<{ name: string; value: string }>) =>
  call((service) => service.createInstances({ ...key, operationId, target, overrides }))
export const operationOf = (id: string) => call(({ operation }) => operation(key, id))
export const instancesOf = call(({ instances }) => instances(key))

/** The stack set with its four instances. */
export const created = Effect.gen(function*() {
  const id = yield* createSet()
  yield* createInstances()
  yield* end
  return id
})
