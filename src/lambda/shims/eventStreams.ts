// Stands in for `@smithy/core/event-streams` in the built functions: none of their operations answers with a stream of
// events. What is left is what clients do with it before they know that.

/** Of the client of S3. */
export const resolveEventStreamSerdeConfig = <Config>(config: Config): Config => config

function fail(): never {
  throw new Error("This function was built without streams of events")
}

export { fail as EventStreamSerde, fail as eventStreamSerdeProvider }
