// Which changes lose the state of a resource.
import { truncate } from "../../job/JobOutcome.ts"
import type { ResourceChange } from "../ChangeSet.ts"
import { type ChangePlan, isReplaced } from "./ChangePlan.ts"

/**
 * The types of resources that hold data, identities, keys or addresses that a new resource does not have. A nested stack
 * holds whatever is in it.
 *
 * Sources: the stateful types of cfn-lint (its rule I3011), and the types for which CloudFormation's template reference has
 * `Snapshot` as a `DeletionPolicy`; besides them, the managed stores of AWS that are younger than the list, and those that
 * other systems know by a key, an identity or a name: certificates, domains, KMS keys, user pools, addresses.
 */
export const statefulTypes: ReadonlySet<string> = new Set(
  Object.entries({
    ACMPCA: "CertificateAuthority",
    AmazonMQ: "Broker",
    Backup: "BackupVault LogicallyAirGappedBackupVault",
    Cassandra: "Keyspace Table",
    CertificateManager: "Certificate",
    CloudFormation: "Stack",
    CodeArtifact: "Domain Repository",
    CodeCommit: "Repository",
    Cognito: "IdentityPool UserPool UserPoolClient UserPoolDomain",
    DAX: "Cluster",
    DocDB: "DBCluster DBInstance",
    DocDBElastic: "Cluster",
    DSQL: "Cluster",
    DynamoDB: "GlobalTable Table",
    EC2: "EIP Instance Volume",
    ECR: "PublicRepository Repository",
    EFS: "FileSystem",
    ElastiCache: "CacheCluster GlobalReplicationGroup ReplicationGroup ServerlessCache",
    Elasticsearch: "Domain",
    EMR: "Cluster",
    FSx: "FileSystem StorageVirtualMachine Volume",
    Glue: "Database Table",
    Kinesis: "Stream",
    KMS: "Key ReplicaKey",
    Logs: "LogGroup",
    MemoryDB: "Cluster MultiRegionCluster",
    MSK: "Cluster ServerlessCluster",
    Neptune: "DBCluster DBInstance",
    NeptuneGraph: "Graph",
    OpenSearchServerless: "Collection",
    OpenSearchService: "Domain",
    QLDB: "Ledger",
    RDS: "DBCluster DBInstance GlobalCluster",
    Redshift: "Cluster",
    RedshiftServerless: "Namespace",
    Route53: "HostedZone",
    S3: "Bucket",
    S3Express: "DirectoryBucket",
    S3Tables: "Table TableBucket",
    S3Vectors: "VectorBucket",
    SDB: "Domain",
    SecretsManager: "Secret",
    SQS: "Queue",
    SSM: "Parameter",
    Timestream: "Database InfluxDBInstance Table",
    WorkSpaces: "Workspace"
  }).flatMap(([service, names]) => names.split(" ").map((name) => `AWS::${service}::${name}`))
)

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
