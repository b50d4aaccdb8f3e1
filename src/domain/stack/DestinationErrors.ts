// Why CloudFormation cannot be called in another account or region.
import * as Schema from "effect/Schema"
import { capitalized, sentences } from "../text/sentences.ts"
import { accountOf, roleOfCaller, trustStatement } from "./Destination.ts"

/** STS does not let the function assume the role. */
export class AssumeRoleDenied extends Schema.TaggedError<AssumeRoleDenied>()("AssumeRoleDenied", {
  /** The ARN of the role. */
  role: Schema.String,
  externalId: Schema.optionalKey(Schema.String),
  /** STS's own words. */
  reason: Schema.String
}) {
  get problem() {
    return `The role ${this.role} cannot be assumed: ${this.reason}`
  }
  get advice() {
    const caller = roleOfCaller(this.reason)
    const principal = caller ?? "ARN of the role of the Lambda function"
    return `Check that the role exists in account ${
      accountOf(this.role)
    }, and that its trust policy has the statement ${
      trustStatement(principal, this.externalId)
    }. The role of the Lambda function${
      caller === undefined ? "" : ` (${caller})`
    } needs sts:AssumeRole on ${this.role}`
  }
  override get message() {
    return sentences(this.problem, this.advice)
  }
}

/** The region is not enabled in the account, or STS is not active there. */
export class RegionDisabled extends Schema.TaggedError<RegionDisabled>()("RegionDisabled", {
  region: Schema.UndefinedOr(Schema.String),
  /** The account, if it is not that of the function. */
  account: Schema.UndefinedOr(Schema.String),
  /** The call's name in IAM. */
  operation: Schema.String,
  /** AWS's own words. */
  reason: Schema.String
}) {
  get problem() {
    return `${this.operation} is not possible in ${
      this.region === undefined ? "this region" : `region ${this.region}`
    }: ` +
      this.reason
  }
  get advice() {
    const account = this.account === undefined ? "the account of the Lambda function" : `account ${this.account}`
    return this.operation === "sts:AssumeRole"
      ? `Activate STS for the region of the Lambda function in the account settings of IAM of ${account}`
      : `The region is probably not enabled in ${account}. Enable it in the settings of the account, or name another ` +
        "\"region\" in UserParameters"
  }
  override get message() {
    return sentences(this.problem, this.advice)
  }
}

/** The destination cannot be used. */
export class DestinationRejected extends Schema.TaggedError<DestinationRejected>()("DestinationRejected", {
  /** The account and the region, in words. */
  destination: Schema.String,
  reason: Schema.String,
  advice: Schema.optionalKey(Schema.String)
}) {
  get problem() {
    return `CloudFormation cannot be called in ${this.destination}: ${this.reason}`
  }
  override get message() {
    return sentences(this.problem, this.advice)
  }
}

/** The role of the destination, or of the function in another region, may not make a call there. */
export class DestinationDenied extends Schema.TaggedError<DestinationDenied>()("DestinationDenied", {
  /** The account and the region, in words. */
  destination: Schema.String,
  /** The role, in words. */
  caller: Schema.String,
  /** The permission that is missing; none if AWS does not accept the credentials. */
  needed: Schema.UndefinedOr(Schema.String),
  /** AWS's own words, with the call. */
  reason: Schema.String
}) {
  get problem() {
    return `In ${this.destination}: ${this.reason}`
  }
  get advice() {
    return this.needed === undefined
      ? "Check the credentials and the clock of the Lambda function"
      : `${capitalized(this.caller)} needs ${this.needed} there`
  }
  override get message() {
    return sentences(this.problem, this.advice)
  }
}
