// Why an operation on a stack set failed, and what to do about it. StackSets has no codes for these failures, only words.
import { message } from "../stack/StackFailure.ts"
import { maxListed } from "../text/lists.ts"
import type { InstanceResult } from "./StackSet.ts"
import { lineOf } from "./StackSetProgress.ts"

/** The words of StackSets or of a service that it calls, and what to do. */
const remedies: ReadonlyArray<readonly [words: RegExp, advice: string]> = [
  [
    /must enable organizations access|trusted access/i,
    "StackSets has no trusted access to AWS Organizations: activate it in the management account (CloudFormation console, " +
    "StackSets, \"Activate trusted access\", or aws cloudformation activate-organizations-access)"
  ],
  [
    /not a delegated administrator/i,
    "Register this account as a delegated administrator for StackSets in the management account of the organization, or " +
    "use the management account with \"callAs\": \"SELF\""
  ],
  [
    /AdministrationRole' role with trust relationship to CloudFormation|AdministrationRole.*cannot be assumed/i,
    "Create the role AWSCloudFormationStackSetAdministrationRole in this account, with trust in cloudformation.amazonaws.com, " +
    "or name another role in \"administrationRoleArn\""
  ],
  [
    /ExecutionRole|should have '[^']+' role with trust relationship/i,
    "Create the role AWSCloudFormationStackSetExecutionRole in each of these accounts, with trust in the administration " +
    "role, or name another role in \"executionRoleName\""
  ],
  [
    /suspended/i,
    "A suspended account takes no changes: reactivate it, remove it from \"accounts\", or exclude it with " +
    "\"accountFilter\": \"DIFFERENCE\""
  ],
  [
    /\bopt(?:ed)?[- ]in\b|region\b[^.]*\b(?:not enabled|disabled|not (?:been )?activated)|RegionDisabled|security token included in the request is invalid/i,
    "The account has not enabled the region: enable it (Account Management, Regions), or remove the region from \"regions\""
  ],
  [
    /macros? (?:is|are) not supported|not.*support.*(?:macros|transforms)/i,
    "Stack sets with SERVICE_MANAGED take no macros: use a template without transforms, or SELF_MANAGED"
  ]
]

/** What to do about a refusal, or about the reason of an instance; none if the words are unknown. */
export const adviceOn = (words: string): string | undefined => remedies.find(([pattern]) => pattern.test(words))?.[1]

/** CloudFormation stops the others when too many instances have failed: these are no causes. */
const isConsequence = ({ reason = "" }: InstanceResult) => /^Cancelled since failure tolerance/i.test(reason)

export interface Report {
  /** The first line: what failed. */
  readonly head: string
  /** The failed instances, as far as they were read. */
  readonly failed: ReadonlyArray<InstanceResult>
  /** How many failed, if known. */
  readonly count: number | undefined
  /** The causes in the stack of an instance, by `region/account`. */
  readonly causes: ReadonlyMap<string, ReadonlyArray<string>>
  /** Further information. */
  readonly remarks: ReadonlyArray<string>
}

/** At most 5,000 characters: the first line, up to 20 failed instances with their causes, and what to do about them. */
export const report = ({ causes, count, failed, head, remarks }: Report): string => {
  const own = failed.filter((result) => !isConsequence(result))
  const shown = own.slice(0, maxListed)
  const others = Math.max(own.length, count ?? 0) - shown.length
  const advice = new Set(own.flatMap(({ reason }) => (reason === undefined ? undefined : adviceOn(reason)) ?? []))
  return message({
    head,
    causes: shown.flatMap((result) => [
      lineOf(result),
      ...(causes.get(`${result.region}/${result.account}`) ?? []).map((cause) => `  ${cause}`)
    ]),
    remarks: [
      ...(others > 0 && shown.length > 0
        ? [`… and ${others} more failed ${others === 1 ? "instance" : "instances"}`]
        : []),
      ...remarks,
      ...advice
    ]
  })
}
