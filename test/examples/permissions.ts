import { type Permissions } from "effect-codepipeline"

export const permissions: ReadonlyArray<Permissions.Statement> = [
  {
    actions: ["sns:Publish"],
    resources: ["arn:${AWS::Partition}:sns:${AWS::Region}:${AWS::AccountId}:releases"]
  }
]
