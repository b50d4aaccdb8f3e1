// What the tests of plans have in common: actions with an output artifact, and a stack with a nested one.
import { Effect, type Layer, Option } from "effect"
import type { ChangeSetRequest } from "../../../src/domain/stack/Stack.ts"
import { CloudFormation } from "../../../src/services/CloudFormation.ts"
import { ArtifactStoreMemory } from "../../../src/testing/ArtifactStoreMemory.ts"
import { eventWith, file, required, runAction, runToEnd, stack, worldOf } from "./world.ts"

export const replace = { ...required, mode: "CHANGE_SET_REPLACE", changeSet: "Next" }
export const execute = { stack, mode: "CHANGE_SET_EXECUTE", changeSet: "Next" }
export const deploy = { ...required, mode: "CHANGE_SET_DEPLOY" }

export const created = runAction("earlier", required)

export const outputArtifacts = [{
  name: "Out",
  location: { type: "S3", s3Location: { bucketName: "artifacts", objectKey: "MyPipeline/Out/1.zip" } }
}]

/** Runs an action that has an output artifact. */
export const runWithArtifact = (id: string, userParameters: Readonly<Record<string, unknown>>) =>
  runToEnd(eventWith(userParameters, { id, outputArtifacts }), "10 seconds")

export const written = ArtifactStoreMemory.useSync(({ outputs }) =>
  Object.fromEntries(Object.entries(outputs.get("Out") ?? {}).map(([path, text]) => [path, String(text)]))
)
export const writtenPlan = Effect.map(written, (files) => JSON.parse(files["plan.json"] ?? "{}"))

type Service = CloudFormation["Service"]

export const withService = (change: (service: Service) => Partial<Service>) => <A, E, R>(job: Effect.Effect<A, E, R>) =>
  Effect.updateService(job, CloudFormation, (service) => ({ ...service, ...change(service) }))

export const changeSetExists = (changeSet: string) =>
  Effect.map(CloudFormation.use(({ describeChangeSet }) => describeChangeSet({ stack, changeSet })), Option.isSome)

export const parentOf = (inner: object) =>
  JSON.stringify({
    Resources: {
      Topic: { Type: "AWS::SNS::Topic", Properties: inner },
      Network: { Type: "AWS::CloudFormation::Stack", Properties: { TemplateURL: url } }
    }
  })
export const url = "https://templates.example/network"
export const tableNamed = (TableName: string) =>
  JSON.stringify({ Resources: { Table: { Type: "AWS::DynamoDB::Table", Properties: { TableName } } } })

/** A stack with a nested one, whose template a test can change. */
const nestedWorld = () => {
  const templates: Record<string, string> = { [url]: tableNamed("a") }
  return { templates, layer: worldOf({ MyTemplate: { [file]: parentOf({}) } }, { templates: (key) => templates[key] }) }
}

/** Runs a test in such a world. */
export const withNested = <E>(
  test: (templates: Record<string, string>) => Effect.Effect<void, E, Nested>
) => {
  const { layer, templates } = nestedWorld()
  return Effect.provide(test(templates), layer)
}
type Nested = Layer.Success<ReturnType<typeof nestedWorld>["layer"]>

export const requests = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const made: Array<ChangeSetRequest> = []
    const result = yield* withService(({ createChangeSet }) => ({
      createChangeSet: (request) => {
        made.push(request)
        return createChangeSet(request)
      }
    }))(effect)
    return { result, made }
  })
