import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { inspect } from "node:util"
import {
  AwsDenied,
  type AwsError,
  AwsUnavailable,
  fromUnknown,
  isClockError,
  isUnaccepted
} from "../../../src/domain/job/AwsError.ts"

const operation = "cloudformation:UpdateStack"

/** As the AWS SDK rejects. */
const sdkError = (name: string, httpStatusCode?: number, extra: object = {}) =>
  Object.assign(new Error("words of AWS"), { name, $fault: "client", $metadata: { httpStatusCode }, ...extra })

const seen = (cause: unknown) => {
  const { _tag, code } = fromUnknown(operation, cause)
  return [_tag, code]
}

describe("AwsUnavailable is the error for", () => {
  it.each([
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "TooManyRequestsException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException",
    "BandwidthLimitExceeded",
    "SlowDown",
    "RequestTimeout",
    "RequestTimeoutException",
    "ConcurrentModificationException",
    "ExpiredToken",
    "ExpiredTokenException",
    "RequestExpired"
  ])("%s, whatever its status", (name) => {
    assert.deepStrictEqual(seen(sdkError(name, 400)), ["AwsUnavailable", name])
    assert.deepStrictEqual(seen(sdkError(name, 403)), ["AwsUnavailable", name])
  })

  it.each([429, 500, 502, 503, 504])("status %s", (status) => {
    assert.deepStrictEqual(seen(sdkError("SomeException", status)), ["AwsUnavailable", "SomeException"])
  })

  it.each([
    ["ExpiredToken", false],
    ["ExpiredTokenException", false],
    ["RequestExpired", false],
    ["Throttling", true],
    ["ECONNRESET", true]
  ])("%s, and a retry in the same job helps: %s", (code, retryable) => {
    assert.strictEqual(new AwsUnavailable({ operation, code, detail: "" }).retryable, retryable)
  })

  it("a response that could not be read", () => {
    assert.deepStrictEqual(seen(sdkError("SyntaxError", 200)), ["AwsUnavailable", "SyntaxError"])
  })

  it("a timeout", () => {
    assert.deepStrictEqual(seen(sdkError("TimeoutError")), ["AwsUnavailable", "TimeoutError"])
    assert.deepStrictEqual(seen(sdkError("TimeoutError", undefined, { code: "ETIMEDOUT" })), [
      "AwsUnavailable",
      "ETIMEDOUT"
    ])
  })

  it.each([
    "ECONNRESET",
    "ECONNREFUSED",
    "EPIPE",
    "ETIMEDOUT",
    "EHOSTUNREACH",
    "ENETUNREACH",
    "ENOTFOUND",
    "EAI_AGAIN",
    "HPE_INVALID_CONSTANT",
    "UND_ERR_SOCKET",
    "ERR_TLS_CERT_ALTNAME_INVALID",
    "ERR_SSL_WRONG_VERSION_NUMBER",
    "CERT_HAS_EXPIRED",
    "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
    "DEPTH_ZERO_SELF_SIGNED_CERT",
    "SELF_SIGNED_CERT_IN_CHAIN"
  ])(
    "the network error %s",
    (code) => {
      assert.deepStrictEqual(seen(Object.assign(new Error("read"), { code })), ["AwsUnavailable", code])
      const wrapped = new TypeError("fetch failed", { cause: Object.assign(new Error("read"), { code }) })
      assert.deepStrictEqual(seen(wrapped), ["AwsUnavailable", code])
    }
  )

  it.each([
    [sdkError("RequestTimeTooSkewed", 403), "a wrong clock"],
    [sdkError("SomeException", 408), "a slow request"]
  ])("%s", (cause) => {
    assert.strictEqual(seen(cause)[0], "AwsUnavailable")
  })

  it("a host of which no address accepts the connection", () => {
    const refused = Object.assign(new Error("connect ECONNREFUSED ::1:443"), { code: "ECONNREFUSED" })
    const cause = Object.assign(new AggregateError([refused, refused]), { code: "ECONNREFUSED" })
    assert.deepStrictEqual(
      fromUnknown(operation, cause),
      new AwsUnavailable({
        operation,
        code: "ECONNREFUSED",
        detail: "connect ECONNREFUSED ::1:443"
      })
    )
  })
})

