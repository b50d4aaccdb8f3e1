// What CloudFormation does with a template of this folder.
import { readFileSync } from "node:fs"
import type { StackCapability } from "../../src/domain/stack/StackCapability.ts"

interface Request {
  /** The template, if it is not the file of this name. */
  readonly text?: string
  /** In which case, if there are several with this template. */
  readonly when?: string
  readonly parameters?: Readonly<Record<string, string>>
  readonly capabilities?: ReadonlyArray<StackCapability>
  /** The template of a stack that exists already. */
  readonly besides?: string
  /** The template is too large for a call. */
  readonly byUrl?: boolean
}

export interface Deployed extends Request {
  /** The logical ids of the created resources. */
  readonly resources: ReadonlyArray<string>
  /** All outputs. */
  readonly outputs?: Readonly<Record<string, string | RegExp>>
  /** The first resource is complete before the second one begins. */
  readonly order?: ReadonlyArray<readonly [string, string]>
  /** The resources that outlive the stack. */
  readonly retained?: ReadonlyArray<string>
  /** The resources of nested stacks, by the logical id of the nested stack. */
  readonly nested?: Readonly<Record<string, ReadonlyArray<string>>>
  /** With one more resource, it would be refused. */
  readonly isAtLimit?: boolean
}

export interface Refused extends Request {
  readonly refused: string | RegExp
  /** The action itself refuses it, in its own words. */
  readonly refusedByAction?: string
  /** CloudFormation may notice it only during the operation. */
  readonly failsLater?: boolean
}

/** Cases by the file of their template. */
export type Cases = Readonly<Record<string, Deployed | Refused | ReadonlyArray<Deployed | Refused>>>

export const read = (file: string): string => readFileSync(new URL(file, import.meta.url), "utf8")

/** One resource, which is called Topic. */
export const topic = { resources: ["Topic"] }

/** For what nobody but AWS knows. */
export const anything = /./
