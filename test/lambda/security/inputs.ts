// What may come to a function by mistake or on purpose, from AWS, CodePipeline and in artifacts.
import { Answer, refused } from "../../contract/server.ts"
import { eventNames, readEvent } from "../../fixtures.ts"
import { rawZip } from "../../internal/rawZip.ts"
import { credentials, file, functionCredentials, password, type S3, s3Refuses } from "./world.ts"

/** What services of AWS say of a signature that they do not take: the whole request, as they understand it. */
const canonicalRequest = (token: string) =>
  `The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and ` +
  `signing method. Consult the service documentation for details.\n\nThe Canonical String for this request should have ` +
  `been\n'POST\n/\n\nhost:127.0.0.1\nx-amz-date:20260101T000000Z\nx-amz-security-token:${token}\n\n` +
  `host;x-amz-date;x-amz-security-token\ne3b0c442'`

const authorization = (token: string) =>
  `'${functionCredentials.AWS_ACCESS_KEY_ID}' not a valid key=value pair (missing equal-sign) in Authorization header: ` +
  `'AWS4-HMAC-SHA256 Credential=${functionCredentials.AWS_ACCESS_KEY_ID}/20260101/eu-central-1/cloudformation/` +
  `aws4_request, SignedHeaders=host, Signature=0123456789abcdef' of https://example.com/?X-Amz-Security-Token=` +
  `${encodeURIComponent(token)}&X-Amz-Signature=0123456789abcdef`

const { sessionToken } = credentials
export const { AWS_SESSION_TOKEN: functionToken } = functionCredentials

const escaped = (text: string) => text.replaceAll("&", "&amp;").replaceAll("\"", "&quot;")

/** S3 says what it was asked. */
const echo: S3 = (headers) => ({
  status: 403,
  body: `<Error><Code>SignatureDoesNotMatch</Code><Message>${escaped(canonicalRequest(sessionToken))}</Message>` +
    `<AWSAccessKeyId>${credentials.accessKeyId}</AWSAccessKeyId><SignatureProvided>${headers.authorization}` +
    `</SignatureProvided><CanonicalRequest>${escaped(JSON.stringify(headers))}</CanonicalRequest></Error>`,
  headers: { "x-amz-echo": String(headers.authorization) }
})

/** Forms of a secret that no pattern can know. */
export const quotations: ReadonlyArray<readonly [form: string, quote: (secret: string) => string]> = [
  ["as it is", (secret) => `(${secret})`],
  ["in part", (secret) => `"${secret.slice(0, 60)}..." and "...${secret.slice(-40)}"`],
  ["URL-encoded", (secret) => encodeURIComponent(secret)],
  ["in base64", (secret) => Buffer.from(`user:${secret}`).toString("base64")]
]

export const damaged: ReadonlyArray<readonly [name: string, S3]> = [
  ["S3 says what it was asked", echo],
  [
    "the job's credentials have expired",
    s3Refuses(
      400,
      "ExpiredToken",
      "The provided token has expired.",
      `<Token-0>${sessionToken}</Token-0>`
    )
  ],
  [
    "the job's credentials are unknown",
    s3Refuses(
      403,
      "InvalidAccessKeyId",
      "The AWS Access Key Id you provided does not exist in our records.",
      `<AWSAccessKeyId>${credentials.accessKeyId}</AWSAccessKeyId>`
    )
  ],
  ...quotations.map(([form, quote]) =>
    [
      `S3 quotes the token ${form}`,
      s3Refuses(
        400,
        "InvalidToken",
        `The provided token is malformed ${quote(sessionToken)} or ${quote(functionToken)}`
      )
    ] as const
  ),
  ["S3 denies", s3Refuses(403, "AccessDenied", "Access Denied")],
  ["there is no object", s3Refuses(404, "NoSuchKey", "The specified key does not exist.")],
  ["S3 sends elsewhere", () => ({ status: 307, body: "", headers: { location: "http://127.0.0.2:1/elsewhere" } })],
  ["S3 is in another region", () => ({
    status: 301,
    body: "<Error><Code>PermanentRedirect</Code><Endpoint>127.0.0.2:1</Endpoint></Error>",
    headers: { location: "http://127.0.0.2:1/elsewhere", "x-amz-bucket-region": "us-west-2" }
  })],
  ["S3 answers in HTML", () => ({ status: 200, body: "<html>hello" })],
  [
    "S3 answers in broken XML",
    () => ({ status: 400, body: "<Error><Code>&#x41;<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]>" })
  ],
  ["S3 answers nothing", () => ({ status: 500, body: "" })],
  ["S3 is busy", s3Refuses(503, "SlowDown", "Please reduce your request rate.")],
  ["S3 is away", () => "reset"]
]

export const refusals: ReadonlyArray<Answer> = [
  refused("SignatureDoesNotMatch", canonicalRequest(functionToken), 403),
  refused("InvalidSignatureException", canonicalRequest(functionToken), 400),
  refused("IncompleteSignature", authorization(functionToken), 403),
  refused(
    "ExpiredToken",
    `The security token included in the request is expired: ${authorization(functionToken)}`,
    403
  ),
  refused("ValidationError", "Template error: nothing is right", 400),
  refused("Nonsense", "", 418),
  refused("__proto__", "constructor", 400),
  Answer.Done({ body: "no XML" }),
  Answer.Done({ body: "" })
]

