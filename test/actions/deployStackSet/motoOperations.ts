// moto with the ids of operations on stack sets: a server in front of moto, which corrects what moto 5 does with them.
//
// - moto ignores the OperationId of CreateStackInstances, UpdateStackInstances and DeleteStackInstances, and makes one of its
//   own. An action recognizes its operations by their ids, so the server shows each operation by the id that the caller gave.
// - moto starts an operation whose id it knows once more. CloudFormation refuses it: OperationIdAlreadyExists.
// - moto says ValidationError for an operation that it does not know. CloudFormation says OperationNotFound.
//
// Everything else passes through as it is.
import { Effect } from "effect"
import { text } from "node:stream/consumers"
import { listen } from "../../contract/server.ts"
import { startMoto } from "../../scripts/moto.ts"

const error = (code: string, message: string) =>
  `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error></ErrorResponse>`

const operationIds = /(?<=<OperationId>)[^<]+(?=<\/OperationId>)/g

/** The calls that start an operation under an id. */
const starting = new Set([
  "UpdateStackSet",
  "CreateStackInstances",
  "UpdateStackInstances",
  "DeleteStackInstances",
  "DetectStackSetDrift"
])

/** Starts moto; returns its URL, and that of the server in front of it. Both end with the scope. */
export const startMotoWithOperations = Effect.gen(function*() {
  const moto = yield* startMoto
  /** moto's id of each operation, by the id that the caller gave. */
  const motoIds = new Map<string, string>()
  const callerIdOf = (motoId: string) => [...motoIds].find(([, id]) => id === motoId)?.[0] ?? motoId

  const answerTo = async (url: string, headers: Headers, body: string) => {
    const parameters = new URLSearchParams(body)
    const [action, given] = [parameters.get("Action") ?? "", parameters.get("OperationId")]
    const isStart = given !== null && starting.has(action)
    if (isStart && motoIds.has(given)) {
      return { status: 409, body: error("OperationIdAlreadyExistsException", `Operation ${given} exists`) }
    }
    if (given !== null && !isStart) {
      const id = motoIds.get(given)
      if (id === undefined) {
        return { status: 404, body: error("OperationNotFoundException", `Operation ${given} not found`) }
      }
      parameters.set("OperationId", id)
    }
    const response = await fetch(`${moto}${url}`, { method: "POST", headers, body: parameters.toString() })
    const answered = await response.text()
    const [started] = answered.match(operationIds) ?? []
    if (isStart && response.ok && started !== undefined) motoIds.set(given, started)
    return { status: response.status, body: answered.replaceAll(operationIds, callerIdOf) }
  }

  const endpoint = yield* listen((request, response) => {
    const headers = new Headers()
    // moto takes the region and the account from the signature.
    for (const name of ["authorization", "content-type", "x-amz-date"]) {
      headers.set(name, String(request.headers[name] ?? ""))
    }
    text(request).then((body) => answerTo(request.url ?? "/", headers, body)).then(
      ({ body, status }) => response.writeHead(status, { "content-type": "text/xml" }).end(body),
      (cause: unknown) => response.writeHead(599).end(String(cause))
    )
  })
  return { endpoint, moto }
})
