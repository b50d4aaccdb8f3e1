// Lambda at an address on loopback, as a command in a process of its own sees it. It has one function.
import {
  GetFunctionCommand,
  GetFunctionConfigurationCommand,
  InvokeCommand,
  UpdateFunctionCodeCommand
} from "@aws-sdk/client-lambda"
import { Effect } from "effect"
import { buffer } from "node:stream/consumers"
import { fakeLambda, serve } from "./FakeLambda.ts"

/** Starts the service, and returns its URL and the code that the function has. It ends with the scope. */
export const startLambda = Effect.fnUntraced(function*(FunctionName: string, zip: Uint8Array) {
  const { client, code } = yield* fakeLambda(zip)
  const path = `/2015-03-31/functions/${FunctionName}`

  const responses: Readonly<Record<string, (body: Buffer) => Promise<string>>> = {
    [`GET ${path}`]: async () => JSON.stringify(await client.send(new GetFunctionCommand({ FunctionName }))),
    [`GET ${path}/configuration`]: async () =>
      JSON.stringify(await client.send(new GetFunctionConfigurationCommand({ FunctionName }))),
    [`PUT ${path}/code`]: async (body) => {
      const input = JSON.parse(body.toString())
      const ZipFile = Buffer.from(input.ZipFile, "base64")
      return JSON.stringify(await client.send(new UpdateFunctionCodeCommand({ ...input, FunctionName, ZipFile })))
    },
    [`POST ${path}/invocations`]: async (Payload) => {
      const { Payload: result } = await client.send(new InvokeCommand({ FunctionName, Payload }))
      return result?.transformToString() ?? ""
    }
  }

  const endpoint = yield* serve(async (request, response) => {
    const { method, url } = request
    const respond = responses[`${method} ${url}`]
    if (respond === undefined) {
      const headers = { "x-amzn-errortype": "ResourceNotFoundException" }
      return response.writeHead(404, headers).end(JSON.stringify({ message: `Function not found: ${method} ${url}` }))
    }
    return response.end(await respond(await buffer(request)))
  })
  return { endpoint, code }
})
