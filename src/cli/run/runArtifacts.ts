// The artifacts of a run: read from this machine, and put where the action reads them.
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { existsSync } from "node:fs"
import type { Job } from "../../domain/job/Job.ts"
import { badUsage } from "../commandLine/usage.ts"
import { packageFile } from "../packageFiles.ts"
import type { TerminalReporter } from "../TerminalReporter.ts"
import { type GivenArtifact, readArtifact, upload } from "./artifacts.ts"
import { type RunOptions, shownPath } from "./runOptions.ts"

/** The artifacts of the samples. */
const sampleArtifact = (name: string) => {
  const folder = packageFile(`events/artifacts/${name}`)
  return /^[\w-]+$/.test(name) && existsSync(folder) ? [`${name}=${folder}`] : []
}

const decodeParameters = Schema.decodeOption(Schema.fromJsonString(Schema.Record(Schema.String, Schema.Unknown)))

/** The path of the template in an artifact, if the event's template is there. */
const templateFileOf = ({ userParameters }: Job) => {
  const { artifact, file } = Option.getOrElse(decodeParameters(userParameters), () => ({ artifact: "", file: "" }))
  return (name: string) => name === artifact && typeof file === "string" ? file : undefined
}

/** The artifacts of the command line, or else those of the samples. */
export const readArtifacts = Effect.fn("readArtifacts")(function*({ artifacts: given, chosen }: RunOptions, job: Job) {
  const known = new Map(job.inputArtifacts.map((artifact) => [artifact.name, artifact]))
  const sources = given.length > 0
    ? given
    : chosen.readyMade === undefined
    ? []
    : [...known.keys()].flatMap(sampleArtifact)
  const templateFile = templateFileOf(job)
  const artifacts = yield* Effect.forEach(sources, (source) => readArtifact(source, templateFile))
  const twice = artifacts.find(({ name }, index) => artifacts.findIndex((other) => other.name === name) < index)
  if (twice !== undefined) return yield* badUsage(`--artifact ${twice.name} is given twice`)
  return yield* Effect.forEach(artifacts, (local) => {
    const artifact = known.get(local.name)
    const names = [...known.keys()]
    return artifact === undefined
      ? badUsage(
        `the event has no input artifact "${local.name}"; ${
          names.length === 0 ? "it has none" : `write --artifact ${names.join("=PATH or --artifact ")}=PATH`
        }`
      )
      : Effect.succeed({ artifact, local })
  })
})

/** Puts the artifacts where the action reads them. In a real bucket, only artifacts of the command line. */
export const putArtifacts = Effect.fn("putArtifacts")(function*(
  { artifacts: { length: given }, endpoint, live, yes }: RunOptions,
  artifacts: ReadonlyArray<GivenArtifact>,
  reporter: TerminalReporter
) {
  const emulator = endpoint !== undefined
  if (live && !emulator && given === 0) return
  const ifDifferent = given === 0 ? "keep" : yes ? "replace" : "refuse"
  const put = live ? yield* upload(artifacts, { emulator, ifDifferent }) : artifacts
  for (const { artifact, local: { file, name, path, zip } } of given === 0 ? put : artifacts) {
    const { bucketName, objectKey } = artifact.location.s3Location
    const where = !live
      ? ""
      : put.some((other) => other.artifact === artifact)
      ? `, uploaded to s3://${bucketName}/${objectKey}`
      : `, equal to s3://${bucketName}/${objectKey}`
    const as = file === undefined ? "" : ` as ${file}`
    yield* reporter.labelled("artifact", `${name}: ${shownPath(path)}${as}, ${zip.length} bytes as a zip${where}`)
  }
})
