// A statement of an IAM policy, as data: what the role of a Lambda function may do.

/** What a Lambda function's role may do. */
export interface Statement {
  /** The names of the calls in IAM, such as `ecs:RunTask`. */
  readonly actions: ReadonlyArray<`${string}:${string}`>
  /**
   * ARNs, with `*` for any characters, or `*` alone for calls that have no resources in IAM. `${AWS::Partition}`,
   * `${AWS::Region}` and `${AWS::AccountId}` are those of the function, as in CloudFormation's `Fn::Sub`.
   */
  readonly resources: ReadonlyArray<string>
  /** Conditions, such as `{ StringEquals: { "iam:PassedToService": "ecs-tasks.amazonaws.com" } }`. Default: none. */
  readonly conditions?: Readonly<Record<string, Readonly<Record<string, string | ReadonlyArray<string>>>>> | undefined
}

/** One statement for each set of resources and conditions, in the order of the first ones. Each call is named once. */
export const merge = (statements: ReadonlyArray<Statement>): ReadonlyArray<Statement> => {
  const merged = new Map<string, Statement>()
  for (const { actions, conditions, resources } of statements) {
    const key = JSON.stringify([resources, conditions])
    const before = merged.get(key)?.actions ?? []
    merged.set(key, {
      actions: [...new Set([...before, ...actions])],
      resources,
      ...(conditions !== undefined && { conditions })
    })
  }
  return [...merged.values()]
}
