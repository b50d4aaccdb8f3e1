// The templates, and the parameters that a deployment passes.
import * as Effect from "effect/Effect"
import { readFile } from "node:fs/promises"
import { packageFile } from "../../packageFiles.ts"
import { type DeployedTemplate, describeTemplate } from "./functionsTemplate.ts"

/** Where a template is in the repository, and otherwise in the package. */
const placesOf = (name: string) => [
  { file: `scripts/templates/${name}.yaml`, path: `scripts/templates/${name}.yaml` },
  { file: `effect-codepipeline/functions/${name}.yaml`, path: `dist/functions/${name}.yaml` }
]

/** A template of this package. */
export const readTemplate = (name: "functions" | "pipeline"): Effect.Effect<DeployedTemplate> =>
  Effect.firstSuccessOf(
    placesOf(name).map(({ file, path }) =>
      Effect.tryPromise(() => readFile(packageFile(path), "utf8")).pipe(
        Effect.map((text) => describeTemplate(file, text))
      )
    )
  ).pipe(Effect.orDie)

/**
 * A new stack gets the defaults explicitly: a dry run shows them, and moto, which forgets defaults, can update the stack.
 * An existing stack keeps the values of all other parameters.
 */
export const parametersFor = (
  isUpdate: boolean,
  { defaults }: DeployedTemplate,
  given: Readonly<Record<string, string>>
): Readonly<Record<string, string>> => isUpdate ? given : { ...defaults, ...given }
