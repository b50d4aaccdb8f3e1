import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"

/**
 * As `Layer.unwrap`, but the layer itself is what is shared wherever it is used, also inside other layers: the command
 * `run` puts another one in its place.
 */
export const liveLayer = <A>(layer: Effect.Effect<Layer.Layer<A>, never, Scope.Scope>): Layer.Layer<A> =>
  Layer.effectContext(Effect.flatMap(layer, Layer.build))