describe("AwsDenied is the error for", () => {
  it.each([
    "AccessDenied",
    "AccessDeniedException",
    "UnauthorizedOperation",
    "AuthFailure",
    "InvalidClientTokenId",
    "UnrecognizedClientException",
    "MissingAuthenticationToken",
    "OptInRequired",
    "SignatureDoesNotMatch",
    "InvalidSignatureException",
    "IncompleteSignature",
    "InvalidAccessKeyId"
  ])("%s, whatever its status", (name) => {
    assert.deepStrictEqual(seen(sdkError(name, 400)), ["AwsDenied", name])
    assert.deepStrictEqual(seen(sdkError(name, 500)), ["AwsDenied", name])
  })

  it.each([401, 403])("status %s", (status) => {
    assert.deepStrictEqual(seen(sdkError("SomeException", status)), ["AwsDenied", "SomeException"])
  })

  it("missing credentials", () => {
    assert.deepStrictEqual(seen(sdkError("CredentialsProviderError")), ["AwsDenied", "CredentialsProviderError"])
  })
})

describe("AwsRejected is the error for", () => {
  it.each(["ERR_INVALID_ARG_TYPE", "ENOENT", "NOT_ECONNRESET", "ECONNRESET_NOT"])(
    "an error of the program: %s",
    (code) => {
      assert.strictEqual(seen(Object.assign(new TypeError("no"), { code }))[0], "AwsRejected")
    }
  )

  it.each([
    ["ValidationError", 400],
    ["AlreadyExistsException", 400],
    ["LimitExceededException", 400],
    ["NoSuchKey", 404],
    ["PreconditionFailed", 412],
    ["PermanentRedirect", 301],
    ["SomeException", 300],
    ["constructor", 400],
    ["__proto__", 400]
  ])("%s with status %s", (name, status) => {
    assert.deepStrictEqual(seen(sdkError(name, status)), ["AwsRejected", name])
  })

  it.each([
    [new Error("a bug"), "Error"],
    [new TypeError("x is not a function"), "TypeError"],
    [Object.assign(new Error("odd"), { code: "NOT_OF_THE_NETWORK" }), "Error"],
    [Object.assign(new Error("odd"), { code: 7, $metadata: { httpStatusCode: "500" } }), "Error"],
    [{ name: "" }, "Unknown"],
    [{ name: 7, cause: null }, "Unknown"],
    ["words", "Unknown"],
    [undefined, "Unknown"],
    [null, "Unknown"],
    [7, "Unknown"]
  ])("%o", (cause, code) => {
    assert.deepStrictEqual(seen(cause), ["AwsRejected", code])
  })
})

const message = (name: string, status: number) => fromUnknown(operation, sdkError(name, status)).message

it("a message names the call, the kind of the error, its code and AWS's own message", () => {
  assert.strictEqual(
    message("Throttling", 400),
    "cloudformation:UpdateStack did not get an answer from AWS that could be used: Throttling: words of AWS"
  )
  assert.strictEqual(
    message("AccessDenied", 403),
    "cloudformation:UpdateStack is not permitted: AccessDenied: words of AWS"
  )
  assert.strictEqual(
    message("ValidationError", 400),
    "cloudformation:UpdateStack was rejected: ValidationError: words of AWS"
  )
})

it("an error without a message is reported as one without details", () => {
  assert.strictEqual(fromUnknown(operation, { name: "Odd", message: "" }).detail, "no details")
})

it("a long message of AWS is cut at 2,000 characters", () => {
  const { detail } = fromUnknown(operation, new Error("x".repeat(10_000)))
  assert.lengthOf(detail, 2_000)
  assert.isTrue(detail.endsWith(" … (cut)"))
})

const texts = (
  error: AwsError
) => [JSON.stringify(error), String(error), inspect(error, { depth: null }), error.message]

it.prop(
  "an error keeps only the name, code and message of its cause",
  [Schema.Literals([200, 400, 403, 503])],
  ([status]) => {
    const hidden = {
      $response: { headers: { authorization: "hunter2" }, body: "hunter2" },
      $metadata: { httpStatusCode: status, requestId: "hunter2" },
      secretAccessKey: "hunter2",
      cause: { code: "ECONNRESET", config: "hunter2" },
      errors: [new Error("hunter2")]
    }
    for (const text of texts(fromUnknown(operation, sdkError("SomeException", status, hidden)))) {
      assert.notInclude(text, "hunter2")
    }
  }
)

