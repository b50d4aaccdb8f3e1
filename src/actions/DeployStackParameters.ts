// The options of DeployStack, as they are written in UserParameters.
import * as Record from "effect/Record"
import * as Schema from "effect/Schema"
import { BucketName } from "../domain/Job.ts"
import * as StackPlan from "../domain/StackPlan.ts"
import * as UserParameters from "../domain/UserParameters.ts"

const parameter = (what: string) =>
  Schema.NonEmptyString.pipe(
    Schema.annotateKey({ messageMissingKey: `Your UserParameters JSON must include the ${what}` })
  )

const fields = {
  /** Name or ARN of the stack. */
  stack: parameter("stack name").check(Schema.isPattern(/^(?:[a-zA-Z][-a-zA-Z0-9]{0,127}|arn:\S+)$/, {
    expected: "a stack's ARN or name (a letter, then letters, digits and hyphens, 128 characters at most)"
  })),
  /** What becomes of the stack; `CREATE_UPDATE` when left out. */
  mode: Schema.optionalKey(StackPlan.Mode),
  /** Path of the template in the artifact. */
  file: parameter("template file name"),
  /** Name of the input artifact. */
  artifact: parameter("artifact name"),
  /** Name of the change set, in the modes that make or execute one that has a name. */
  changeSet: parameter("name of the change set (\"changeSet\")").check(
    Schema.isPattern(/^[a-zA-Z][-a-zA-Z0-9]{0,127}$/, {
      expected: "the name of a change set (a letter, then letters, digits and hyphens, 128 characters at most)"
    })
  ),
  /** Name of a bucket for templates of more than 51,200 bytes. */
  templateBucket: Schema.optionalKey(BucketName),
  /** What to do while another operation is under way on the stack: `"fail"`, or `"wait"` until it is over. */
  whenBusy: Schema.optionalKey(StackPlan.WhenBusy),
  /** Whether to wait, after a successful update, until the resources that it replaced are gone. */
  settle: Schema.optionalKey(Schema.Boolean),
  /** Which of the stack's outputs become output variables, beside `StackId`: all of them when left out. */
  outputs: Schema.optionalKey(Schema.Array(Schema.NonEmptyString)),
  /** Path of the file with the stack's outputs in the first output artifact; `outputs.json` when left out. */
  outputFile: Schema.optionalKey(
    Schema.String.check(Schema.isPattern(/^(?![a-zA-Z]:)(?:(?!\.\.?\/)[^/\\]+\/)*(?!\.\.?$)[^/\\]+$/, {
      expected: "the path of a file in a zip, such as \"outputs.json\" or \"out/stack.json\""
    }))
  ),
  /** Whether the summary tells how far the resources have come, by one page of the stack's events a job. */
  progress: Schema.optionalKey(Schema.Boolean),
  /** How long the whole action may take. */
  timeoutMinutes: Schema.optionalKey(
    Schema.Finite.check(
      Schema.isBetween({ minimum: 1, maximum: 1_410 }, { expected: "a number of minutes from 1 to 1410" })
    )
  )
}

/** What not every mode needs. */
const needs: Record<StackPlan.Mode, ReadonlyArray<"file" | "artifact" | "changeSet">> = {
  CREATE_UPDATE: ["file", "artifact"],
  REPLACE_ON_FAILURE: ["file", "artifact"],
  DELETE_ONLY: [],
  CHANGE_SET_REPLACE: ["file", "artifact", "changeSet"],
  CHANGE_SET_EXECUTE: ["changeSet"],
  CHANGE_SET_DEPLOY: ["file", "artifact"]
}

const lenient = {
  ...fields,
  file: Schema.optionalKey(Schema.NonEmptyString),
  artifact: Schema.optionalKey(Schema.NonEmptyString),
  changeSet: Schema.optionalKey(fields.changeSet)
}

const schemas = Record.map(needs, (needed) => {
  const strict = Object.fromEntries(needed.map((name) => [name, fields[name]]))
  return Schema.Struct({ ...lenient, ...strict } as typeof lenient)
})

const isMode = Schema.is(StackPlan.Mode)

/** What DeployStack takes as UserParameters. Which fields it needs depends on the mode. */
export const DeployStackParameters = UserParameters.jsonBy(({ mode }) => schemas[isMode(mode) ? mode : "CREATE_UPDATE"])
export type DeployStackParameters = typeof DeployStackParameters.Type
