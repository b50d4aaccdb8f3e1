// Large templates of the corpus.

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index + 1)
const record = <A>(count: number, entry: (index: number) => readonly [string, A]) =>
  Object.fromEntries(numbers(count).map(entry))

const Topic = { Type: "AWS::SNS::Topic" }

/** A template of exactly this many bytes. */
export const ofBytes = (bytes: number, character = "x") => {
  const before = "Resources:\n  Topic:\n    Type: AWS::SNS::Topic\n# "
  const left = bytes - before.length
  const size = Buffer.byteLength(character)
  return before + "x".repeat(left % size) + character.repeat(Math.floor(left / size))
}

export const resourceIds = (count: number) => numbers(count).map((index) => `Topic${index}`)
export const resources = (count: number) =>
  `Resources:\n${resourceIds(count).map((id) => `  ${id}: { Type: AWS::SNS::Topic }\n`).join("")}`

export const outputValues = (count: number) => record(count, (index) => [`Output${index}`, `value ${index}`])
export const outputs = (count: number) =>
  JSON.stringify({
    Resources: { Topic },
    Outputs: record(count, (index) => [`Output${index}`, { Value: `value ${index}` }])
  })

export const parameters = (count: number) =>
  `Parameters:\n${numbers(count).map((index) => `  P${index}: { Type: String, Default: a }\n`).join("")}` +
  "Resources:\n  Topic: { Type: AWS::SNS::Topic }\n"

export const description = (characters: number) =>
  `Description: ${"x".repeat(characters)}\nResources:\n  Topic: { Type: AWS::SNS::Topic }\n`

/** Like the output of the CDK: functions with a role each, hashes in the ids, paths in the metadata, the bootstrap's rule. */
export const cdk = (count: number) =>
  JSON.stringify({
    Resources: {
      ...record(count / 2, (index) => [cdkRole(index), {
        Type: "AWS::IAM::Role",
        Properties: {
          AssumeRolePolicyDocument: {
            Statement: [{ Action: "sts:AssumeRole", Effect: "Allow", Principal: { Service: "lambda.amazonaws.com" } }],
            Version: "2012-10-17"
          },
          ManagedPolicyArns: [{ "Fn::Join": ["", ["arn:", { Ref: "AWS::Partition" }, ":iam::aws:policy/P"]] }]
        },
        Metadata: { "aws:cdk:path": `Corpus/Function${index}/ServiceRole/Resource` }
      }]),
      ...record(count / 2, (index) => [cdkFunction(index), {
        Type: "AWS::Lambda::Function",
        Properties: {
          Code: { S3Bucket: { "Fn::Sub": "cdk-hnb659fds-assets-${AWS::AccountId}-${AWS::Region}" }, S3Key: "a.zip" },
          Handler: "index.handler",
          Role: { "Fn::GetAtt": [cdkRole(index), "Arn"] },
          Runtime: "nodejs24.x"
        },
        DependsOn: [cdkRole(index)],
        Metadata: { "aws:cdk:path": `Corpus/Function${index}/Resource`, "aws:asset:property": "Code" }
      }])
    },
    Parameters: {
      BootstrapVersion: {
        Type: "AWS::SSM::Parameter::Value<String>",
        Default: "/cdk-bootstrap/hnb659fds/version",
        Description: "Version of the CDK Bootstrap resources in this environment. [cdk:skip]"
      }
    },
    Rules: {
      CheckBootstrapVersion: {
        Assertions: [{
          Assert: {
            "Fn::Not": [{ "Fn::Contains": [["1", "2", "3", "4", "5"], { Ref: "BootstrapVersion" }] }]
          },
          AssertDescription: "CDK bootstrap stack version 6 required. Please run 'cdk bootstrap'."
        }]
      }
    }
  })

const hash = (index: number) => (index * 2_654_435_761 >>> 0).toString(16).toUpperCase().padStart(8, "0")
const cdkRole = (index: number) => `Function${index}ServiceRole${hash(index)}`
const cdkFunction = (index: number) => `Function${index}${hash(index)}`
export const cdkIds = (count: number) => [...numbers(count / 2).map(cdkRole), ...numbers(count / 2).map(cdkFunction)]
