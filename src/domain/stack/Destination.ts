// The account and the region of a stack, if they are not those of the function.

/** Where a stack is. What is absent is that of the function. */
export interface Destination {
  /** The ARN of the role to assume, which belongs to the account of the stack. */
  readonly assumeRole?: string | undefined
  /** The external id that the role's trust policy requires. */
  readonly externalId?: string | undefined
  /** The region, such as `eu-west-1`. */
  readonly region?: string | undefined
}

/** The destination in UserParameters, if they have one. */
export const destinationOf = ({ assumeRole, externalId, region }: Destination): Destination | undefined =>
  assumeRole === undefined && region === undefined ? undefined : { assumeRole, externalId, region }

/** The account of an ARN. */
export const accountOf = (arn: string): string => arn.split(":")[4] ?? ""

/** The account and the region in words, as far as they are known: "account 123456789012, region eu-west-1". */
export const nameOf = ({ assumeRole, region }: Destination): string =>
  [
    assumeRole === undefined ? "" : `account ${accountOf(assumeRole)}`,
    region === undefined ? "" : `region ${region}`
  ].filter(Boolean).join(", ")

/** The role with which CloudFormation is called, in words. */
export const callerOf = ({ assumeRole }: Destination): string =>
  assumeRole === undefined ? "the role of the Lambda function" : `the role ${assumeRole}`

/** The options that have to agree with the destination. */
interface Named extends Destination {
  readonly stack?: string | undefined
  readonly changeSet?: string | undefined
  readonly roleArn?: string | undefined
}

const partsOf = (arn: string) => {
  const [, partition = "", , region = "", account = ""] = arn.split(":")
  return { partition, region, account }
}

/** What is wrong with a destination, or does not agree with it; none if all is well. Nothing is called to find it. */
export const conflict = (
  { assumeRole, changeSet, externalId, region, roleArn, stack }: Named
): string | undefined => {
  if (externalId !== undefined && assumeRole === undefined) return "\"externalId\" requires \"assumeRole\""
  const role = assumeRole === undefined ? undefined : partsOf(assumeRole)
  if (role !== undefined && roleArn !== undefined) {
    const { account, partition } = partsOf(roleArn)
    if (account !== role.account || partition !== role.partition) {
      return `"roleArn" must belong to account ${role.account} of "assumeRole", not to ${account}: CloudFormation ` +
        "does not accept a role of another account"
    }
  }
  for (const [name, arn] of Object.entries({ stack, changeSet })) {
    if (arn === undefined || !arn.startsWith("arn:")) continue
    const found = partsOf(arn)
    if (region !== undefined && found.region !== region) {
      return `"region" is ${region}, but the ARN in "${name}" is of region ${found.region}: they must agree`
    }
    if (role !== undefined && (found.account !== role.account || found.partition !== role.partition)) {
      return `"assumeRole" is of account ${role.account}, but the ARN in "${name}" is of account ${found.account}: ` +
        "they must agree"
    }
  }
  return undefined
}

/**
 * The name of the session of an assumed role, by which CloudTrail shows its calls: `[\w+=,.@-]`, 2 to 64 characters.
 * Source: AssumeRole in the API reference of STS.
 */
export const sessionName = (jobId: string): string =>
  `deploy-stack-${jobId.replaceAll(/[^\w+=,.@-]/g, "-")}`.slice(0, 64)

/** The ARN of the role of a session, if the text has the session's ARN. A path of the role is not in it. */
export const roleOfCaller = (text: string): string | undefined => {
  const [, partition, account, role] = /arn:([\w-]+):sts::(\d{12}):assumed-role\/([\w+=,.@-]+)\//.exec(text) ?? []
  return role === undefined ? undefined : `arn:${partition}:iam::${account}:role/${role}`
}

/** The statement of a trust policy that lets the principal assume the role. */
export const trustStatement = (principal: string, externalId?: string): string =>
  JSON.stringify({
    Effect: "Allow",
    Principal: { AWS: principal },
    Action: "sts:AssumeRole",
    ...(externalId !== undefined && { Condition: { StringEquals: { "sts:ExternalId": externalId } } })
  })
