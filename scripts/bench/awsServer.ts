// CodePipeline, CloudFormation and S3 for benchmarks, at one address on loopback. They throttle and reset some of the
// requests. A seed decides which ones, independently of the order of the requests.
import { createHash } from "node:crypto"
import { createServer as createHttpServer, type IncomingMessage, type RequestListener } from "node:http"
import { createServer as createHttpsServer } from "node:https"
import { type AddressInfo, createServer } from "node:net"
import { buffer } from "node:stream/consumers"
import { setTimeout } from "node:timers/promises"

export interface Faults {
  readonly seed: string
  /** The share of throttled requests. */
  readonly throttled: number
  /** The share of requests whose connection is reset: half of them before they take effect, half after. */
  readonly reset: number
}

/** The network between a function and the server. */
export interface Network {
  /** Uses TLS as localhost. */
  readonly tls?: { readonly cert: Buffer; readonly key: Buffer }
  /** The latency of a new connection, and of a request, in milliseconds. */
  readonly delay?: number
  /** Called with each request. */
  readonly onRequest?: (operation: string) => void
}

/** The reported result of a job. */
export interface Result {
  readonly operation: "PutJobSuccessResult" | "PutJobFailureResult"
  readonly message: string
  readonly continuationToken: string | undefined
}

export interface AwsServer {
  readonly endpoint: string
  readonly counts: { requests: number; throttled: number; reset: number }
  /** By the id of the job. */
  readonly results: ReadonlyMap<string, Result>
  /** Jobs with a second result although the response to the first one was not lost. */
  readonly repeated: ReadonlySet<string>
  /** The number of operations that were started on the stack. */
  operations(stack: string): number
  /** Adds an existing stack. */
  addStack(stack: string): void
  /** The current or next operation ends in this status when the stack is next described. */
  finish(stack: string, how: "COMPLETE" | "ROLLBACK_COMPLETE"): void
  /** Removes all jobs and stacks. */
  forget(): void
  close(): void
}

