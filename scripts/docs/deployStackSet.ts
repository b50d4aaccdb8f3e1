// The generated parts of the reference of deploy-stack-set: its options and permissions.
import { modesOf, options } from "../../src/actions/deployStackSet/Parameters.ts"
import { Mode } from "../../src/domain/stackSet/StackSetPlan.ts"
import { permissionsOf } from "../permissions.ts"
import * as Reference from "./reference.ts"

const reference: Reference.Reference = {
  options,
  modes: Mode.literals,
  modesOf,
  permissions: permissionsOf["deploy-stack-set"],
  headings: "###"
}

export const optionSections = (): string => Reference.optionSections(reference)

export const permissionSections = (): string => Reference.permissionSections(reference)
