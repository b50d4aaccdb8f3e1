// AWS on loopback over TLS, and the containers of functions that call it.
import * as Effect from "effect/Effect"
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { readFile } from "node:fs/promises"
import { performance } from "node:perf_hooks"
import process from "node:process"
import { fileURLToPath } from "node:url"
import { zipFiles } from "../../../src/internal/zipFiles.ts"
import { type AwsServer, startAws } from "../awsServer.ts"
import type { Order, Report } from "./function.ts"

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url))
const certificate = path("../../../test/certificates/localhost.pem")

export const now = (): number => performance.timeOrigin + performance.now()

/** AWS on this machine, and the times of the calls. */
export interface Cloud {
  readonly aws: AwsServer
  readonly calls: Array<{ readonly operation: string; readonly at: number }>
}

/** `delay` is the latency of a connection and of a request, in milliseconds. */
export const startCloud = async (delay: number): Promise<Cloud> => {
  const template = JSON.stringify({ Resources: { Topic: { Type: "AWS::SNS::Topic" } } })
  const zip = await Effect.runPromise(zipFiles({ "README.md": "# Readme", "template.json": template }))
  const tls = {
    cert: await readFile(certificate),
    key: await readFile(path("../../../test/certificates/key.pem"))
  }
  const calls: Cloud["calls"] = []
  const aws = await startAws(zip, { seed: "", throttled: 0, reset: 0 }, {
    tls,
    delay,
    onRequest: (operation) => calls.push({ operation, at: now() })
  })
  return { aws, calls }
}

/** What starts the process of a function. It takes orders and sends reports: see `function.ts`. */
export interface Command {
  readonly program: string
  readonly args: ReadonlyArray<string>
}

/** The process of a function, and its first report: the function is loaded. */
export interface Container {
  readonly child: ChildProcess
  readonly pid: number
  readonly loaded: Promise<Report>
}

/** A new container. `memory` is in MB. */
export const startContainer = ({ aws }: Cloud, { args, program }: Command, memory = 256): Container => {
  const { HOME, PATH, PYTHONPATH } = process.env
  const env = {
    HOME,
    PATH,
    PYTHONPATH,
    AWS_REGION: "us-east-1",
    AWS_DEFAULT_REGION: "us-east-1",
    AWS_ENDPOINT_URL: aws.endpoint,
    AWS_ACCESS_KEY_ID: "AKIABENCH",
    AWS_SECRET_ACCESS_KEY: "bench",
    AWS_EXECUTION_ENV: "AWS_Lambda_nodejs24.x",
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: `${memory}`,
    AWS_CA_BUNDLE: certificate,
    NODE_EXTRA_CA_CERTS: certificate
  }
  const child = spawn(program, args, { env, stdio: ["ignore", "ignore", "inherit", "ipc"] })
  return { child, pid: child.pid ?? NaN, loaded: nextReport(child) }
}

const nextReport = async (child: ChildProcess): Promise<Report> => {
  const controller = new AbortController()
  const ended = once(child, "exit", controller).then(([code]) => {
    throw new Error(`the function has ended with exit status ${code}`)
  })
  try {
    const [report] = await Promise.race([once(child, "message", controller), ended])
    return report as Report
  } finally {
    controller.abort()
    ended.catch(() => undefined)
  }
}

export const invoke = (child: ChildProcess, events: ReadonlyArray<unknown>, collect = false): Promise<Report> => {
  const report = nextReport(child)
  child.send({ events, collect } satisfies Order)
  return report
}

export const endContainer = async (child: ChildProcess): Promise<void> => {
  const exit = once(child, "exit")
  child.disconnect()
  await exit
}

/** The command for a built function, whose runner is the bundled `function.ts`. */
export const nodeCommand = (runner: string, module: string): Command => ({
  program: process.execPath,
  args: ["--expose-gc", runner, module]
})