it.each([
  [
    "The Canonical String for this request should have been\n'POST\nhost:sts\nx-amz-security-token:IQoJ/+=\n\nhost'",
    "The Canonical String for this request should have been\n'POST\nhost:sts\nx-amz-security-token:(hidden)\n\nhost'"
  ],
  ["{\"X-Amz-Security-Token\": \"IQoJ/+=\", \"a\": 1}", "{\"X-Amz-Security-Token\": \"(hidden)\", \"a\": 1}"],
  [
    "https://b/k?X-Amz-Credential=AKIA%2F1&X-Amz-Security-Token=IQoJ%2B&X-Amz-Signature=0a1b&X-Amz-Date=1",
    "https://b/k?X-Amz-Credential=(hidden)&X-Amz-Security-Token=(hidden)&X-Amz-Signature=(hidden)&X-Amz-Date=1"
  ],
  [
    "'AWS4-HMAC-SHA256 Credential=A/2026/s3/aws4_request, SignedHeaders=host, Signature=0a1b' is no header",
    "'AWS4-HMAC-SHA256 Credential=(hidden), SignedHeaders=host, Signature=(hidden)' is no header"
  ],
  ["There is no ASIAIOSFODNN7EXAMPLE, nor AKIAIOSFODNN7EXAMPLE.", "There is no (hidden), nor (hidden)."]
])("a secret in AWS's message is hidden: %s", (words, detail) => {
  assert.strictEqual(fromUnknown(operation, new Error(words)).detail, detail)
})

it.each([
  "The request signature we calculated does not match the signature you provided",
  "Stack [ASIA] cannot be updated: signature of a credential",
  "arn:aws:cloudformation:us-east-1:123456789012:stack/AKIASomething/1"
])("ordinary words of AWS's message are not hidden: %s", (words) => {
  assert.strictEqual(fromUnknown(operation, new Error(words)).detail, words)
})

it.prop("any cause is classified", [Schema.Json], ([cause]) => {
  assert.include(["AwsUnavailable", "AwsDenied", "AwsRejected"], fromUnknown(operation, cause)._tag)
})

it.each([
  ["User: arn:aws:sts::1:assumed-role/f/f is not authorized to perform: iam:PassRole on resource: r", "iam:PassRole"],
  ["Access Denied", "cloudformation:CreateStack"]
])("the needed permission of the message \"%s\" is %s", (detail, needed) => {
  const error = new AwsDenied({ operation: "cloudformation:CreateStack", code: "AccessDenied", detail })
  assert.strictEqual(error.needed, needed)
})

it.each(["SignatureDoesNotMatch", "InvalidSignatureException", "InvalidClientTokenId", "CredentialsProviderError"])(
  "if AWS does not accept the credentials, no permission is needed and the message names them: %s",
  (name) => {
    const error = fromUnknown(operation, sdkError(name, 403))
    assert.deepInclude(error, { _tag: "AwsDenied", needed: undefined })
    assert.strictEqual(
      error.message,
      `AWS did not accept the credentials or the signature of ${operation}: ${name}: words of AWS`
    )
  }
)

it.each([
  [sdkError("SignatureDoesNotMatch", 403), true],
  [sdkError("InvalidSignatureException", 400), true],
  [sdkError("RequestExpired", 400), true],
  [sdkError("RequestTimeTooSkewed", 403), true],
  [sdkError("AccessDenied", 403), false],
  [sdkError("403", 403, { $metadata: { httpStatusCode: 403, clockSkewCorrected: true } }), true],
  [sdkError("ValidationError", 400, { $metadata: { httpStatusCode: 400, clockSkewCorrected: true } }), false],
  [undefined, false]
])("a wrong local clock is recognized: %o (%s)", (cause, expected) => {
  assert.strictEqual(isClockError(cause), expected)
})

it("the SDK's advice to programmers is replaced by plain words", () => {
  const hint =
    "Deserialization error: to see the raw response, inspect the hidden field {error}.$response on this object."
  const cause = Object.assign(new SyntaxError(`Unexpected token\n  ${hint}`), { $metadata: { httpStatusCode: 200 } })
  assert.strictEqual(
    fromUnknown(operation, cause).message,
    `${operation} did not get an answer from AWS that could be used: SyntaxError: the response could not be read`
  )
})

describe("credentials that AWS does not accept", () => {
  it("are those with an expired or unknown token, but not those without a permission", () => {
    for (const name of ["ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "SignatureDoesNotMatch"]) {
      assert.isTrue(isUnaccepted(Object.assign(new Error("no"), { name })), name)
    }
    assert.isFalse(isUnaccepted(Object.assign(new Error("no"), { name: "AccessDenied" })))
    assert.isFalse(isUnaccepted(undefined))
  })
})
