// Brings a template from an artifact to CloudFormation.
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { AwsUnavailable } from "../../domain/job/AwsError.ts"
import type { Job } from "../../domain/job/Job.ts"
import * as Template from "../../domain/stack/Template.ts"
import { type ArtifactFile, ArtifactStore, type UploadFailed } from "../../services/ArtifactStore.ts"

/** The template is no text that CloudFormation takes in a call. */
export class TemplateInvalid extends Schema.TaggedError<TemplateInvalid>()("TemplateInvalid", {
  artifact: Schema.String,
  file: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `The template "${this.file}" in artifact "${this.artifact}" cannot be used: ${this.reason}`
  }
}

/** The template as it is in the artifact, but for a byte-order mark. */
export const read = Effect.fn("StackTemplate.read")(function*(job: Job, { artifact, file }: ArtifactFile) {
  const store = yield* ArtifactStore
  const read = yield* store.read(job, { artifact, file, maxBytes: Template.templateLimits.templateUrl })
  const { bytes, text } = yield* Effect.fromResult(Template.decode(read)).pipe(
    Effect.mapError((reason) => new TemplateInvalid({ artifact, file, reason }))
  )
  return { artifact, file, bytes, text }
})

export type StackTemplate = Effect.Success<ReturnType<typeof read>>

/** How CloudFormation gets the template: in the call where it is small enough, else by way of a bucket. */
export const toTemplateInput = Effect.fn("StackTemplate.give")(function*(
  { artifact, bytes, file, text }: StackTemplate,
  templateBucket: string | undefined
): Effect.fn.Return<Template.Template, TemplateInvalid | UploadFailed | AwsUnavailable, ArtifactStore> {
  if (bytes.length <= Template.templateLimits.templateBody) return { templateBody: text }
  const bucket = templateBucket ?? Option.getOrUndefined(yield* environmentBucket)
  if (bucket === undefined) {
    const reason =
      `it has ${bytes.length} bytes, CloudFormation takes ${Template.templateLimits.templateBody} in a call. ` +
      `Name a bucket to pass larger ones through: "templateBucket" in UserParameters, or TEMPLATE_BUCKET in the ` +
      "environment of the function"
    return yield* new TemplateInvalid({ artifact, file, reason })
  }
  const store = yield* ArtifactStore
  return { templateUrl: yield* store.upload(bucket, bytes) }
})

const environmentBucket = Effect.option(Config.NonEmptyString("TEMPLATE_BUCKET"))
