// The IAM permissions of the functions, as data. The policies in the documents, and the roles in
// templates/functions.yaml, are made from this list. A test compares it with the calls in the code and in the built
// functions.
import { permissions as deployStack } from "../src/actions/deployStack/permissions.ts"
import { permissions as deployStackSet } from "../src/actions/deployStackSet/permissions.ts"
import type { Permission } from "../src/actions/stackContent/permissions.ts"
import { type FunctionName, functionNames } from "../src/cli/deploy/code/readyMade.ts"
import * as Permissions from "../src/Permissions.ts"

export { type FunctionName, functionNames }

const every: Permission = { ...Permissions.codePipeline, role: "function", jobs: "all", required: true }
const logs: Permission = {
  ...Permissions.logs,
  role: "function",
  jobs: "all",
  required: { otherwise: "nothing is logged" }
}

/** The permissions of each function. */
export const permissionsOf: Readonly<Record<FunctionName, ReadonlyArray<Permission>>> = {
  "deploy-stack": [every, ...deployStack, logs],
  "deploy-stack-set": [every, ...deployStackSet, logs],
  "check-webpage": [every, logs]
}

/** Those of all functions. */
export const permissions: ReadonlyArray<Permission> = [...new Set(Object.values(permissionsOf).flat())]
