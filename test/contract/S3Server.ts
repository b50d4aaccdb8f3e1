// S3 on this machine: fauxqs, with a look at its requests and with faults of its own.
import { Context, Effect, Layer } from "effect"
import { buildApp } from "fauxqs"
import type { IncomingHttpHeaders } from "node:http"

/** A request of a client; what the test itself puts in place is none. */
export interface S3Request {
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders
}

export class S3Server extends Context.Service<S3Server, {
  readonly endpoint: string
  readonly requests: ReadonlyArray<S3Request>
  /** Puts an object in place, or replaces it; makes the bucket where there is none. */
  put(bucket: string, key: string, bytes: Uint8Array): Effect.Effect<void>
  /** The bytes of an object. */
  get(bucket: string, key: string): Effect.Effect<Uint8Array>
  makeBucket(bucket: string): Effect.Effect<void>
  /** Each of these is done just before a request that wants a certain version is answered. */
  beforeConditional(...acts: ReadonlyArray<Effect.Effect<void>>): Effect.Effect<void>
  /** From now on nobody may do anything. */
  readonly deny: Effect.Effect<void>
}>()("effect-codepipeline/test/S3Server") {
  static readonly layer: Layer.Layer<S3Server> = Layer.effect(
    S3Server,
    Effect.gen(function*() {
      const app = buildApp({ logger: false })
      const requests: Array<S3Request> = []
      const acts: Array<Effect.Effect<void>> = []
      let denied = false
      const run = Effect.runPromiseWith(yield* Effect.context())
      app.addHook("onRequest", async ({ headers, method, url }, reply) => {
        if (headers.authorization === undefined) return
        requests.push({ method, url, headers })
        if (headers["if-match"] !== undefined) await run(acts.shift() ?? Effect.void)
        if (denied) await reply.status(403).type("application/xml").send(accessDenied)
      })
      const address = yield* Effect.acquireRelease(
        Effect.promise(() => app.listen({ port: 0, host: "127.0.0.1" })),
        () => Effect.promise(() => app.close())
      )
      const makeBucket = (bucket: string) => Effect.promise(() => app.inject({ method: "PUT", url: `/${bucket}` }))
      return {
        // By a name: with an IP address the AWS SDK would not put the bucket before it anyway.
        endpoint: address.replace("127.0.0.1", "localhost"),
        requests,
        put: (bucket, key, bytes) =>
          makeBucket(bucket).pipe(
            Effect.andThen(
              Effect.promise(() =>
                app.inject({
                  method: "PUT",
                  url: `/${bucket}/${key.split("/").map(encodeURIComponent).join("/")}`,
                  headers: { "content-type": "application/zip" },
                  payload: Buffer.from(bytes)
                })
              )
            ),
            Effect.asVoid
          ),
        get: (bucket, key) =>
          Effect.promise(async () => {
            const { rawPayload } = await app.inject({ method: "GET", url: `/${bucket}/${key}` })
            return new Uint8Array(rawPayload)
          }),
        makeBucket: (bucket) => Effect.asVoid(makeBucket(bucket)),
        beforeConditional: (...more) => Effect.sync(() => void acts.push(...more)),
        deny: Effect.sync(() => void (denied = true))
      }
    })
  )
}

const accessDenied = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>AccessDenied</Code>" +
  "<Message>Access Denied</Message><RequestId>656c76696e6727732072657175657374</RequestId></Error>"
