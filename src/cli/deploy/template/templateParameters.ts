// Validates values of a template's parameters as CloudFormation does, before anything is built.
import { didYouMean } from "../../commandLine/usage.ts"

/** A declaration of a parameter in a template, as far as it is checked here. */
export interface TemplateParameter {
  readonly Type: string
  readonly Default?: string | number
  readonly AllowedValues?: ReadonlyArray<string | number>
  readonly AllowedPattern?: string
  readonly MinValue?: number
  readonly MaxValue?: number
}

/**
 * A message for each invalid value, with CloudFormation's words. The AWS-specific types of parameters are left to
 * CloudFormation.
 */
export const invalidParameters = (
  file: string,
  parameters: Readonly<Record<string, TemplateParameter>>,
  given: Readonly<Record<string, string>>
): ReadonlyArray<string> =>
  Object.entries(given).flatMap(([name, value]) => {
    const parameter = Object.hasOwn(parameters, name) ? parameters[name] : undefined
    const problem = parameter === undefined
      ? `${file} has no parameter with this name; ${didYouMean(name, Object.keys(parameters))}`
      : problemOf(name, parameter, value)
    return problem === undefined ? [] : [`--parameter ${name}: ${problem}`]
  })

const problemOf = (
  name: string,
  { AllowedPattern, AllowedValues, MaxValue = Infinity, MinValue = -Infinity, Type }: TemplateParameter,
  value: string
): string | undefined => {
  const isNumber = Type === "Number"
  const number = value.trim() === "" ? Number.NaN : Number(value)
  if (isNumber && !Number.isFinite(number)) return `Parameter '${name}' must be a number`
  if (AllowedValues !== undefined && !AllowedValues.some((one) => isNumber ? one === number : String(one) === value)) {
    return `Parameter '${name}' must be one of AllowedValues: ${AllowedValues.join(", ")}`
  }
  // The pattern must match the whole value.
  if (AllowedPattern !== undefined && !new RegExp(`^(?:${AllowedPattern})$`).test(value)) {
    return `Parameter '${name}' must match pattern ${AllowedPattern}`
  }
  if (isNumber && number < MinValue) return `Parameter '${name}' must be a number not less than ${MinValue}`
  if (isNumber && number > MaxValue) return `Parameter '${name}' must be a number not greater than ${MaxValue}`
  return undefined
}
