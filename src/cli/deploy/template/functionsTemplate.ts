// The template of the functions: the ready-made ones as in functions.yaml, and those from modules of one's own.
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { isMap, parse, parseDocument } from "yaml"
import * as Permissions from "../../../Permissions.ts"
import { read } from "../../../testing/cloudFormation/template/MemoryTemplate.ts"
import { badUsage } from "../../commandLine/usage.ts"
import type { OwnFunction } from "../code/ownFunctions.ts"
import { arnOutput, functionOutput, keyParameter, logicalIdOf } from "../functionNames.ts"
import type { TemplateParameter } from "./templateParameters.ts"
import { templateStatements } from "./templateStatements.ts"

/** A template, its parameters and their defaults. */
export interface DeployedTemplate {
  /** Its path in messages. */
  readonly file: string
  readonly text: string
  readonly parameters: Readonly<Record<string, TemplateParameter>>
  readonly defaults: Readonly<Record<string, string>>
}

export const describeTemplate = (file: string, text: string): DeployedTemplate => {
  // Tags such as !Ref and !Sub, which yaml does not know, do not occur in the parameters.
  const { Parameters } = parse(text, { logLevel: "silent" }) as {
    readonly Parameters: Readonly<Record<string, TemplateParameter>>
  }
  const defaults = Object.entries(Parameters).flatMap(([name, { Default }]) =>
    Default === undefined ? [] : [[name, String(Default)] as const]
  )
  return { file, text, parameters: Parameters, defaults: Object.fromEntries(defaults) }
}

/** The sections that a function adds to the template. */
const sectionsOf = ({ entry, name, permissions }: OwnFunction) => {
  const id = logicalIdOf(name)
  const document = parseDocument(
    `
Parameters:
  ${keyParameter(name)}:
    Type: String
    Description: The key of ${name}'s zip.
Resources:
  ${id}:
    Type: AWS::Lambda::Function
    Properties:
      FunctionName: !Sub \${AWS::StackName}-${name}
      Description: ${JSON.stringify(`CodePipeline action, from ${entry}`.slice(0, 256))}
      Runtime: nodejs24.x
      Handler: index.handler
      Architectures: [!Ref Architecture]
      MemorySize: !Ref MemorySize
      Timeout: !Ref Timeout
      Role: !GetAtt ${id}Role.Arn
      Code:
        S3Bucket: !Ref CodeBucket
        S3Key: !Ref ${keyParameter(name)}
      LoggingConfig:
        LogFormat: JSON
        LogGroup: !Ref ${id}Logs

  ${id}Logs:
    Type: AWS::Logs::LogGroup
    DeletionPolicy: Delete
    UpdateReplacePolicy: Delete
    Properties:
      LogGroupName: !Sub /aws/lambda/\${AWS::StackName}-${name}
      RetentionInDays: !Ref LogRetentionDays

  ${id}Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement:
          - Effect: Allow
            Action: sts:AssumeRole
            Principal:
              Service: lambda.amazonaws.com
      Policies:
        - PolicyName: ${name}
          PolicyDocument:
            Version: "2012-10-17"
            Statement: []
Outputs:
  ${functionOutput(name)}:
    Description: The FunctionName of an action in a pipeline.
    Value: !Ref ${id}
  ${arnOutput(name)}:
    Value: !GetAtt ${id}.Arn
`,
    { logLevel: "silent" }
  )
  document.setIn(
    ["Resources", `${id}Role`, "Properties", "Policies", 0, "PolicyDocument", "Statement"],
    templateStatements([...Permissions.everyFunction, ...permissions], `${id}Logs`).contents
  )
  return document
}

/**
 * The template with these functions besides the ready-made ones, in this order. Fails if the template cannot be valid:
 * two names that differ on the command line are equal in the template, or a permission refers to an unknown resource.
 */
export const withOwnFunctions = Effect.fn("withOwnFunctions")(
  function*(readyMade: DeployedTemplate, functions: ReadonlyArray<OwnFunction>, file: string) {
    if (functions.length === 0) return readyMade
    const template = parseDocument(readyMade.text, { logLevel: "silent" })
    template.commentBefore = ` Functions of ${
      functions.map(({ entry }) => entry).join(", ")
    } and of effect-codepipeline.`
    for (const own of functions) {
      const sections = sectionsOf(own)
      for (const section of ["Parameters", "Resources", "Outputs"]) {
        const added = sections.get(section)
        if (!isMap(added)) continue
        for (const { key, value } of added.items) {
          if (template.hasIn([section, String(key)])) {
            return yield* badUsage(
              `${own.entry}: the template has ${
                String(key)
              } already; rename the file, as its name becomes the function's`
            )
          }
          template.setIn([section, String(key)], value)
        }
      }
    }
    const text = template.toString({ lineWidth: 0, flowCollectionPadding: false })
    const checked = read(text)
    return Result.isFailure(checked)
      ? yield* badUsage(`the permissions of ${functions.map(({ entry }) => entry).join(", ")}: ${checked.failure}`)
      : describeTemplate(file, text)
  }
)
