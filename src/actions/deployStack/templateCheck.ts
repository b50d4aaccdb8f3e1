// Checks what GetTemplateSummary shows of a template, before a stack or a change set is deleted for it.
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { StackOptions, TemplateSummary } from "../../domain/stack/Stack.ts"
import * as StackCapability from "../../domain/stack/StackCapability.ts"
import type { Template } from "../../domain/stack/Template.ts"
import { CloudFormation } from "../../services/CloudFormation.ts"
import { CapabilitiesMissing } from "../stackContent/settings.ts"

/** The template's summary, or the error for a template that CloudFormation rejects, for the reason that it gives. */
export const summarize = Effect.fnUntraced(function*<E>(template: Template, toError: (reason: string) => E) {
  const { templateSummary } = yield* CloudFormation
  return yield* templateSummary(template).pipe(
    Effect.map(Result.succeed),
    Effect.catchTag("AwsRejected", ({ detail }) => Effect.succeed(Result.fail(toError(detail))))
  )
})

/** Checks the types of the template's resources and the capabilities of the request. */
export const check = Effect.fnUntraced(function*<E>(
  stack: string,
  { capabilities: given = [] }: StackOptions,
  { capabilities, capabilitiesReason = "", unrecognizedResourceTypes }: TemplateSummary,
  toError: (reason: string) => E
) {
  if (unrecognizedResourceTypes.length > 0) {
    const reason = `Template format error: Unrecognized resource types: [${unrecognizedResourceTypes.join(", ")}]`
    return yield* Effect.fail(toError(reason))
  }
  const required = StackCapability.missing(given, capabilities)
  if (required.length > 0) {
    return yield* new CapabilitiesMissing({
      stack,
      given,
      required,
      reason: [`Requires capabilities : [${required.join(", ")}]`, capabilitiesReason].filter(Boolean).join(". ")
    })
  }
})
