// What CloudFormation will say of the values of a template's parameters, before anything is built for it.
import { didYouMean } from "../commandLine.ts"

/** A parameter as a template declares it, as far as values are checked here. */
export interface TemplateParameter {
  readonly Type: string
  readonly Default?: string | number
  readonly AllowedValues?: ReadonlyArray<string | number>
  readonly AllowedPattern?: string
  readonly MinValue?: number
  readonly MaxValue?: number
}

/**
 * What is wrong with the values, each in the words of CloudFormation. Only what the template declares is looked at; what
 * the AWS-specific types of parameters need is left to CloudFormation.
 */
export const refusals = (
  file: string,
  parameters: Readonly<Record<string, TemplateParameter>>,
  given: Readonly<Record<string, string>>
): ReadonlyArray<string> =>
  Object.entries(given).flatMap(([name, value]) => {
    const parameter = Object.hasOwn(parameters, name) ? parameters[name] : undefined
    const why = parameter === undefined
      ? `${file} has no such parameter; ${didYouMean(name, Object.keys(parameters))}`
      : refusal(name, parameter, value)
    return why === undefined ? [] : [`--parameter ${name}: ${why}`]
  })

const refusal = (
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
  // A pattern is for the whole value.
  if (AllowedPattern !== undefined && !new RegExp(`^(?:${AllowedPattern})$`).test(value)) {
    return `Parameter '${name}' must match pattern ${AllowedPattern}`
  }
  if (isNumber && number < MinValue) return `Parameter '${name}' must be a number not less than ${MinValue}`
  if (isNumber && number > MaxValue) return `Parameter '${name}' must be a number not greater than ${MaxValue}`
  return undefined
}
