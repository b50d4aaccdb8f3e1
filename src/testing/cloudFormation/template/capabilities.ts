// The capabilities that a template requires.
import { modulesOf, type Resource, resourcesOf, transformsOf } from "./sections.ts"
import { isList, isMapping, membersOf, type TemplateMapping, type TemplateValue } from "./TemplateValue.ts"

export interface Capabilities {
  readonly required: ReadonlyArray<string>
  /** The resources that require them, in CloudFormation's words. */
  readonly reason: string | undefined
}

/** Source: page "CreateStack" of CloudFormation's API reference. */
const iamTypes = new Set(
  [
    "AccessKey",
    "Group",
    "GroupPolicy",
    "InstanceProfile",
    "ManagedPolicy",
    "Policy",
    "Role",
    "RolePolicy",
    "User",
    "UserPolicy",
    "UserToGroupAddition"
  ]
    .map((name) => `AWS::IAM::${name}`)
)

/** The properties that give an IAM resource a custom name, which requires CAPABILITY_NAMED_IAM. */
const nameProperty = /^(?:Role|User|Group|ManagedPolicy|InstanceProfile)Name$/
const named = new Set(["Group", "InstanceProfile", "ManagedPolicy", "Role", "User"].map((name) => `AWS::IAM::${name}`))

/** All resources, including those in loops. */
const declared = (template: TemplateMapping): ReadonlyArray<Resource> =>
  [template["Resources"] ?? {}, ...bodiesIn(template["Resources"])]
    .flatMap((Resources) => Array.from(resourcesOf({ Resources }).values()))

/** The bodies of the loops among the members. */
const bodiesIn = (members: TemplateValue | undefined): ReadonlyArray<TemplateValue> =>
  membersOf(members).flatMap(([name, loop]) => {
    const body = name.startsWith("Fn::ForEach::") && isList(loop) ? loop[2] ?? {} : {}
    return [body].concat(bodiesIn(body))
  })

/** The types of all resources, including those in loops. */
export const declaredTypes = (template: TemplateMapping): ReadonlyArray<string> =>
  declared(template).map(({ type }) => type)

/** SAM makes a role for a function that has none. */
const getsRole = (type: string, properties: TemplateValue) =>
  (type === "AWS::Serverless::Function" || type === "AWS::Serverless::StateMachine") &&
  isMapping(properties) && properties["Role"] === undefined

export const capabilitiesOf = (template: TemplateMapping): Capabilities => {
  const resources = declared(template)
  const iam = resources.filter(({ properties, type }) => iamTypes.has(type) || getsRole(type, properties))
  const isNamed = iam.some(({ properties, type }) =>
    named.has(type) && isMapping(properties) && Object.keys(properties).some((name) => nameProperty.test(name))
  )
  const types = [...new Set(iam.map(({ type }) => type))].join(", ")
  return {
    required: [
      ...(iam.length > 0 ? [isNamed ? "CAPABILITY_NAMED_IAM" : "CAPABILITY_IAM"] : []),
      ...(transformsOf(template).length + modulesOf(template).length > 0 ? ["CAPABILITY_AUTO_EXPAND"] : [])
    ],
    reason: iam.length === 0 ? undefined : `The following resource(s) require capabilities: [${types}]`
  }
}
