// Replaces `@smithy/core/event-streams` in built functions, whose operations have no event streams. Clients call only the
// rest when they are made.

/** Called by the S3 client. */
export const resolveEventStreamSerdeConfig = <Config>(config: Config): Config => config

function fail(): never {
  throw new Error("This function was built without event streams")
}

export { fail as EventStreamSerde, fail as eventStreamSerdeProvider }
