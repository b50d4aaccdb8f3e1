// The in-memory CloudFormation beside moto's, if moto is installed: the resources and outputs of the corpus's templates.
import { CloudFormationClient, DescribeStackResourcesCommand } from "@aws-sdk/client-cloudformation"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import type { StackRequest } from "../../../src/domain/stack/Stack.ts"
import { CloudFormation } from "../../../src/services/CloudFormation.ts"
import { CloudFormationMemory } from "../../../src/testing/CloudFormationMemory.ts"
import { hasMoto, startMoto } from "../../scripts/moto.ts"
import { type Deployed, read, type Refused } from "../../templates/Case.ts"
import { cases } from "../../templates/cases.ts"

/** Templates that moto cannot create, and why. */
const unsupported: Readonly<Record<string, string>> = {
  "attributes.yaml": "it fails at attributes that it does not know, and has no lists in Systems Manager",
  "conditions.yaml": "it does not know the types of some resources, and fails at their attributes",
  "dates.yaml": "it cannot read an output that YAML takes for a date",
  "dynamic-references.yaml": "its parameter of Systems Manager needs a name",
  "for-each-address.yaml": "it has no Fn::ForEach",
  "for-each-nested.yaml": "it has no Fn::ForEach",
  "language-extensions.yaml": "it has no Fn::ForEach",
  "numbers.yaml": "it cannot read an output that YAML takes for a number",
  "pseudo-parameters.yaml": "it has no AWS::NotificationARNs",
  "resource-attributes.yaml": "it invokes the function of a custom resource, which does not exist",
  "short-forms.yaml": "it fails at one of the outputs"
}

/** Templates whose stacks differ, and why ours is right. */
const different: Readonly<Record<string, string>> = {
  "booleans.yaml": "moto writes Booleans as Python does",
  "iam-conditional.yaml": "moto lists resources whose condition is false, without a name",
  "long-forms.json": "moto has no Fn::Cidr, and takes texts of mappings for lists",
  "module.yaml": "moto lists resources of unknown types without a name",
  "nested-functions.yaml": "moto selects letters of a text that a function splits",
  "parameters.yaml": "moto takes lists among parameters for texts",
  "sam.yaml": "moto does not know the types of SAM"
}

const isDeployed = (one: Deployed | Refused): one is Deployed =>
  "resources" in one && one.byUrl !== true && one.isAtLimit !== true && one.besides === undefined &&
  one.nested === undefined

const deployments = Object.entries(cases).flatMap(([file, given]) =>
  [given].flat().filter(isDeployed).map((one, index) => ({
    file,
    name: `${file}${one.when === undefined ? "" : ` if ${one.when}`}`,
    stack: `${file.replaceAll(/\W/g, "-").replaceAll(/^[^a-z]+/g, "")}-${index}`,
    one,
    text: one.text ?? read(file)
  }))
)

type Deployment = typeof deployments[number]

const requestOf = ({ one: { capabilities, parameters = {} }, stack, text }: Deployment): StackRequest => ({
  stack,
  templateBody: text,
  clientRequestToken: `create-${stack}`,
  capabilities,
  parameters: Object.entries(parameters).map(([name, value]) => ({ name, value }))
})

const outputsOf = Effect.fnUntraced(function*(id: string) {
  const { describe } = yield* CloudFormation
  return Option.getOrThrow(yield* describe(id)).outputs
})

/** Physical ids and attributes differ: of outputs that have one, only the name is compared. */
const withoutIds = ({ outputs, resources }: Effect.Success<ReturnType<typeof inMemory>>, { stack }: Deployment) => ({
  resources,
  outputs: Object.fromEntries(
    Object.entries(outputs).map((
      [name, value]
    ) => [name, value.startsWith("arn:") || value.startsWith(`${stack}-`) ? "an id" : value])
  )
})

/** What the stack has in memory. */
const inMemory = (deployment: Deployment) =>
  Effect.gen(function*() {
    const { create } = yield* CloudFormation
    const { resourcesOf } = yield* CloudFormationMemory
    const id = yield* create(requestOf(deployment))
    const resources = (yield* resourcesOf(id)).map(({ logicalId }) => logicalId)
    yield* Effect.sleep("10 millis")
    return { resources: resources.toSorted(), outputs: yield* outputsOf(id) }
  }).pipe(Effect.provide(CloudFormationMemory.layer({ resourceDuration: 0 })))

describe.skipIf(!hasMoto)(
  `the corpus in memory and in moto${hasMoto ? "" : " (skipped: python3 has no moto here)"}`,
  () => {
    it.live("has the same resources and outputs, but for known differences", () =>
      Effect.gen(function*() {
        const client = new CloudFormationClient({
          endpoint: yield* startMoto,
          region: "us-east-1",
          credentials: { accessKeyId: "AKIATEST", secretAccessKey: "test" },
          maxAttempts: 1
        })
        const inMoto = (deployment: Deployment) =>
          Effect.gen(function*() {
            const { create } = yield* CloudFormation
            const id = yield* create(requestOf(deployment))
            const { StackResources = [] } = yield* Effect.promise(() =>
              client.send(new DescribeStackResourcesCommand({ StackName: id }))
            )
            const resources = StackResources.map(({ LogicalResourceId = "" }) => LogicalResourceId)
            return { resources: resources.toSorted(), outputs: yield* outputsOf(id) }
          }).pipe(Effect.provide(CloudFormation.layerClient(client)))
        for (const deployment of deployments.filter(({ file }) => !Object.hasOwn(unsupported, file))) {
          const [own, others] = [yield* inMemory(deployment), yield* inMoto(deployment)]
          if (Object.hasOwn(different, deployment.file)) assert.notDeepEqual(others, own, deployment.name)
          else assert.deepStrictEqual(withoutIds(others, deployment), withoutIds(own, deployment), deployment.name)
        }
      }), 120_000)
  }
)