/** Starts the server. Every object of S3 is the same zip. */
export const startAws = async (
  zip: Uint8Array,
  faults: Faults,
  { delay = 0, onRequest, tls }: Network = {}
): Promise<AwsServer> => {
  const counts = { requests: 0, throttled: 0, reset: 0 }
  const results = new Map<string, Result>()
  const repeated = new Set<string>()
  const answerLost = new Set<string>()
  const stacks = new Map<string, Stack>()
  const seen = new Map<string, number>()

  /** Calls of one operation for one subject are sequential, so that their number identifies them in every run. */
  const fate = ({ operation, subject }: Call): Fate => {
    const kind = `${operation} ${subject}`
    const count = (seen.get(kind) ?? 0) + 1
    seen.set(kind, count)
    const digest = createHash("sha256").update(`${faults.seed} ${kind} ${count}`).digest()
    const place = digest.readUInt32LE() / 2 ** 32
    if (place < faults.throttled) return "throttled"
    if (place >= faults.throttled + faults.reset) return "served"
    return place < faults.throttled + faults.reset / 2 ? "request lost" : "answer lost"
  }

  const report = ({ operation, parameters, subject: jobId }: Call, lost: boolean): Answer => {
    if (results.has(jobId)) {
      if (!answerLost.has(jobId)) repeated.add(jobId)
      return rejected("InvalidJobStateException", "The job already has its result")
    }
    const { continuationToken, executionDetails, failureDetails } = JSON.parse(parameters["body"] ?? "")
    const message = String(executionDetails?.summary ?? failureDetails?.message)
    results.set(jobId, { operation: operation as Result["operation"], message, continuationToken })
    if (lost) answerLost.add(jobId)
    return { status: 200, body: "" }
  }

  const serve = (call: Call, lost: boolean): Answer => {
    if (call.service === "CodePipeline") return report(call, lost)
    if (call.service === "S3") return serveObject(call, zip)
    const name = call.subject
    const stack = stacks.get(name) ?? new Stack(name)
    const answer = stackOperations[call.operation]?.(stack, call) ??
      rejected("InvalidAction", `The operation ${call.operation} is not simulated`)
    if (stack.status !== "") stacks.set(name, stack)
    return answer
  }

  const listener: RequestListener = (request, response) => {
    buffer(request).then(async (body) => {
      const call = read(request, body.toString())
      onRequest?.(call.service === "S3" ? `${call.operation} object` : call.operation)
      if (delay > 0) await setTimeout(delay)
      const fateOfCall = fate(call)
      counts.requests++
      if (fateOfCall === "throttled") counts.throttled++
      if (fateOfCall.endsWith("lost")) counts.reset++
      if (fateOfCall === "request lost") return request.socket.resetAndDestroy()
      const answer = fateOfCall === "throttled" ? throttles[call.service] : serve(call, fateOfCall === "answer lost")
      if (fateOfCall === "answer lost") return request.socket.resetAndDestroy()
      const { code = "", message = "", status } = answer
      return response.writeHead(status, { "content-type": contentTypes[call.service], ...answer.headers })
        .end(answer.body ?? errorBodies[call.service](code, message))
    }).catch((cause: unknown) => response.destroy(cause instanceof Error ? cause : undefined))
  }
  const http = tls === undefined ? createHttpServer(listener) : createHttpsServer(tls, listener)
  const server = createServer({ noDelay: true, pauseOnConnect: true }, (socket) => {
    const accept = () => {
      http.emit("connection", socket)
      socket.resume()
    }
    if (delay > 0) setTimeout(delay).then(accept, () => socket.destroy())
    else accept()
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return {
    endpoint: `${tls === undefined ? "http://127.0.0.1" : "https://localhost"}:${
      (server.address() as AddressInfo).port
    }`,
    counts,
    results,
    repeated,
    operations: (stack) => stacks.get(stack)?.tokens.size ?? 0,
    addStack: (name) => stacks.set(name, new Stack(name, "CREATE_COMPLETE")),
    finish: (name, how) => {
      const stack = stacks.get(name)
      if (stack !== undefined) stack.ending = how
    },
    forget: () => [results, repeated, answerLost, stacks, seen].forEach((what) => what.clear()),
    close: () => {
      server.close()
      http.closeAllConnections()
    }
  }
}

type Service = "CodePipeline" | "CloudFormation" | "S3"

type Fate = "served" | "throttled" | "request lost" | "answer lost"

interface Call {
  readonly service: Service
  readonly operation: string
  /** The job, the stack or the object. */
  readonly subject: string
  readonly parameters: Readonly<Record<string, string>>
}

interface Answer {
  readonly status: number
  readonly body?: string | Uint8Array
  readonly headers?: Readonly<Record<string, string | number>>
  /** The code of an error. */
  readonly code?: string
  readonly message?: string
}

const rejected = (code: string, message: string, status = 400): Answer => ({ status, code, message })

/** The protocols of the three services: awsJson, awsQuery, and S3's own. */
const read = ({ headers, method = "", url = "" }: IncomingMessage, body: string): Call => {
  const target = headers["x-amz-target"]
  if (typeof target === "string") {
    const operation = target.slice(target.indexOf(".") + 1)
    return { service: "CodePipeline", operation, subject: JSON.parse(body).jobId, parameters: { body } }
  }
  if (headers["content-type"]?.startsWith("application/x-www-form-urlencoded")) {
    const parameters = Object.fromEntries(new URLSearchParams(body))
    const { Action: operation = "", StackName = "" } = parameters
    // By name or by ARN.
    return { service: "CloudFormation", operation, subject: StackName.split("/")[1] ?? StackName, parameters }
  }
  return { service: "S3", operation: method, subject: url, parameters: { range: headers.range ?? "" } }
}

const contentTypes = {
  CodePipeline: "application/x-amz-json-1.1",
  CloudFormation: "text/xml",
  S3: "application/xml"
} satisfies Record<Service, string>

const xml = (elements: Readonly<Record<string, string>>) =>
  Object.entries(elements).map(([name, text]) => `<${name}>${text}</${name}>`).join("")

const errorBodies = {
  CodePipeline: (__type, message) => JSON.stringify({ __type, message }),
  CloudFormation: (Code, Message) => `<ErrorResponse><Error>${xml({ Code, Message })}</Error></ErrorResponse>`,
  S3: (Code, Message) => `<Error>${xml({ Code, Message })}</Error>`
} satisfies Record<Service, (code: string, message: string) => string>

const throttles = {
  CodePipeline: rejected("ThrottlingException", "Rate exceeded"),
  CloudFormation: rejected("Throttling", "Rate exceeded"),
  S3: rejected("SlowDown", "Please reduce your request rate.", 503)
} satisfies Record<Service, Answer>

/** Returns the whole object, or its end, which deploy-stack requests first, and which is the whole object here. */
const serveObject = ({ operation, parameters: { range = "" } }: Call, zip: Uint8Array): Answer => {
  if (operation === "PUT") return { status: 200, body: "", headers: { ETag: "\"1\"" } }
  const [, length] = /^bytes=-(\d+)$/.exec(range) ?? []
  if (length === undefined) return { status: 200, body: zip, headers: { ETag: "\"1\"", "Content-Length": zip.length } }
  const body = zip.subarray(-Number(length))
  const headers = {
    ETag: "\"1\"",
    "Content-Range": `bytes ${zip.length - body.length}-${zip.length - 1}/${zip.length}`
  }
  return { status: 206, body, headers }
}

class Stack {
  readonly id: string
  readonly name: string
  readonly tokens = new Set<string>()
  readonly #events: Array<string> = []
  /** Empty if the stack does not exist. */
  status: string
  ending: "COMPLETE" | "ROLLBACK_COMPLETE" | undefined
  #changedAt = "2026-01-01T00:00:00.000Z"

  constructor(name: string, status = "") {
    this.name = name
    this.id = `arn:aws:cloudformation:us-east-1:123456789012:stack/${name}/5c36ae10-1b4f-11f0-8d4e-000000000000`
    this.status = status
  }

  start(operation: "CREATE" | "UPDATE", token: string) {
    this.tokens.add(token)
    this.#changedAt = new Date().toISOString()
    this.#addEvent(`${operation}_IN_PROGRESS`)
  }

  describe() {
    const [operation = ""] = this.status.split("_")
    if (this.ending === undefined || !this.status.endsWith("_IN_PROGRESS")) return
    if (this.ending === "ROLLBACK_COMPLETE") this.#addEvent(`${operation}_FAILED`, "Topic")
    const rollback = operation === "CREATE" ? "ROLLBACK_COMPLETE" : "UPDATE_ROLLBACK_COMPLETE"
    this.#addEvent(this.ending === "COMPLETE" ? `${operation}_COMPLETE` : rollback)
  }

  get description() {
    const { id: StackId, name: StackName, status: StackStatus } = this
    return xml({ StackId, StackName, StackStatus, CreationTime: this.#changedAt })
  }

  /** Newest first. */
  get history() {
    return this.#events.map((event) => `<member>${event}</member>`).toReversed().join("")
  }

  #addEvent(status: string, resource?: string) {
    if (resource === undefined) this.status = status
    this.#events.push(xml({
      StackId: this.id,
      StackName: this.name,
      LogicalResourceId: resource ?? this.name,
      PhysicalResourceId: resource ?? this.id,
      ResourceType: resource === undefined ? "AWS::CloudFormation::Stack" : "AWS::SNS::Topic",
      ResourceStatus: status,
      ...(resource && { ResourceStatusReason: "It cannot be created" }),
      ClientRequestToken: [...this.tokens].at(-1) ?? "",
      Timestamp: new Date().toISOString()
    }))
  }
}

