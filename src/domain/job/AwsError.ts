// How an AWS call can fail, classified once for all services: retry later, ask for permission, or give up.
import { identity } from "effect/Function"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import { truncate } from "./JobOutcome.ts"

const fields = {
  /** The call's name in IAM, such as `cloudformation:UpdateStack`. */
  operation: Schema.String,
  /** The name of AWS's error, or of the network's, such as `Throttling` or `ECONNRESET`. */
  code: Schema.String,
  /** AWS's own message. */
  detail: Schema.String
}

/** AWS could not be reached, throttled the call, or failed itself: the same call may succeed later. */
export class AwsUnavailable extends Schema.TaggedError<AwsUnavailable>()("AwsUnavailable", fields) {
  /** Whether a retry within the same job can help. New credentials come only with another job. */
  get retryable(): boolean {
    return !expired.has(this.code)
  }
  get problem() {
    return `${this.operation} did not get an answer from AWS that could be used: ${this.code}: ${this.detail}`
  }
  override get message() {
    return this.problem
  }
}

/** The credentials do not permit the call, or AWS does not accept them. */
export class AwsDenied extends Schema.TaggedError<AwsDenied>()("AwsDenied", fields) {
  /**
   * The permission that IAM has to grant: the one that AWS's message names, which may be another action
   * (`iam:PassRole`), or else the call. `undefined` if AWS does not accept the credentials or the signature: then no
   * permission helps.
   */
  get needed(): string | undefined {
    return unaccepted.has(this.code) ? undefined : notAuthorized.exec(this.detail)?.[1] ?? this.operation
  }
  get problem() {
    return unaccepted.has(this.code)
      ? `AWS did not accept the credentials or the signature of ${this.operation}: ${this.code}: ${this.detail}`
      : `${this.operation} is not permitted: ${this.code}: ${this.detail}`
  }
  override get message() {
    return this.problem
  }
}

/** AWS understood the call and rejected it; a retry does not help. */
export class AwsRejected extends Schema.TaggedError<AwsRejected>()("AwsRejected", fields) {
  get problem() {
    return `${this.operation} was rejected: ${this.code}: ${this.detail}`
  }
  override get message() {
    return this.problem
  }
}

/** Any failure of an AWS call. */
export type AwsError = AwsUnavailable | AwsDenied | AwsRejected

const notAuthorized = /is not authorized to perform: ([\w-]+:\w+)/

const expired: ReadonlySet<string> = new Set(["ExpiredToken", "ExpiredTokenException", "RequestExpired"])

/** AWS could not verify who is calling. */
const unaccepted: ReadonlySet<string> = new Set([
  "AuthFailure",
  "CredentialsProviderError",
  "IncompleteSignature",
  "InvalidAccessKeyId",
  "InvalidClientTokenId",
  "InvalidSignatureException",
  "MissingAuthenticationToken",
  "RequestInTheFuture",
  "SignatureDoesNotMatch",
  "UnrecognizedClientException"
])

/** The errors of a request whose time is not AWS's. Source: `CLOCK_SKEW_ERROR_CODES` of the AWS SDK for JavaScript. */
const clockErrors: ReadonlySet<string> = new Set([
  "AuthFailure",
  "InvalidSignatureException",
  "RequestExpired",
  "RequestInTheFuture",
  "RequestTimeTooSkewed",
  "SignatureDoesNotMatch"
])

/**
 * Whether an SDK call may have failed because the local clock is wrong. The SDK corrects its clock from the response's
 * `Date`, so that an immediate retry succeeds. A response without a body, such as that of a HEAD request, has no code.
 */
export const isClockError = (cause: unknown): boolean =>
  clockErrors.has(textAt(cause, "name") ?? "") ||
  (statusOf(cause) === 403 && propertyOf(propertyOf(cause, "$metadata"), "clockSkewCorrected") === true)

/** Whether AWS does not accept the credentials of an SDK call, or not any more. */
export const isUnaccepted = (cause: unknown): boolean => {
  const name = textAt(cause, "name") ?? ""
  return expired.has(name) || unaccepted.has(name)
}

type Kind = "unavailable" | "denied" | "rejected"

