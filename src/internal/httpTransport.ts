// The contract of what sends one GET request: Node itself, an HttpClient, or pages in memory.
import * as Data from "effect/Data"
import type * as Effect from "effect/Effect"
import type { Cookies } from "effect/http/Cookies"
import * as Predicate from "effect/Predicate"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import { truncate } from "../domain/job/JobOutcome.ts"

export interface TransportRequest {
  /** Without user, password and fragment. */
  readonly url: URL
  /** The names are in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** Whether the host may have this address. A transport that resolves names asks before it connects. */
  readonly allows: (address: string) => boolean
}

export interface TransportResponse {
  readonly status: number
  /** The names are in lower case. Each character of a value is a byte. */
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly cookies: Cookies
  /** The address of the connection, if the transport knows it. */
  readonly address?: string | undefined
  /** Unpacked. */
  readonly body: Stream.Stream<Uint8Array, RequestFailed>
}

/** Sends one GET request over a connection of its own, which is closed with the scope. It follows no redirect. */
export type HttpTransport = (
  request: TransportRequest
) => Effect.Effect<TransportResponse, RequestFailed | AddressForbidden, Scope.Scope>

/** The connection, or the reading of the response, failed. */
export class RequestFailed extends Data.TaggedError("RequestFailed")<{
  /** Node's code, such as `ENOTFOUND` or `CERT_HAS_EXPIRED`, or the detail if there is none. */
  readonly code: string
  readonly detail: string
}> {}

/** The host has an address that the request does not allow. */
export class AddressForbidden extends Data.TaggedError("AddressForbidden")<{ readonly address: string }> {}

/** Uses the innermost cause, because the outer ones only say that something failed, and keeps its code and words only. */
export const requestFailed = (error: unknown): RequestFailed => {
  let cause: unknown = error
  for (let inner = innerOf(cause); inner !== undefined; inner = innerOf(cause)) cause = inner
  const code = textAt(cause, "code")
  const message = textAt(cause, "message")
  // TLS errors have the reason without the names of OpenSSL's functions.
  const words = (code?.startsWith("HPE_") ? message : textAt(cause, "reason") ?? message) ?? "no further details"
  const detail = truncate((clearer.get(words) ?? words).replace(nodeHint, "").replaceAll(/\s+/g, " ").trim(), 500)
  return new RequestFailed({ code: code ?? detail, detail })
}

/** An option of the command line, which a Lambda function does not have. */
const nodeHint = /; if the root CA is installed locally, try running Node.js with --use-system-ca$/

const closed = "the server closed the connection"

/** Messages of Node that need its source code to be understood. */
const clearer: ReadonlyMap<string, string> = new Map([["socket hang up", closed], ["aborted", closed]])

/** A host with several addresses fails with the errors of all of them. */
const innerOf = (error: unknown): unknown => propertyOf(propertyOf(error, "errors"), "0") ?? propertyOf(error, "cause")

const propertyOf = (value: unknown, key: string): unknown => Predicate.hasProperty(value, key) ? value[key] : undefined

const textAt = (value: unknown, key: string): string | undefined => {
  const text = propertyOf(value, key)
  return Predicate.isString(text) && text !== "" ? text : undefined
}
