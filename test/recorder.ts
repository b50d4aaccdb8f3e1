// Records spans and metrics.
import { Cause, Context, Effect, Exit, Layer, Metric, Option, Tracer } from "effect"

export class Recorder extends Context.Service<Recorder, {
  readonly spans: ReadonlyArray<Tracer.NativeSpan>
  /** The counters of this package, as `name attributes: count`. */
  readonly counts: Effect.Effect<ReadonlyArray<string>>
}>()("effect-codepipeline/test/Recorder") {
  static readonly layer = Layer.unwrap(Effect.sync(() => {
    const spans: Array<Tracer.NativeSpan> = []
    const tracer = Tracer.make({
      span: (options) => {
        const span = new Tracer.NativeSpan(options)
        spans.push(span)
        return span
      }
    })
    return Layer.mergeAll(
      Layer.succeed(Tracer.Tracer, tracer),
      Layer.succeed(Metric.MetricRegistry, new Map()),
      Layer.succeed(Recorder, { spans, counts })
    )
  }))
}

const counts = Effect.map(Metric.snapshot, (snapshots) =>
  snapshots.flatMap(({ attributes, id, state, type }) => {
    if (!id.startsWith("codepipeline_")) return []
    const labels = Object.entries(attributes ?? {}).map(([name, value]) => `${name}=${value}`).toSorted()
    return [`${id} ${labels.join(" ")}: ${type === "Counter" ? state.count : type}`]
  }).toSorted())

/** The names of the spans from the root to this one. */
export const path = (span: Tracer.AnySpan): ReadonlyArray<string> =>
  span._tag === "Span"
    ? [...Option.match(span.parent, { onNone: () => [], onSome: path }), span.name]
    : []

/** Everything that exporters send of a span. */
export const exported = ({ attributes, events, name, status }: Tracer.NativeSpan): string =>
  JSON.stringify([
    name,
    [...attributes],
    events.map(([name, , attributes]) => [name, attributes]),
    status._tag === "Ended" && Exit.isFailure(status.exit) ? Cause.pretty(status.exit.cause) : ""
  ])
