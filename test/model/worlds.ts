// What the tests of the model have in common: the world in which the program runs, unless a test changes it.
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { DeployStack } from "../../src/actions/deployStack/DeployStack.ts"
import { ArtifactStoreMemory } from "../../src/testing/ArtifactStoreMemory.ts"
import { sampleTemplate } from "../fixtures.ts"
import * as Cloud from "./cloud.ts"
import { checkEach } from "./modelChecker.ts"
import { nextStep } from "./program.ts"
import type { FaultBudget, Model } from "./state.ts"
import { transitionSystem } from "./system.ts"

export const minute = 60_000
export const day = 24 * 60 * minute

/** When the first event is delivered. */
export const startTime = 2 * day

export const artifacts = ArtifactStoreMemory.layer({ MyTemplate: { "template-package/template.json": sampleTemplate } })

/** The UserParameters of a mode with a template. */
export const required = { stack: Cloud.name, file: "template-package/template.json", artifact: "MyTemplate" }

/** A stack that another actor brought into this status a day ago; without a status, no stack. */
export const stackIn = (status: string | undefined): Cloud.Cloud => Cloud.cloudWith(status, "new", startTime, day)

/** Operations skip the statuses between their start and their end. */
export const brief = (clouds: ReadonlyArray<Cloud.Cloud>): ReadonlyArray<Cloud.Cloud> =>
  clouds.map((cloud) => ({ ...cloud, isBrief: true }))

export const withTemplate = (
  clouds: ReadonlyArray<Cloud.Cloud>,
  template: Cloud.Template
): ReadonlyArray<Cloud.Cloud> => clouds.map((cloud) => ({ ...cloud, template }))

export const noFaults: FaultBudget = { redeliveries: 0, callFaults: 0, otherActors: 0, staleReads: 0 }

/** What a test has to say of its world. */
export type WorldOptions = Pick<Model, "initialClouds" | "userParameters" | "invariants"> & Partial<Model>

export const modelOf = (options: WorldOptions): Model => ({
  budget: noFaults,
  mayReadEvents: true,
  parameters: [],
  hasDefaults: false,
  token: null,
  nextStep: (event, now, answers) => nextStep(DeployStack, artifacts, event, now, answers),
  ...options
})

export const checkModel = (model: Model) => checkEach(transitionSystem(model))

export type World = readonly [name: string, model: Model]

/** A test for each world. `deepWorlds` are large: they are checked with DEEP=1 only. */
export const checkWorlds = (
  title: string,
  worlds: ReadonlyArray<World>,
  deepWorlds: ReadonlyArray<World>,
  timeout = 10 * minute
) => {
  describe(title, () => {
    it.effect.each(process.env["DEEP"] ? [...worlds, ...deepWorlds] : worlds)(
      "%s",
      ([name, model]) =>
        Effect.gen(function*() {
          const { counterexample, states, transitions } = yield* checkModel(model)
          process.stdout.write(`${states} states, ${transitions} transitions: ${name}\n`)
          if (counterexample !== undefined) assert.fail(counterexample.join("\n"))
        }),
      timeout
    )
  })
}
