import { App, Aws, Duration, Stack } from "aws-cdk-lib"
import { ManagedPolicy, PolicyDocument } from "aws-cdk-lib/aws-iam"
import { Architecture, Code, Function, Runtime } from "aws-cdk-lib/aws-lambda"
import { readFileSync } from "node:fs"
import { createRequire } from "node:module"

const { resolve } = createRequire(import.meta.url)
const path = (file: string) => resolve(`effect-codepipeline/functions/${file}`)
const policy = readFileSync(path("deploy-stack.policy.json"), "utf8")
  .replaceAll("REGION", Aws.REGION)
  .replaceAll("ACCOUNT", Aws.ACCOUNT_ID)
  .replaceAll("MyTestStack", "shop-*")

const stack = new Stack(new App(), "Actions")
const deployStack = new Function(stack, "DeployStack", {
  code: Code.fromAsset(path("deploy-stack.zip")),
  handler: "index.handler",
  runtime: Runtime.NODEJS_24_X,
  architecture: Architecture.ARM_64,
  memorySize: 256,
  timeout: Duration.minutes(1)
})
const document = PolicyDocument.fromJson(JSON.parse(policy))
deployStack.role?.addManagedPolicy(new ManagedPolicy(stack, "DeployStackPolicy", { document }))
