// S3 on this machine: fauxqs, with its requests recorded and with errors that it does not have itself.
import { Context, Effect, Layer } from "effect"
import { buildApp } from "fauxqs"
import type { IncomingHttpHeaders } from "node:http"
import { clockProblem } from "./server.ts"

/** A request of a client. The test's own preparations are not recorded. */
export interface S3Request {
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders
}

/** An error response. */
export interface S3Refusal {
  readonly status: number
  readonly code: string
  readonly message: string
}

export const accessDenied = (message = "Access Denied"): S3Refusal => ({ status: 403, code: "AccessDenied", message })

export class S3Server extends Context.Service<S3Server, {
  readonly endpoint: string
  readonly requests: ReadonlyArray<S3Request>
  /** Creates or replaces an object, and creates the bucket if it does not exist. */
  put(bucket: string, key: string, bytes: Uint8Array): Effect.Effect<void>
  /** The bytes of an object. */
  get(bucket: string, key: string): Effect.Effect<Uint8Array>
  makeBucket(bucket: string): Effect.Effect<void>
  /** Runs each of these just before a request with `If-Match` is answered. */
  beforeConditional(...acts: ReadonlyArray<Effect.Effect<void>>): Effect.Effect<void>
  /** Denies all further requests. */
  readonly deny: Effect.Effect<void>
  /** Answers further requests with this error, unless it is undefined. */
  refuse(refusal: (request: S3Request) => S3Refusal | undefined): Effect.Effect<void>
}>()("effect-codepipeline/test/S3Server") {
  static readonly layer: Layer.Layer<S3Server> = Layer.effect(
    S3Server,
    Effect.gen(function*() {
      const app = buildApp({ logger: false })
      const requests: Array<S3Request> = []
      const acts: Array<Effect.Effect<void>> = []
      let refusalOf: (request: S3Request) => S3Refusal | undefined = refuseNothing
      const run = Effect.runPromiseWith(yield* Effect.context())
      app.addHook("onRequest", async ({ headers, method, url }, reply) => {
        if (headers.authorization === undefined) return
        const request = { method, url, headers }
        requests.push(request)
        if (headers["if-match"] !== undefined) await run(acts.shift() ?? Effect.void)
        // S3 accepts a difference of 15 minutes; the clocks of the tests differ more.
        const refusal = clockProblem(headers) === undefined ? refusalOf(request) : timeTooSkewed
        if (refusal !== undefined) await reply.status(refusal.status).type("application/xml").send(xmlOf(refusal))
      })
      const address = yield* Effect.acquireRelease(
        Effect.promise(() => app.listen({ port: 0, host: "127.0.0.1" })),
        () => Effect.promise(() => app.close())
      )
      const makeBucket = (bucket: string) => Effect.promise(() => app.inject({ method: "PUT", url: `/${bucket}` }))
      return {
        // A name: with an IP address, the AWS SDK would always address buckets by path.
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
        deny: Effect.sync(() => void (refusalOf = () => accessDenied())),
        refuse: (refusal) => Effect.sync(() => void (refusalOf = refusal))
      }
    })
  )
}

const timeTooSkewed: S3Refusal = {
  status: 403,
  code: "RequestTimeTooSkewed",
  message: "The difference between the request time and the current time is too large."
}

const refuseNothing = (): S3Refusal | undefined => undefined

const xmlOf = ({ code, message }: S3Refusal) =>
  `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>${message}</Message>` +
  "<RequestId>656c76696e6727732072657175657374</RequestId></Error>"
