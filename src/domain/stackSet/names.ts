// The names of accounts, regions and organizational units.
import * as Schema from "effect/Schema"

const matching = (pattern: RegExp, expected: string) => Schema.String.check(Schema.isPattern(pattern, { expected }))

export const AccountId = matching(/^\d{12}$/, "the id of an account (12 digits)")

export const Region = matching(/^[a-z]{2,}(?:-[a-z]+)+-\d+$/, "the name of a region, such as \"eu-central-1\"")

/** Source: shape OrganizationalUnitId of CloudFormation's API. */
export const OrganizationalUnit = matching(
  /^(?:ou-[a-z0-9]{4,32}-[a-z0-9]{8,32}|r-[a-z0-9]{4,32})$/,
  "the id of an organizational unit (\"ou-…\") or of the organization's root (\"r-…\")"
)
