// Shared by many tests: the events of `events/` and variations of them.
import { assert } from "@effect/vitest"
import { readdirSync, readFileSync } from "node:fs"
import type { JobOutcome } from "../src/domain/job/JobOutcome.ts"

const folder = new URL("../events/", import.meta.url)

/** The names of the cases in `events/`, without `.json`. */
export const eventNames: ReadonlyArray<string> = readdirSync(folder)
  .filter((file) => file.endsWith(".json"))
  .map((file) => file.slice(0, -".json".length))

export interface JobEvent {
  readonly "CodePipeline.job": { readonly id: string; readonly data: Record<string, unknown> }
}

export const readEvent = (name: string): JobEvent => JSON.parse(readFileSync(new URL(`${name}.json`, folder), "utf8"))

/** The secrets in the events of `events/`. */
export const secrets: ReadonlyArray<string> = [
  ...new Set(eventNames.flatMap((name) => {
    const job = readEvent(name)["CodePipeline.job"] as JobEvent["CodePipeline.job"] | undefined
    const credentials = job?.data["artifactCredentials"] as Record<string, unknown> | undefined
    return ["accessKeyId", "secretAccessKey", "sessionToken"].flatMap((key) => {
      const secret = credentials?.[key]
      return typeof secret === "string" ? [secret] : []
    })
  }))
]

interface Variation {
  readonly id?: string
  readonly userParameters?: string
  readonly [key: string]: unknown
}

/** An event of `events/` with another id, UserParameters or data. */
const variations = (name: string) => ({ id, userParameters, ...data }: Variation = {}): JobEvent => {
  const { "CodePipeline.job": job } = readEvent(name)
  const actionConfiguration = userParameters === undefined
    ? job.data["actionConfiguration"]
    : { configuration: { FunctionName: name, UserParameters: userParameters } }
  return { "CodePipeline.job": { ...job, id: id ?? job.id, data: { ...job.data, actionConfiguration, ...data } } }
}

export const deployEvent = variations("deploy-stack")
export const checkEvent = variations("check-webpage")

/** AWS's sample template: one bucket. */
export const sampleTemplate = readFileSync(
  new URL("artifacts/MyTemplate/template-package/template.json", folder),
  "utf8"
)

/** The continuation token of a job that continues. */
export const tokenOf = (outcome: JobOutcome) =>
  outcome._tag === "Continued" ? outcome.continuationToken : assert.fail(`${outcome._tag}: ${outcome.message}`)
