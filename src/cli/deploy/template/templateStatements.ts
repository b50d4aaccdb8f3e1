// The statements of a function's role, in a CloudFormation template.
import { Document, type Node, Scalar } from "yaml"
import { merge, type Statement } from "../../../domain/job/Statement.ts"
import * as Permissions from "../../../Permissions.ts"

/** A node of YAML with one of CloudFormation's tags, the short form of a function. */
const tagged = <A extends Node>(tag: string, node: A): A => {
  node.tag = tag
  return node
}

const scalar = (tag: string, text: string) => tagged(tag, new Scalar(text))

/** A text with `${NAME}`, in the shortest form. */
const substituted = (text: string): Scalar => {
  const [, name] = /^\$\{([^}!]+)\}$/.exec(text) ?? []
  if (name !== undefined) return name.includes(".") ? scalar("!GetAtt", name) : scalar("!Ref", name)
  return text.includes("${") ? scalar("!Sub", text) : new Scalar(text)
}

/** The condition without which the template does not have the resource or the parameter. */
const conditionsOfTemplate: Readonly<Record<string, string>> = {
  "${CloudFormationRole.Arn}": "HasServiceRole",
  "${AssumableRoles}": "HasAssumableRoles",
  "${TemplateBucket}": "HasTemplateBucket",
  "${TemplateBucketKeyArn}": "HasTemplateBucketKey"
}

const oneOrAll = <A>(list: ReadonlyArray<A>) => list.length === 1 ? list[0] : list

/** The template creates the log group itself, so that the role only writes to it. */
const withLogGroup = (statement: Statement, logGroup: string): Statement =>
  statement.actions.some((action) => action === "logs:CreateLogGroup") &&
    statement.resources.every((resource, index) => resource === Permissions.logs.resources[index])
    ? {
      actions: statement.actions.filter((action) => action !== "logs:CreateLogGroup"),
      resources: [`\${${logGroup}.Arn}`]
    }
    : statement

/** The statements as nodes of a template, one for each set of resources, for a function whose template has this log group. */
export const templateStatements = (
  statements: ReadonlyArray<Statement>,
  logGroup: string
): Document => {
  const document = new Document([])
  for (const statement of merge(statements)) {
    const { actions, conditions, resources } = withLogGroup(statement, logGroup)
    const needed = Object.entries(conditionsOfTemplate).find(([name]) =>
      resources.some((resource) => resource.includes(name))
    )
    const node = document.createNode({
      Effect: "Allow",
      Action: actions,
      Resource: oneOrAll(resources.map(substituted)),
      ...(conditions !== undefined && {
        Condition: Object.fromEntries(
          Object.entries(conditions).map(([operator, keys]) => [
            operator,
            Object.fromEntries(
              Object.entries(keys).map(([key, values]) => [
                key,
                typeof values === "string" ? substituted(values) : values.map(substituted)
              ])
            )
          ])
        )
      })
    })
    document.add(
      needed === undefined
        ? node
        : tagged("!If", document.createNode([needed[1], node, scalar("!Ref", "AWS::NoValue")]))
    )
  }
  return document
}
