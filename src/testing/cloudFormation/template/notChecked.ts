// What the in-memory CloudFormation does not check, so that nobody takes it for checked.
import { isKnownPattern, type ParameterDeclaration } from "./parameters.ts"
import { isServerless, modulesOf, unknownTransformsOf } from "./sections.ts"
import { isMapping, membersOf, type TemplateMapping, textOf } from "./TemplateValue.ts"

/** What is never checked. */
export const neverChecked = ["resource properties", "permissions", "quotas of the account"] as const

const list = (what: string, names: ReadonlyArray<string>) => names.length === 0 ? [] : [`${what} (${names.join(", ")})`]

/** What of this template is not checked. */
export const notCheckedOf = (
  tree: TemplateMapping,
  parameters: ReadonlyArray<ParameterDeclaration>,
  imports: ReadonlySet<string>,
  isForeignExport: (name: string) => boolean
): ReadonlyArray<string> => {
  const transforms = unknownTransformsOf(tree)
  const modules = modulesOf(tree)
  const macros = transforms.filter((name) => !isServerless(name) && !modules.includes(name))
  const foreign = Array.from(imports).filter(isForeignExport)
  const stored = parameters.filter(({ type }) => type.startsWith("AWS::SSM::")).map(({ name }) => name)
  const existing = parameters.filter(({ type }) => /^(?:List<)?AWS::(?!SSM::)/.test(type)).map(({ name }) => name)
  const patterns = membersOf(tree["Parameters"]).flatMap(([name, member]) => {
    const pattern = isMapping(member) ? textOf(member["AllowedPattern"]) : undefined
    return pattern === undefined || isKnownPattern(pattern) ? [] : [name]
  })
  return [
    ...(transforms.some(isServerless) ? ["SAM expansion"] : []),
    ...list("macros", macros),
    ...list("modules", modules),
    ...("Rules" in tree ? ["rules"] : []),
    ...("Hooks" in tree ? ["hooks"] : []),
    ...list("exports of other stacks", foreign),
    ...list("values in Systems Manager", stored),
    ...list("whether the resources of parameters exist", existing),
    ...list("patterns", patterns),
    ...(JSON.stringify(tree).includes("{{resolve:") ? ["dynamic references"] : [])
  ]
}
