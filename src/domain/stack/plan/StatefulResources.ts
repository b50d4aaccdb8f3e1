// Which changes lose the state of a resource.
import { truncate } from "../../job/JobOutcome.ts"
import type { ResourceChange } from "../ChangeSet.ts"
import { type ChangePlan, isReplaced, nestedStackType } from "./ChangePlan.ts"

/**
 * The types of resources that hold data, identities, keys or addresses that a new resource does not have. A nested stack
 * holds whatever is in it.
 *
 * Sources: the stateful types of cfn-lint (its rule I3011), and the types for which CloudFormation's template reference has
 * `Snapshot` as a `DeletionPolicy`; besides them, the managed stores of AWS that are younger than the list, and those that
 * other systems know by a key, an identity or a name: certificates, domains, KMS keys, user pools, addresses.
 */
export const statefulTypes: ReadonlySet<string> = new Set([
  nestedStackType,
  "AWS::ACMPCA::CertificateAuthority",
  "AWS::AmazonMQ::Broker",
  "AWS::Backup::BackupVault",
  "AWS::Backup::LogicallyAirGappedBackupVault",
  "AWS::CertificateManager::Certificate",
  "AWS::Cassandra::Keyspace",
  "AWS::Cassandra::Table",
  "AWS::CodeArtifact::Domain",
  "AWS::CodeArtifact::Repository",
  "AWS::CodeCommit::Repository",
  "AWS::Cognito::IdentityPool",
  "AWS::Cognito::UserPool",
  "AWS::Cognito::UserPoolClient",
  "AWS::Cognito::UserPoolDomain",
  "AWS::DAX::Cluster",
  "AWS::DocDB::DBCluster",
  "AWS::DocDB::DBInstance",
  "AWS::DocDBElastic::Cluster",
  "AWS::DSQL::Cluster",
  "AWS::DynamoDB::GlobalTable",
  "AWS::DynamoDB::Table",
  "AWS::EC2::EIP",
  "AWS::EC2::Instance",
  "AWS::EC2::Volume",
  "AWS::ECR::PublicRepository",
  "AWS::ECR::Repository",
  "AWS::EFS::FileSystem",
  "AWS::EMR::Cluster",
  "AWS::ElastiCache::CacheCluster",
  "AWS::ElastiCache::GlobalReplicationGroup",
  "AWS::ElastiCache::ReplicationGroup",
  "AWS::ElastiCache::ServerlessCache",
  "AWS::Elasticsearch::Domain",
  "AWS::FSx::FileSystem",
  "AWS::FSx::StorageVirtualMachine",
  "AWS::FSx::Volume",
  "AWS::Glue::Database",
  "AWS::Glue::Table",
  "AWS::KMS::Key",
  "AWS::KMS::ReplicaKey",
  "AWS::Kinesis::Stream",
  "AWS::Logs::LogGroup",
  "AWS::MSK::Cluster",
  "AWS::MSK::ServerlessCluster",
  "AWS::MemoryDB::Cluster",
  "AWS::MemoryDB::MultiRegionCluster",
  "AWS::Neptune::DBCluster",
  "AWS::Neptune::DBInstance",
  "AWS::NeptuneGraph::Graph",
  "AWS::OpenSearchServerless::Collection",
  "AWS::OpenSearchService::Domain",
  "AWS::QLDB::Ledger",
  "AWS::RDS::DBCluster",
  "AWS::RDS::DBInstance",
  "AWS::RDS::GlobalCluster",
  "AWS::Redshift::Cluster",
  "AWS::RedshiftServerless::Namespace",
  "AWS::Route53::HostedZone",
  "AWS::S3::Bucket",
  "AWS::S3Express::DirectoryBucket",
  "AWS::S3Tables::Table",
  "AWS::S3Tables::TableBucket",
  "AWS::S3Vectors::VectorBucket",
  "AWS::SDB::Domain",
  "AWS::SQS::Queue",
  "AWS::SSM::Parameter",
  "AWS::SecretsManager::Secret",
  "AWS::Timestream::Database",
  "AWS::Timestream::InfluxDBInstance",
  "AWS::Timestream::Table",
  "AWS::WorkSpaces::Workspace"
])

/** The actions that keep a resource. `Dynamic`, and an action that AWS adds later, may not. */
const keeping: ReadonlySet<string> = new Set(["Add", "Modify", "Import", "SyncWithActual"])

/** Why a change is refused. */
const refusal = (change: ResourceChange, unknown: ReadonlySet<string>): string | undefined => {
  const { action, logicalResourceId, policyAction, replacement, resourceType } = change
  if (!statefulTypes.has(resourceType)) return undefined
  const kept = policyAction?.endsWith("Retain") ? "; the old one is retained" : ""
  const named = `${truncate(logicalResourceId, maxName)} (${resourceType})`
  if (isReplaced(change)) return `${replacement === "True" ? "replace" : "perhaps replace"} ${named}${kept}`
  if (action === "Remove") return `remove ${named}${kept}`
  if (!keeping.has(action)) return `perhaps replace ${named}`
  return action !== "Add" && unknown.has(logicalResourceId)
    ? `change ${named}, whose own changes are not known`
    : undefined
}

/** Ids in nested stacks have a path. */
const maxName = 300

/** A change that loses the state of a resource, or may do so. */
export interface Loss {
  readonly logicalResourceId: string
  /** Continues "the change set would …". */
  readonly text: string
}

/**
 * The stateful resources that the plan replaces or removes, certainly or perhaps, except those with these logical ids. A
 * nested stack that changes in a way that is not known may replace any of its resources.
 */
export const lossesOf = ({ changes, unknown }: ChangePlan, allowed: ReadonlyArray<string>): ReadonlyArray<Loss> => {
  const exceptions = new Set(allowed)
  const unknownStacks = new Set(unknown)
  return changes.flatMap((change) => {
    const { logicalResourceId } = change
    const text = exceptions.has(logicalResourceId) ? undefined : refusal(change, unknownStacks)
    return text === undefined ? [] : [{ logicalResourceId, text }]
  })
}
