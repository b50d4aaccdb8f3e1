// The npm scripts that run tools. scripts/task.ts runs them.

/** A tool, and its arguments. */
export type Command = readonly [tool: string, ...args: ReadonlyArray<string>]

export interface Task {
  readonly purpose: string
  /** Run one after another, until one fails. Arguments of the task are passed on if there is only one command. */
  readonly commands: readonly [Command, ...ReadonlyArray<Command>]
  /** Arguments for the example in the help. */
  readonly example?: string
}

const test: Command = ["vitest", "run"]
const coverage: Command = ["vitest", "run", "--coverage"]
const lint: Command = ["oxlint", "--deny-warnings"]
const format: Command = ["dprint", "check"]
const types: readonly [Command, Command] = [
  ["tsc"],
  ["effect-tsgo", "diagnostics", "--project", "tsconfig.json", "--strict"]
]
const build: Command = ["node", "scripts/build/build.ts"]

/** Installs the packages of a script that has packages of its own, and runs one of them. */
const withPackages = (folder: string, module: string, ...args: ReadonlyArray<string>): readonly [Command, Command] => [
  ["npm", "ci", "--prefix", folder],
  ["node", `${folder}/node_modules/${module}`, ...args]
]

export const tasks: Readonly<Record<string, Task>> = {
  test: {
    purpose:
      "Runs all tests. SEED=random draws other random data than usual and prints the seed; SEED=123 repeats it. " +
      "RUNS=50000 and DEEP=1 make the tests of whole runs and of the model longer.",
    commands: [test],
    example: "test/domain"
  },
  coverage: {
    purpose: "Runs the quick tests and fails when they do not cover src.",
    commands: [coverage]
  },
  types: { purpose: "Checks the types, and how Effect is used.", commands: types },
  lint: { purpose: "Runs the linter, with the rules of which layer may import which.", commands: [lint] },
  format: { purpose: "Fails when a file is not formatted.", commands: [format] },
  "format:write": { purpose: "Formats all files.", commands: [["dprint", "fmt"]] },
  check: {
    purpose:
      "Runs everything that has to pass beside npm test: the formatter, the linter, the types, the coverage and " +
      "the build.",
    commands: [format, lint, ...types, coverage, build]
  },
  docs: {
    purpose: "Writes the API reference into docs/api, from the docstrings.",
    commands: withPackages("scripts/docs", "typedoc/bin/typedoc", "--options", "scripts/docs/typedoc.json")
  },
  package: {
    purpose: "Builds the npm package, and checks with publint and attw that it is what npm users expect. Then " +
      "synthesizes the CDK app of docs/operations/deploying.md with it.",
    commands: [
      build,
      ...withPackages("scripts/packaging", "publint/src/cli.js", "run", "--strict"),
      [
        "node",
        "scripts/packaging/node_modules/@arethetypeswrong/cli/dist/index.js",
        "--pack",
        ".",
        "--profile",
        "esm-only",
        "--format",
        "table-flipped"
      ],
      ["tsc", "--project", "scripts/packaging/cdk"],
      ["node", "scripts/packaging/cdk/synthesize.ts"]
    ]
  },
  "runtime-client": {
    purpose: "Runs the tests of built functions with Lambda's own runtime client, aws-lambda-ric.",
    commands: [
      ["npm", "ci", "--prefix", "scripts/runtimeClient"],
      ["vitest", "run", "--config", "scripts/runtimeClient/vitest.config.ts"]
    ]
  },
  mutation: {
    purpose:
      "Mutates src/domain and src/JobRunner.ts, and fails when the tests detect less than 90 % of the mutants. It " +
      "takes about an hour, and writes scripts/mutation/report/index.html.",
    commands: withPackages(
      "scripts/mutation",
      "@stryker-mutator/core/bin/stryker.js",
      "run",
      "scripts/mutation/stryker.config.json"
    )
  }
}
