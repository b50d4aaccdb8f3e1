// Environment variables for the AWS SDK and for Config.
import { vi } from "@effect/vitest"
import { ConfigProvider, Effect, type Layer } from "effect"

/** Sets the variables for the lifetime of the layer, or unsets them. */
export const environment = (variables: Readonly<Record<string, string | undefined>>): Layer.Layer<never> =>
  ConfigProvider.layer(
    Effect.acquireRelease(
      Effect.sync(() => {
        for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value)
        return ConfigProvider.fromEnv()
      }),
      () => Effect.sync(() => vi.unstubAllEnvs())
    )
  )
