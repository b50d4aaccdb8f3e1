import { assert, it } from "@effect/vitest"
import { templateStatements } from "../../../../src/cli/deploy/template/templateStatements.ts"
import { Permissions } from "../../../../src/index.ts"

const written = (statements: ReadonlyArray<Permissions.Statement>) =>
  templateStatements(statements, "GreetLogs").toString({ lineWidth: 0 })

it("a statement in a template has the functions of CloudFormation for what only the stack knows", () => {
  assert.strictEqual(
    written([{
      actions: ["ecs:RunTask"],
      resources: ["arn:${AWS::Partition}:ecs:*:*:task-definition/migrate:*", "${Tasks.Arn}", "${Cluster}", "plain"],
      conditions: { ArnEquals: { "ecs:cluster": "${Cluster}", "aws:SourceArn": ["${Tasks.Arn}", "arn:x"] } }
    }]),
    `- Effect: Allow
  Action:
    - ecs:RunTask
  Resource:
    - !Sub arn:\${AWS::Partition}:ecs:*:*:task-definition/migrate:*
    - !GetAtt Tasks.Arn
    - !Ref Cluster
    - plain
  Condition:
    ArnEquals:
      ecs:cluster: !Ref Cluster
      aws:SourceArn:
        - !GetAtt Tasks.Arn
        - arn:x
`
  )
})

it("a role in a template writes to the log group of its function, and does not create it", () => {
  assert.strictEqual(
    written([Permissions.logs]),
    `- Effect: Allow
  Action:
    - logs:CreateLogStream
    - logs:PutLogEvents
  Resource: !GetAtt GreetLogs.Arn
`
  )
})

it("a statement about another log group stays as it is", () => {
  const text = written([{ actions: ["logs:CreateLogGroup"], resources: ["arn:aws:logs:*:*:log-group:audit:*"] }])
  assert.include(text, "logs:CreateLogGroup")
  assert.include(text, "log-group:audit")
})
