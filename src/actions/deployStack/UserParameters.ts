// Generated from Parameters.ts by `npm run readme`.

/**
 * The UserParameters of `DeployStack` as they are in the pipeline. The mode decides which are required, and which are
 * rejected because they do not apply to it.
 */
export interface DeployStackUserParameters {
  /**
   * The stack. If the stack with this ARN was deleted, the current stack of the same name is used (except with
   * `DELETE_ONLY` and `ROLLBACK`). Values: name or ARN. Default: required. Modes: all.
   */
  readonly stack: string
  /**
   * What happens to the stack. Values: `"CREATE_UPDATE"`, `"REPLACE_ON_FAILURE"`, `"DELETE_ONLY"`, `"CHANGE_SET_REPLACE"`,
   * `"CHANGE_SET_EXECUTE"`, `"CHANGE_SET_DEPLOY"`, `"ROLLBACK"`. Default: `"CREATE_UPDATE"`. Modes: all.
   */
  readonly mode?:
    | "CREATE_UPDATE"
    | "REPLACE_ON_FAILURE"
    | "DELETE_ONLY"
    | "CHANGE_SET_REPLACE"
    | "CHANGE_SET_EXECUTE"
    | "CHANGE_SET_DEPLOY"
    | "ROLLBACK"
  /**
   * The template in the artifact's zip; JSON or YAML in UTF-8. Values: path. Default: required, except with `DELETE_ONLY`,
   * `CHANGE_SET_EXECUTE` and `ROLLBACK`. Modes: all.
   */
  readonly file?: string
  /** The input artifact with the template. Values: name. Default: required with `file`. Modes: all. */
  readonly artifact?: string
  /**
   * The change set. Values: name; with `CHANGE_SET_EXECUTE` also the ARN. Default: required with `CHANGE_SET_REPLACE` and
   * `CHANGE_SET_EXECUTE`. Modes: `CHANGE_SET_REPLACE`, `CHANGE_SET_EXECUTE`, and `CHANGE_SET_DEPLOY`.
   */
  readonly changeSet?: string
  /**
   * A template of more than 51,200 bytes, up to 1,000,000, is passed to CloudFormation through this bucket. Values: name of
   * a bucket. Default: the function's environment variable `TEMPLATE_BUCKET`. Modes: all but `DELETE_ONLY`,
   * `CHANGE_SET_EXECUTE`, and `ROLLBACK`.
   */
  readonly templateBucket?: string
  /**
   * How the template is encrypted in `templateBucket` (`x-amz-server-side-encryption`). Values: `"AES256"`, `"aws:kms"`,
   * ARN of a KMS key. Default: the bucket's default encryption; if its policy denies that, `aws:kms`, then `AES256`. Modes:
   * all but `DELETE_ONLY`, `CHANGE_SET_EXECUTE`, and `ROLLBACK`.
   */
  readonly templateBucketEncryption?: string
  /**
   * What to do while another operation is in progress on the stack: fail, or wait until it ends. Values: `"fail"`,
   * `"wait"`. Default: `"fail"`. Modes: all.
   */
  readonly whenBusy?: "fail" | "wait"
  /**
   * `false`: an update succeeds as soon as it is complete; replaced resources may not be deleted yet. Values: `true`,
   * `false`. Default: `true`. Modes: all but `DELETE_ONLY`, `CHANGE_SET_REPLACE`, and `ROLLBACK`.
   */
  readonly waitForCleanup?: boolean
  /**
   * The stack's outputs that become output variables, in addition to `StackId` and those of a plan. Values: list of names.
   * Default: all. Modes: all but `DELETE_ONLY`, `CHANGE_SET_REPLACE`, and `ROLLBACK`.
   */
  readonly outputs?: ReadonlyArray<string>
  /**
   * The file with all of the stack's outputs in the first output artifact, if the action has one. Not `plan.json` or
   * `plan.md`, which hold the plan of a change set. Values: path. Default: `outputs.json`. Modes: all but `DELETE_ONLY`,
   * `CHANGE_SET_REPLACE`, and `ROLLBACK`.
   */
  readonly outputFile?: string
  /**
   * Whether the summary shows the progress of the resources. Values: `true`, `false`. Default: `true`. Modes: all but
   * `CHANGE_SET_REPLACE`.
   */
  readonly progress?: boolean
  /**
   * Time limit of the whole action. CodePipeline ends an action after 24 hours. Values: 1 to 1,410. Default: 1,410. Modes:
   * all.
   */
  readonly timeoutMinutes?: number
  /**
   * What happens to an update that is in progress at the time limit: it continues without the action, or it is cancelled,
   * and CloudFormation rolls it back. Other operations cannot be cancelled. Values: `"continue"`, `"cancel"`. Default:
   * `"continue"`. Modes: all but `DELETE_ONLY`, `CHANGE_SET_REPLACE`, and `ROLLBACK`.
   */
  readonly onTimeout?: "continue" | "cancel"
  /**
   * Parameters of the template; they override those of `templateConfiguration`. Values: object of values by name. Default:
   * those of `templateConfiguration`. Modes: all but `DELETE_ONLY`, `CHANGE_SET_EXECUTE`, and `ROLLBACK`.
   */
  readonly parameters?: Readonly<Record<string, unknown>>
  /**
   * A file in an input artifact with `Parameters`, `Tags` and `StackPolicy`. Values: `"Artifact::path.json"`. Default:
   * none. Modes: all but `DELETE_ONLY` and `ROLLBACK`.
   */
  readonly templateConfiguration?: string
  /**
   * What the template may do: create IAM resources, set their names, use macros. Values: list of `"CAPABILITY_IAM"`,
   * `"CAPABILITY_NAMED_IAM"`, `"CAPABILITY_AUTO_EXPAND"`. Default: none. Modes: all but `DELETE_ONLY`,
   * `CHANGE_SET_EXECUTE`, and `ROLLBACK`.
   */
  readonly capabilities?: ReadonlyArray<"CAPABILITY_IAM" | "CAPABILITY_NAMED_IAM" | "CAPABILITY_AUTO_EXPAND">
  /**
   * Tags of the stack and its resources; they override those of `templateConfiguration`. All other tags are removed.
   * Values: object of values by key. Default: those of `templateConfiguration`, else unchanged. Modes: all but
   * `DELETE_ONLY`, `CHANGE_SET_EXECUTE`, and `ROLLBACK`.
   */
  readonly tags?: Readonly<Record<string, string | number | boolean>>
  /**
   * The role that CloudFormation assumes for this and later operations on the stack. It must be in the account of the
   * stack. Values: ARN of an IAM role. Default: the stack's role, else the role that calls CloudFormation. Modes: all but
   * `CHANGE_SET_EXECUTE`.
   */
  readonly roleArn?: string
  /**
   * The SNS topics that receive the stack's events. `[]`: none. Values: list of up to 5 ARNs of SNS topics. Default:
   * unchanged. Modes: all but `DELETE_ONLY`, `CHANGE_SET_EXECUTE`, and `ROLLBACK`.
   */
  readonly notificationArns?: ReadonlyArray<string>
  /**
   * `true`: a failed operation is not rolled back, and the next operation continues from there. Values: `true`, `false`.
   * Default: `false`. Modes: all but `DELETE_ONLY`, `CHANGE_SET_REPLACE`, and `ROLLBACK`.
   */
  readonly disableRollback?: boolean
  /**
   * What happens to a new stack that cannot be created: it is rolled back, deleted, or left as it is. Cannot be combined
   * with `disableRollback`, which also applies to updates. Values: `"ROLLBACK"`, `"DELETE"`, `"DO_NOTHING"`. Default:
   * `"ROLLBACK"`. Modes: all but `DELETE_ONLY`, `CHANGE_SET_EXECUTE`, and `ROLLBACK`.
   */
  readonly onStackFailure?: "ROLLBACK" | "DELETE" | "DO_NOTHING"
  /**
   * `true`: a rollback also deletes new resources whose `DeletionPolicy` is `Retain`. Values: `true`, `false`. Default:
   * `false`. Modes: all but `DELETE_ONLY` and `CHANGE_SET_REPLACE`.
   */
  readonly retainExceptOnCreate?: boolean
  /**
   * Whether the change set shows the changes of nested stacks too. Values: `true`, `false`. Default: `true` if the template
   * has nested stacks. Modes: `CHANGE_SET_REPLACE` and `CHANGE_SET_DEPLOY`.
   */
  readonly includeNestedStacks?: boolean
  /**
   * `true`: existing resources that have the names in the template are imported into the stack. Values: `true`, `false`.
   * Default: `false`. Modes: `CHANGE_SET_REPLACE` and `CHANGE_SET_DEPLOY`.
   */
  readonly importExistingResources?: boolean
  /**
   * The change set compares the template with the resources as they are, and reverts their drift. Values: `"REVERT_DRIFT"`.
   * Default: CloudFormation compares only the templates. Modes: `CHANGE_SET_REPLACE` and `CHANGE_SET_DEPLOY`.
   */
  readonly deploymentMode?: "REVERT_DRIFT"
  /**
   * Before an update, CloudFormation detects which resources differ from the template. `"fail"`: if a resource differs, the
   * action fails before anything changes. `"warn"`: such resources are logged and counted. Values: `"warn"`, `"fail"`.
   * Default: the drift is not detected. Modes: all but `DELETE_ONLY`, `CHANGE_SET_EXECUTE`, and `ROLLBACK`.
   */
  readonly detectDrift?: "warn" | "fail"
  /**
   * `true`, or a list of exceptions: the action fails before anything changes if another stateful resource would be
   * replaced or removed. Values: `true`, `false`, list of logical ids as exceptions. Default: `false`. Modes:
   * `CHANGE_SET_REPLACE`, `CHANGE_SET_EXECUTE`, and `CHANGE_SET_DEPLOY`.
   */
  readonly expectNoReplacement?: boolean | ReadonlyArray<string>
  /**
   * Whether the stack is protected from deletion. A protected stack is deleted only with `false`. Values: `true`, `false`.
   * Default: unchanged. Modes: all but `ROLLBACK`.
   */
  readonly terminationProtection?: boolean
  /**
   * `true`: a stack in `UPDATE_FAILED` or `UPDATE_ROLLBACK_FAILED` is rolled back first, then deployed. Values: `true`,
   * `false`. Default: `false`. Modes: all but `DELETE_ONLY`, `CHANGE_SET_EXECUTE`, and `ROLLBACK`.
   */
  readonly recover?: boolean
  /**
   * Resources that a continued update rollback leaves as they are; then they differ from the template. Only with mode
   * `ROLLBACK` or `recover`. Values: list of logical ids, `"NestedStackName.LogicalId"` in nested stacks. Default: none.
   * Modes: all but `DELETE_ONLY` and `CHANGE_SET_EXECUTE`.
   */
  readonly resourcesToSkip?: ReadonlyArray<string>
  /**
   * The role that calls CloudFormation: the stack is in its account. Values: ARN of an IAM role. Default: the function's
   * role. Modes: all.
   */
  readonly assumeRole?: string
  /**
   * The external id that the trust policy of `assumeRole` requires. Values: text of 2 to 1,224 characters. Default: none.
   * Modes: all.
   */
  readonly externalId?: string
  /**
   * The region of the stack. Artifacts stay in the region of the function. Values: name of a region. Default: the
   * function's region. Modes: all.
   */
  readonly region?: string
}
