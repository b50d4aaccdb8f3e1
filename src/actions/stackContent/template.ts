// Reads the template from an artifact and passes it to CloudFormation.
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { AwsUnavailable } from "../../domain/job/AwsError.ts"
import type { Job } from "../../domain/job/Job.ts"
import type { ObjectEncryption } from "../../domain/job/ObjectEncryption.ts"
import { type Destination, destinationOf } from "../../domain/stack/Destination.ts"
import * as Template from "../../domain/stack/Template.ts"
import { sentences } from "../../domain/text/sentences.ts"
import { type ArtifactFile, ArtifactStore, type UploadFailed } from "../../services/ArtifactStore.ts"

/** CloudFormation cannot accept the file as a template. */
export class TemplateInvalid extends Schema.TaggedError<TemplateInvalid>()("TemplateInvalid", {
  artifact: Schema.String,
  file: Schema.String,
  reason: Schema.String,
  advice: Schema.optionalKey(Schema.String)
}) {
  get problem() {
    return `The template "${this.file}" in artifact "${this.artifact}" cannot be used: ${this.reason}`
  }
  override get message() {
    return sentences(this.problem, this.advice)
  }
}

/** Reads the template, without a byte-order mark. Refuses blank files and text that is not UTF-8. */
export const read = Effect.fn("StackTemplate.read")(function*(job: Job, { artifact, file }: ArtifactFile) {
  const store = yield* ArtifactStore
  const read = yield* store.read(job, { artifact, file, maxBytes: Template.templateLimits.templateUrl })
  const { bytes, text } = yield* Effect.fromResult(Template.decode(read)).pipe(
    Effect.mapError((reason) => new TemplateInvalid({ artifact, file, reason, advice: saveAsText }))
  )
  return { artifact, file, bytes, text }
})

const saveAsText = "Save the template in this file, as JSON or YAML in UTF-8"

export type StackTemplate = Effect.Success<ReturnType<typeof read>>

/** The bucket for large templates, and where it is. */
export interface TemplateBucketParameters extends Destination {
  readonly templateBucket?: string | undefined
  readonly templateBucketEncryption?: ObjectEncryption | undefined
}

/**
 * Passes a small template in the call, and a larger one through a bucket. Without a bucket, refuses the larger one. The
 * bucket of the environment belongs to the account and the region of the function, and is not used elsewhere.
 */
export const toTemplateInput = Effect.fn("StackTemplate.toTemplateInput")(function*(
  { artifact, bytes, file, text }: StackTemplate,
  parameters: TemplateBucketParameters
): Effect.fn.Return<Template.Template, TemplateInvalid | UploadFailed | AwsUnavailable, ArtifactStore> {
  const { templateBody } = Template.templateLimits
  if (bytes.length <= templateBody) return { templateBody: text }
  const isElsewhere = destinationOf(parameters) !== undefined
  const bucket = parameters.templateBucket ??
    (isElsewhere ? undefined : Option.getOrUndefined(yield* environmentBucket))
  if (bucket === undefined) {
    const reason = `it has ${bytes.length} bytes, but CloudFormation accepts at most ${templateBody} in a call`
    return yield* new TemplateInvalid({ artifact, file, reason, advice: isElsewhere ? nameBucketThere : nameBucket })
  }
  const store = yield* ArtifactStore
  return { templateUrl: yield* store.upload(bucket, bytes, parameters.templateBucketEncryption) }
})

const nameBucket = "Name a bucket through which to pass larger templates: \"templateBucket\" in UserParameters, or " +
  "TEMPLATE_BUCKET in the environment of the function"

const nameBucketThere =
  "Name a bucket in the account and the region of the stack through which to pass larger templates: " +
  "\"templateBucket\" in UserParameters"

const environmentBucket = Effect.option(Config.NonEmptyString("TEMPLATE_BUCKET"))
