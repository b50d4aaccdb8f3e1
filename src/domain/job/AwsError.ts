// How a call of AWS can go wrong, told apart once for all services: try again, ask for permission, or give up.
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import { truncate } from "./JobOutcome.ts"

const fields = {
  /** The call in the words of IAM, such as `cloudformation:UpdateStack`. */
  operation: Schema.String,
  /** The name of AWS's error, or of the network's, such as `Throttling` or `ECONNRESET`. */
  code: Schema.String,
  /** What AWS said. */
  detail: Schema.String
}

/** AWS could not be reached, was too busy, or failed itself: the same call may go well later. */
export class AwsUnavailable extends Schema.TaggedError<AwsUnavailable>()("AwsUnavailable", fields) {
  /** Whether the same call may go well in a moment. Only another job brings other credentials. */
  get retryable(): boolean {
    return !expired.has(this.code)
  }
  override get message() {
    return `${this.operation} did not get an answer from AWS that could be used: ${this.code}: ${this.detail}`
  }
}

/** The credentials of the call do not allow it. */
export class AwsDenied extends Schema.TaggedError<AwsDenied>()("AwsDenied", fields) {
  /** What IAM has to allow: what its own words name, which may be another action (`iam:PassRole`), or else the call. */
  get needed(): string {
    return notAuthorized.exec(this.detail)?.[1] ?? this.operation
  }
  override get message() {
    return `${this.operation} is not permitted: ${this.code}: ${this.detail}`
  }
}

/** AWS has understood the call and will not do it, however often it is asked. */
export class AwsRejected extends Schema.TaggedError<AwsRejected>()("AwsRejected", fields) {
  override get message() {
    return `${this.operation} was rejected: ${this.code}: ${this.detail}`
  }
}

export type AwsError = AwsUnavailable | AwsDenied | AwsRejected

const notAuthorized = /is not authorized to perform: ([\w-]+:\w+)/

const expired: ReadonlySet<string> = new Set(["ExpiredToken", "ExpiredTokenException", "RequestExpired"])

type Kind = "unavailable" | "denied" | "rejected"

/** Names of errors that say more than their HTTP status; the rest goes by status. */
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
  // The SDK has corrected its clock by now: a frozen Lambda container wakes up late.
  RequestTimeTooSkewed: "unavailable",
  ConcurrentModificationException: "unavailable",
  // New credentials come with the next job, or from Lambda.
  ExpiredToken: "unavailable",
  ExpiredTokenException: "unavailable",
  RequestExpired: "unavailable",
  AccessDenied: "denied",
  AccessDeniedException: "denied",
  UnauthorizedOperation: "denied",
  AuthFailure: "denied",
  CredentialsProviderError: "denied",
  InvalidClientTokenId: "denied",
  UnrecognizedClientException: "denied",
  MissingAuthenticationToken: "denied",
  OptInRequired: "denied"
}

/** Codes that Node gives to connections that failed: by the system, the parser of HTTP, or TLS. */
const networkCode =
  /^(E(CONN(RESET|REFUSED|ABORTED)|PIPE|TIMEDOUT|NOTFOUND|HOSTUNREACH|HOSTDOWN|NETUNREACH|NETDOWN|PROTO)|EAI_\w+|HPE_\w+|UND_ERR_\w+|ERR_(TLS|SSL)_\w+|CERT_\w+|UNABLE_TO_\w+|(DEPTH_ZERO_)?SELF_SIGNED_CERT\w*)$/

/**
 * What an SDK call was rejected with. Only its name and its message are kept, without what is secret: AWS's error
 * objects also hold whole requests, tokens and headers.
 */
export const fromUnknown = (operation: string, cause: unknown): AwsError => {
  const name = textAt(cause, "name") ?? "Unknown"
  // A host with several addresses fails with the errors of all of them.
  const origin = propertyOf(propertyOf(cause, "errors"), "0") ?? propertyOf(cause, "cause")
  const network = textAt(cause, "code") ?? textAt(origin, "code")
  const failedOnTheWay = network !== undefined && networkCode.test(network)
  const code = failedOnTheWay ? network : name
  const words = textAt(cause, "message") ?? textAt(origin, "message") ?? "no further words"
  const detail = truncate(words.replaceAll(secrets, "(hidden)"), 2_000)
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

/**
 * What must not be told of AWS's words: a service that does not take a signature answers with the request as it has
 * understood it, security token and all. It is known by the names of headers and parameters before it ("Signature
 * Version 4" of AWS's reference), an access key also by its form.
 */
const secrets =
  /(?<=(?:x-amz-security-token|signature|credential)["']?\s*[:=]\s*["']?)[^\s"'&,;<>]+|\bA[KS]IA[A-Z0-9]{16}\b/gi

/** A good status with an error is an answer that could not be read, for instance because it was cut off. */
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
