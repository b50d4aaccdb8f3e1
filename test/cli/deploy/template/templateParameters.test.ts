import { assert, it } from "@effect/vitest"
import { invalidParameters, type TemplateParameter } from "../../../../src/cli/deploy/template/templateParameters.ts"

const size: TemplateParameter = { Type: "Number", MinValue: 128, MaxValue: 1024 }
const days: TemplateParameter = { Type: "Number", AllowedValues: [1, 30] }
const flag: TemplateParameter = { Type: "String", AllowedValues: ["true", "false"] }
const name: TemplateParameter = { Type: "String", AllowedPattern: "[a-z]+|x1" }

it.each<readonly [parameter: TemplateParameter, value: string, problem: string | undefined]>([
  [size, "128", undefined],
  [size, "1024", undefined],
  [size, "127", "must be a number not less than 128"],
  [size, "1025", "must be a number not greater than 1024"],
  [size, "abc", "must be a number"],
  [size, "", "must be a number"],
  [size, "Infinity", "must be a number"],
  [days, "30", undefined],
  [days, "2", "must be one of AllowedValues: 1, 30"],
  [flag, "false", undefined],
  [flag, "False", "must be one of AllowedValues: true, false"],
  [name, "abc", undefined],
  [name, "x1", undefined],
  [name, "abc1", "must match pattern [a-z]+|x1"],
  [name, "", "must match pattern [a-z]+|x1"],
  [{ Type: "Number" }, "-1.5", undefined],
  [{ Type: "String" }, "", undefined],
  [{ Type: "CommaDelimitedList" }, "a,b", undefined]
])("a parameter %j and the value %j: %s", (parameter, value, problem) => {
  assert.deepStrictEqual(
    invalidParameters("t.yaml", { One: parameter }, { One: value }),
    problem === undefined ? [] : [`--parameter One: Parameter 'One' ${problem}`]
  )
})

it("every invalid value and every unknown name is reported", () => {
  assert.deepStrictEqual(
    invalidParameters("t.yaml", { Size: size, Flag: flag }, { Siz: "1", Size: "1", toString: "1" }),
    [
      "--parameter Siz: t.yaml has no parameter with this name; did you mean Size?",
      "--parameter Size: Parameter 'Size' must be a number not less than 128",
      "--parameter toString: t.yaml has no parameter with this name; known are Size, Flag"
    ]
  )
})
