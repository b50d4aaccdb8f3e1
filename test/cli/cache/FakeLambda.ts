// Lambda on this machine, as a client of the SDK sees it: it keeps the code of one function.
import {
  GetFunctionCommand,
  GetFunctionConfigurationCommand,
  InvokeCommand,
  type LambdaClient,
  UpdateFunctionCodeCommand
} from "@aws-sdk/client-lambda"
import { Effect } from "effect"
import { createHash } from "node:crypto"
import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises"
import { createServer, type RequestListener } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { filesInZip } from "../../../src/cli/deploy/code/functionZip.ts"
import { startContainer } from "../../lambda/container.ts"

const named = (name: string, message: string) => Object.assign(new Error(message), { name })

/** Starts a server on loopback, and returns its URL. It ends with the scope. */
export const serve = Effect.fnUntraced(function*(listener: RequestListener) {
  const server = createServer(listener)
  yield* Effect.acquireRelease(
    Effect.callback<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void))),
    () => Effect.sync(() => server.closeAllConnections()).pipe(Effect.andThen(Effect.sync(() => server.close())))
  )
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})

/** Runs the function in a new container, with its files and nothing else. */
const invoke = Effect.fnUntraced(function*(zip: Uint8Array, event: unknown, nodeOptions: ReadonlyArray<string>) {
  const folder = yield* Effect.acquireRelease(
    Effect.promise(async () => mkdtemp(join(await realpath(tmpdir()), "effect-codepipeline-"))),
    (folder) => Effect.promise(() => rm(folder, { recursive: true }))
  )
  for (const [file, bytes] of Object.entries(yield* Effect.orDie(filesInZip(zip)))) {
    const path = join(folder, file)
    yield* Effect.promise(() => mkdir(dirname(path), { recursive: true }).then(() => writeFile(path, bytes)))
  }
  const { end, invoke } = yield* startContainer({ folder, nodeOptions, env: { AWS_REGION: "eu-central-1" } })
  const result = yield* invoke(event)
  yield* end
  return "resolved" in result ? result.resolved : yield* Effect.die(new Error(result.rejected))
}, Effect.scoped)

export interface FakeLambdaOptions {
  /** The statuses of the update, one for each look. The last one stays. Default: `Successful`. */
  readonly updateStatuses?: ReadonlyArray<string>
  /** The options of Node in each container, one list for each invocation. */
  readonly nodeOptions?: ReadonlyArray<ReadonlyArray<string>>
  /** What goes wrong with an update, which is done all the same: its response is lost, or another update comes first. */
  readonly onUpdate?: "response lost" | "another update"
  readonly downloadStatus?: number
  readonly packageType?: "Image" | "Zip"
}

/** The client, the names of its calls, and the code that the function has. */
export const fakeLambda = Effect.fnUntraced(function*(zip: Uint8Array, options: FakeLambdaOptions = {}) {
  const calls: Array<string> = []
  let code = zip
  let revision = 1
  let [invocations, looks] = [0, 0]
  const { nodeOptions = [], onUpdate, packageType = "Zip", updateStatuses = ["Successful"] } = options
  const download = yield* serve((_, response) => response.writeHead(options.downloadStatus ?? 200).end(code))

  const update = ({ Architectures, RevisionId, ZipFile = new Uint8Array() }: UpdateFunctionCodeCommand["input"]) => {
    if (Architectures?.join() !== "arm64") throw named("InvalidParameterValueException", "another architecture")
    if (onUpdate === "another update" && revision === 1) {
      revision++
      code = Buffer.from("another zip")
    }
    if (RevisionId !== String(revision)) throw named("PreconditionFailedException", "The Revision Id does not match")
    code = ZipFile
    revision++
    if (onUpdate === "response lost" && revision === 2) {
      throw Object.assign(new Error("socket hang up"), { code: "ECONNRESET" })
    }
    return {}
  }

  const respond = async (command: unknown) => {
    if (command instanceof GetFunctionCommand) {
      return {
        // The URL has a secret, as that of Lambda.
        Code: { Location: packageType === "Zip" ? `${download}/code?signature=secret` : undefined },
        Configuration: { RevisionId: String(revision), Architectures: ["arm64"], PackageType: packageType }
      }
    }
    if (command instanceof GetFunctionConfigurationCommand) {
      const LastUpdateStatus = updateStatuses[Math.min(looks++, updateStatuses.length - 1)]
      const CodeSha256 = createHash("sha256").update(code).digest("base64")
      return { LastUpdateStatus, LastUpdateStatusReason: "the disk is full", CodeSha256 }
    }
    if (command instanceof UpdateFunctionCodeCommand) return update(command.input)
    if (command instanceof InvokeCommand) {
      const event = JSON.parse(Buffer.from(command.input.Payload as Uint8Array).toString())
      const result = JSON.stringify(await Effect.runPromise(invoke(code, event, nodeOptions[invocations++] ?? [])))
      return { Payload: { transformToString: () => result } }
    }
    throw new Error("not a call of Lambda")
  }

  const send = (command: object) => {
    calls.push(command.constructor.name.replace(/Command$/, ""))
    return respond(command)
  }
  return { client: { send } as unknown as Pick<LambdaClient, "send">, calls, code: () => code }
})
