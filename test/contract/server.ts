// An AWS service on this machine: it records requests and answers in the service's protocol.
import { Data, Effect, type Scope } from "effect"
import { createServer, type IncomingHttpHeaders, type RequestListener } from "node:http"
import { createServer as createTlsServer } from "node:https"
import type { AddressInfo } from "node:net"
import { text } from "node:stream/consumers"

/** A request as received over the wire. */
export interface Call {
  readonly operation: string
  readonly parameters: Readonly<Record<string, unknown>>
  readonly headers: IncomingHttpHeaders
}

export type Answer = Data.TaggedEnum<{
  Done: { readonly body: string }
  Refused: { readonly status: number; readonly code: string; readonly message: string }
  /** The connection is reset. */
  Cut: {}
}>
export const Answer = Data.taggedEnum<Answer>()

export const done = (body: string): Answer => Answer.Done({ body })

export const refused = (code: string, message: string, status = 400): Answer =>
  Answer.Refused({ status, code, message })

export const unavailable = refused("ServiceUnavailable", "Service is unavailable", 503)

export const denied = (operation: string): Answer =>
  refused(
    "AccessDenied",
    `User: arn:aws:sts::123456789012:assumed-role/function/f is not authorized to perform: ${operation}`,
    403
  )

export interface AwsServer {
  readonly endpoint: string
  readonly calls: ReadonlyArray<Call>
  /** Answers the next calls with these answers, one each, whatever their operation. */
  answerNext(...answers: ReadonlyArray<Answer>): Effect.Effect<void>
  /** Answers the next call of the operation with this answer. */
  answerOnce(operation: string, answer: Answer): Effect.Effect<void>
  /** From now on, answers every call of the operation with this answer. */
  answerAlways(operation: string, answer: Answer): Effect.Effect<void>
  /** Ends {@link answerAlways}. */
  answerNormally(operation: string): Effect.Effect<void>
}

/** How a service encodes calls and errors. */
export interface Protocol {
  readonly contentType: string
  readonly read: (headers: IncomingHttpHeaders, body: string) => Pick<Call, "operation" | "parameters">
  readonly refusal: (refusal: { readonly code: string; readonly message: string }) => string
  /** How the service rejects a signature, also one with a wrong time. */
  readonly wrongSignature: { readonly status: number; readonly code: string }
}

/** AWS accepts requests whose time differs from its own by up to five minutes. */
const tolerance = 300_000

const compact = (millis: number) => new Date(millis).toISOString().replace(/[-:]|\.\d+/g, "")

/** AWS's message about the time of a request, if it is wrong; `now` in epoch milliseconds. */
export const clockProblem = ({ "x-amz-date": date }: IncomingHttpHeaders, now = Date.now()): string | undefined => {
  const [, year, month, day, hour, minute, second] = /^(....)(..)(..)T(..)(..)(..)Z$/.exec(String(date)) ?? []
  const signedAt = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
  if (signedAt < now - tolerance) {
    return `Signature expired: ${date} is now earlier than ${compact(now - tolerance)} (${compact(now)} - 5 min.)`
  }
  return signedAt > now + tolerance
    ? `Signature not yet current: ${date} is still later than ${compact(now + tolerance)} (${compact(now)} + 5 min.)`
    : undefined
}

/** A host without an address. The name is too long for DNS, so that no query is sent. */
export const nobody = `${"x".repeat(64)}.invalid`

/** Listens on a free port until the scope is closed, and returns the URL: https with a certificate, http without. */
export const listen = (
  listener: RequestListener,
  tls?: { readonly key: string; readonly cert: string }
): Effect.Effect<string, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.callback<ReturnType<typeof createServer>>((resume) => {
      const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener)
      server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
    }),
    (server) =>
      Effect.callback<void>((resume) => {
        server.close(() => resume(Effect.void))
        server.closeAllConnections()
      })
  ).pipe(Effect.map((server) => {
    const { port } = server.address() as AddressInfo
    return tls === undefined ? `http://127.0.0.1:${port}` : `https://localhost:${port}`
  }))

export const serve = Effect.fnUntraced(function*(
  protocol: Protocol,
  answer: (call: Call) => Answer
): Effect.fn.Return<AwsServer, never, Scope.Scope> {
  const calls: Array<Call> = []
  const next: Array<Answer> = []
  const once = new Map<string, Answer>()
  const always = new Map<string, Answer>()
  const endpoint = yield* listen((request, response) => {
    const send = (status: number, body: string) =>
      response.writeHead(status, { "content-type": protocol.contentType }).end(body)
    text(request).then((body) => {
      const call = { ...protocol.read(request.headers, body), headers: request.headers }
      calls.push(call)
      const problem = clockProblem(call.headers)
      if (problem !== undefined) {
        const { code, status } = protocol.wrongSignature
        return send(status, protocol.refusal({ code, message: problem }))
      }
      const special = next.shift() ?? once.get(call.operation) ?? always.get(call.operation)
      once.delete(call.operation)
      return Answer.$match(special ?? answer(call), {
        Done: ({ body }) => send(200, body),
        Refused: (refusal) => send(refusal.status, protocol.refusal(refusal)),
        Cut: () => request.socket.resetAndDestroy()
      })
    }).catch((cause: unknown) => send(599, String(cause)))
  })
  return {
    endpoint,
    calls,
    answerNext: (...answers) => Effect.sync(() => void next.push(...answers)),
    answerOnce: (operation, answer) => Effect.sync(() => void once.set(operation, answer)),
    answerAlways: (operation, answer) => Effect.sync(() => void always.set(operation, answer)),
    answerNormally: (operation) => Effect.sync(() => void always.delete(operation))
  }
})

const signature = /Credential=(?<accessKeyId>[^/]+)\/\d{8}\/(?<region>[^/]+)\/(?<service>[^/]+)\/aws4_request/

/** The access key, region and service of a request's signature. */
export const signedBy = (headers: IncomingHttpHeaders): string => {
  const { accessKeyId, region, service } = signature.exec(headers.authorization ?? "")?.groups ?? {}
  return `${accessKeyId} ${region} ${service}`
}

/** The options for SDK clients of these servers. */
export const clientOptions = (endpoint: string) => ({
  endpoint,
  region: "eu-central-1",
  credentials: { accessKeyId: "AKIAFUNCTION", secretAccessKey: "secret-of-the-function" },
  maxAttempts: 1
})
