// The protocol awsQuery: a form as request, XML as answer.
import { type Call, done, type Protocol, refused } from "../server.ts"

export type Parameters = Call["parameters"]

/** The form of a request; all its values are text. */
export const texts = (parameters: Parameters) => parameters as Readonly<Record<string, string>>

export const protocol: Protocol = {
  contentType: "text/xml",
  read: (_, body) => {
    const { Action = "", ...parameters } = Object.fromEntries(new URLSearchParams(body))
    return { operation: Action, parameters }
  },
  refusal: ({ code, message }) =>
    `<ErrorResponse ${namespace}><Error><Type>Sender</Type>${xml({ Code: code, Message: message })}</Error>` +
    `<RequestId>${requestId}</RequestId></ErrorResponse>`,
  wrongSignature: { status: 403, code: "SignatureDoesNotMatch" }
}

const namespace = "xmlns=\"http://cloudformation.amazonaws.com/doc/2010-05-15/\""
const requestId = "b9b4b068-3a41-11e5-94eb-example"

const escapes: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", "\"": "&quot;" }

export const xml = (elements: Readonly<Record<string, string | undefined>>) =>
  Object.entries(elements).map(([name, text]) =>
    text === undefined ? "" : `<${name}>${text.replaceAll(/[&<>"]/g, (char) => escapes[char] ?? char)}</${name}>`
  ).join("")

export const result = (operation: string, body: string) =>
  done(
    `<${operation}Response ${namespace}><${operation}Result>${body}</${operation}Result>` +
      `<ResponseMetadata><RequestId>${requestId}</RequestId></ResponseMetadata></${operation}Response>`
  )

export const validationError = (message: string) => refused("ValidationError", message)
