// How a function of the stack is named: on the command line, in the template, and in Lambda.
import type { Stack } from "../../domain/stack/Stack.ts"
import { functionName } from "../build/buildFunction.ts"

/** The logical id of a function in the template, such as `DeployStack` for `deploy-stack`. */
export const logicalIdOf = (name: string): string =>
  name.split("-").map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join("")

/** The template's parameter for the key of the function's code in the bucket. */
export const keyParameter = (name: string): string => `${logicalIdOf(name)}Key`

/** The stack's output with the name of the function in Lambda. */
export const functionOutput = (name: string): string => `${logicalIdOf(name)}Function`

/** The stack's output with the ARN of the function. */
export const arnOutput = (name: string): string => `${logicalIdOf(name)}Arn`

/** The functions of a stack that was deployed before, by its outputs. */
export const functionsOf = ({ outputs }: Pick<Stack, "outputs">): ReadonlyArray<string> =>
  Object.keys(outputs).flatMap((output) => {
    const [, id] = /^(\w+)Function$/.exec(output) ?? []
    return id === undefined ? [] : [functionName(id)]
  })