/** Errors that are classified by name; all others are by HTTP status. */
const kinds: Readonly<Record<string, Kind>> = {
  Throttling: "unavailable",
  ThrottlingException: "unavailable",
  ThrottledException: "unavailable",
  TooManyRequestsException: "unavailable",
  RequestLimitExceeded: "unavailable",
  RequestThrottled: "unavailable",
  RequestThrottledException: "unavailable",
  PriorRequestNotComplete: "unavailable",
  ProvisionedThroughputExceededException: "unavailable",
  BandwidthLimitExceeded: "unavailable",
  SlowDown: "unavailable",
  RequestTimeout: "unavailable",
  RequestTimeoutException: "unavailable",
  TimeoutError: "unavailable",
  RequestTimeTooSkewed: "unavailable",
  ConcurrentModificationException: "unavailable",
  // The next job has new credentials.
  ExpiredToken: "unavailable",
  ExpiredTokenException: "unavailable",
  RequestExpired: "unavailable",
  // An object in Glacier: 403, but nothing that a permission would change.
  InvalidObjectState: "rejected",
  AccessDenied: "denied",
  AccessDeniedException: "denied",
  UnauthorizedOperation: "denied",
  AuthFailure: "denied",
  CredentialsProviderError: "denied",
  IncompleteSignature: "denied",
  InvalidAccessKeyId: "denied",
  InvalidClientTokenId: "denied",
  InvalidSignatureException: "denied",
  RequestInTheFuture: "denied",
  SignatureDoesNotMatch: "denied",
  UnrecognizedClientException: "denied",
  MissingAuthenticationToken: "denied",
  OptInRequired: "denied"
}

/** Codes of Node.js for failed connections: of the system, the HTTP parser, or TLS. */
const networkCode =
  /^(E(CONN(RESET|REFUSED|ABORTED)|PIPE|TIMEDOUT|NOTFOUND|HOSTUNREACH|HOSTDOWN|NETUNREACH|NETDOWN|PROTO)|EAI_\w+|HPE_\w+|UND_ERR_\w+|ERR_(TLS|SSL)_\w+|CERT_\w+|UNABLE_TO_\w+|(DEPTH_ZERO_)?SELF_SIGNED_CERT\w*)$/

/**
 * Classifies the rejection of an SDK call. Keeps only its name and its message, without secrets: the SDK's error objects
 * also contain whole requests, tokens and headers. `redact` takes known secrets out of the message.
 */
export const fromUnknown = (
  operation: string,
  cause: unknown,
  redact: (text: string) => string = identity
): AwsError => {
  const name = textAt(cause, "name") ?? "Unknown"
  // If a host has several addresses, the error contains one error for each.
  const origin = propertyOf(propertyOf(cause, "errors"), "0") ?? propertyOf(cause, "cause")
  const network = textAt(cause, "code") ?? textAt(origin, "code")
  const failedOnTheWay = network !== undefined && networkCode.test(network)
  const code = failedOnTheWay ? network : name
  const message = textAt(cause, "message") ?? textAt(origin, "message") ?? "no details"
  const detail = message.includes(sdkHint)
    ? "the response could not be read"
    : truncate(redact(message).replaceAll(secrets, "(hidden)"), 2_000)
  const kind = Object.hasOwn(kinds, name) ? kinds[name] : failedOnTheWay ? "unavailable" : kindOfStatus(statusOf(cause))
  switch (kind) {
    case "unavailable":
      return new AwsUnavailable({ operation, code, detail })
    case "denied":
      return new AwsDenied({ operation, code, detail })
    default:
      return new AwsRejected({ operation, code, detail })
  }
}

/** The SDK's advice to programmers in the message of a response that it cannot parse. */
const sdkHint = "inspect the hidden field {error}.$response"

/**
 * Secrets in AWS's messages: a service that rejects a signature quotes the request as it understood it, with the security
 * token. They follow the names of headers and parameters ("Signature Version 4" in AWS's reference); an access key id is
 * also recognized by its format. Known credentials are redacted by value as well, see `Secrets`.
 */
const secrets =
  /(?<=(?:x-amz-security-token|signature|credential)["']?\s*[:=]\s*["']?)[^\s"'&,;<>]+|\bA[KS]IA[A-Z0-9]{16}\b/gi

/** A success status with an error is a response that could not be read, for example a truncated one. */
const kindOfStatus = (status: number | undefined): Kind => {
  if (status === undefined) return "rejected"
  if (status < 300 || status === 408 || status === 429 || status >= 500) return "unavailable"
  return status === 401 || status === 403 ? "denied" : "rejected"
}

const propertyOf = (value: unknown, key: string): unknown => Predicate.hasProperty(value, key) ? value[key] : undefined

const textAt = (value: unknown, key: string): string | undefined => {
  const text = propertyOf(value, key)
  return Predicate.isString(text) && text !== "" ? text : undefined
}

const statusOf = (cause: unknown): number | undefined => {
  const status = propertyOf(propertyOf(cause, "$metadata"), "httpStatusCode")
  return Predicate.isNumber(status) ? status : undefined
}
