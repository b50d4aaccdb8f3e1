// What the functions of a template are evaluated with, and to.
import { isList, isMapping, type TemplateMapping, type TemplateValue } from "../template/TemplateValue.ts"

/** Stands for a value that only AWS knows. A text that is made of it is another one. */
export class StandIn {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

/** An evaluated value; `undefined` for `AWS::NoValue`. */
export type Evaluated =
  | string
  | number
  | boolean
  | undefined
  | StandIn
  | ReadonlyArray<Evaluated>
  | { readonly [name: string]: Evaluated }

/** What the functions of a template refer to. */
export interface Scope {
  readonly region: string
  readonly mappings: TemplateMapping
  /** The value of a parameter or a resource; none if the stack does not have it. */
  readonly refer: (name: string) => Evaluated | StandIn | undefined
  /** The value of an attribute; none if the stack does not have the resource. */
  readonly attribute: (id: string, attribute: string) => StandIn | string | undefined
  readonly condition: (name: string) => boolean
  readonly importValue: (name: string) => StandIn | string
  /** Whether the template uses AWS::LanguageExtensions. */
  readonly hasExtensions: boolean
  /** Whether the template uses other transforms: unknown functions and names can be theirs. */
  readonly isOpen: boolean
  /** Receives CloudFormation's messages. */
  readonly problem: (message: string) => void
  /** Receives the names of resources that the stack does not have. */
  readonly unresolved: (name: string) => void
}

/** The text of an evaluated value, if it is a scalar. */
export const evaluatedText = (value: Evaluated): string | undefined =>
  value instanceof StandIn ? value.text : typeof value === "object" || value === undefined ? undefined : String(value)

/** Without stand-ins, for comparisons and for parameters of nested stacks. */
export const plain = (value: Evaluated): unknown =>
  value instanceof StandIn
    ? value.text
    : isList(value)
    ? (value as ReadonlyArray<Evaluated>).map(plain)
    : isMapping(value)
    ? Object.fromEntries(
      Object.entries(value as { readonly [name: string]: Evaluated }).map(([name, item]) => [name, plain(item)])
    )
    : value

/** Evaluates a value in a scope. */
export type Evaluate = (value: TemplateValue, scope: Scope) => Evaluated

/** Runs a function of a template. */
export type Run = (argument: TemplateValue, scope: Scope, evaluate: Evaluate) => Evaluated

/** Reports the message, and returns a value to go on with. */
export const fail = ({ problem }: Scope, message: string) => {
  problem(message)
  return ""
}

/** The text made of these parts: a stand-in if one of them is. */
export const combine = (parts: ReadonlyArray<Evaluated>, make: (texts: ReadonlyArray<string>) => string) => {
  const text = make(parts.map((part) => evaluatedText(part) ?? ""))
  return parts.some((part) => part instanceof StandIn) ? new StandIn(text) : text
}