/** Where the artifact of these events is. */
export const artifactRequest =
  "GET /codepipeline-us-east-1-123456789012/MyPipeline/MyTemplate/aB3dE5f.zip?x-id=GetObject"

export const artifactAt = (bucketName: unknown, objectKey: unknown) => ({
  inputArtifacts: [{ name: "MyTemplate", location: { type: "S3", s3Location: { bucketName, objectKey } } }]
})

/** Artifacts that are somewhere odd, and the path of the one request that is made for them, if any. */
export const oddPlaces: ReadonlyArray<readonly [bucket: string, key: string, path?: string]> = [
  ["bucket", "../../other-bucket/key", "/bucket/../../other-bucket/key"],
  ["bucket", "/etc/passwd", "/bucket//etc/passwd"],
  ["bucket", "a?acl&b=c#d", "/bucket/a%3Facl%26b%3Dc%23d"],
  ["bucket", "http://127.0.0.2:1/x", "/bucket/http%3A//127.0.0.2%3A1/x"],
  ["bucket", "a\r\nHost: elsewhere", "/bucket/a%0D%0AHost%3A%20elsewhere"],
  ["bucket", "a\0b", "/bucket/a%00b"],
  ["bucket", "__proto__", "/bucket/__proto__"],
  ["127.0.0.2:1", "x", "/127.0.0.2%3A1/x"],
  ["user@127.0.0.2", "x", "/user%40127.0.0.2/x"],
  ["..", "x"],
  ["a/../../b", "x"],
  ["bucket\r\nHost: elsewhere", "x", "/bucket%0D%0AHost%3A%20elsewhere/x"],
  ["__proto__", "x", "/__proto__/x"],
  ["arn:aws:s3:us-west-2:123456789012:accesspoint/x", "x"]
]

const job = (change: Readonly<Record<string, unknown>>) => ({ "CodePipeline.job": { id: "job", ...change } })

export const hostileEvents: ReadonlyArray<unknown> = [
  ...eventNames.map(readEvent),
  null,
  [],
  {},
  "",
  password,
  1,
  { password },
  { "CodePipeline.job": null },
  { "CodePipeline.job": [password] },
  { "CodePipeline.job": password },
  JSON.parse("{\"__proto__\": {\"CodePipeline.job\": {\"id\": \"job\"}}}"),
  JSON.parse("{\"CodePipeline.job\": {\"__proto__\": {\"id\": \"job\"}, \"polluted\": true}}"),
  JSON.parse(`${"{\"CodePipeline.job\":".repeat(1_000)}1${"}".repeat(1_000)}`),
  job({ id: null }),
  job({ id: [password] }),
  job({}),
  job({ data: null }),
  job({ data: { artifactCredentials: password } }),
  job({ data: { artifactCredentials: { ...credentials, sessionToken: [credentials.sessionToken] } } }),
  job({ data: { artifactCredentials: { unknown: credentials.secretAccessKey } } }),
  job({ data: { ...artifactAt({ password }, [password]), artifactCredentials: credentials } }),
  job({ data: { inputArtifacts: password, outputArtifacts: { password }, continuationToken: [password] } }),
  job({ data: { actionConfiguration: { configuration: { UserParameters: { password } } } } }),
  job({ id: "../x\r\n$(touch owned)".repeat(100), data: {} })
]

const bomb = Buffer.alloc(50_000_000)

/** Zips, and what the whole function says of the template in them. */
export const hostileZips: ReadonlyArray<readonly [zip: Uint8Array, says: RegExp]> = [
  [
    rawZip([{ name: Buffer.from("../../../../tmp/owned"), content: Buffer.from("owned") }]),
    /the zip does not contain this file/
  ],
  [
    rawZip([{ name: Buffer.from("/etc/cron.d/owned"), content: Buffer.from("owned") }]),
    /the zip does not contain this file/
  ],
  [rawZip([{ name: Buffer.from(file), content: bomb }]), /has 50000000 bytes or more; the maximum is 1000000/],
  [
    rawZip([{ name: Buffer.from("a"), content: bomb }, {
      name: Buffer.from(file),
      content: Buffer.alloc(0),
      overlaps: true
    }]),
    /the zip is damaged/
  ],
  [
    rawZip(Array.from({ length: 20_000 }, (_, index) => ({
      name: Buffer.from(`__proto__/${index}`),
      content: Buffer.alloc(0)
    }))),
    /the zip does not contain this file/
  ],
  [rawZip([{ name: Buffer.from(file), content: Buffer.from([0xff, 0xfe, 0x7b]) }]), /it is UTF-16 text/],
  [Buffer.from("<?php system($_GET[0]);"), /not a zip/],
  [Buffer.alloc(1_000), /not a zip/],
  [new Uint8Array(), /not a zip/]
]