const done = (operation: string, content: string): Answer => ({
  status: 200,
  body: `<${operation}Response><${operation}Result>${content}</${operation}Result></${operation}Response>`
})

const start = (operation: "CREATE" | "UPDATE") => (stack: Stack, { operation: call, parameters }: Call): Answer => {
  const { ClientRequestToken = "" } = parameters
  if (stack.tokens.has(ClientRequestToken)) {
    return rejected(
      "TokenAlreadyExistsException",
      `The client request token ${ClientRequestToken} has been used already`
    )
  }
  stack.start(operation, ClientRequestToken)
  return done(call, xml({ StackId: stack.id }))
}

const stackOperations: Readonly<Record<string, (stack: Stack, call: Call) => Answer>> = {
  DescribeStacks: (stack, { operation, parameters: { StackName } }) => {
    stack.describe()
    return stack.status === ""
      ? rejected("ValidationError", `Stack with id ${StackName} does not exist`)
      : done(operation, `<Stacks><member>${stack.description}</member></Stacks>`)
  },
  DescribeStackEvents: (stack, { operation }) => {
    stack.describe()
    return done(operation, `<StackEvents>${stack.history}</StackEvents>`)
  },
  CreateStack: start("CREATE"),
  UpdateStack: start("UPDATE")
}
