// Runs the commands of a document as a reader does, one block after another, with the installed package. npm, npx and aws
// are the scripts in `bin`.
import { execFile, spawnSync } from "node:child_process"
import { globSync, readFileSync } from "node:fs"
import { mkdir, readFile } from "node:fs/promises"
import { delimiter, dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"

const repository = fileURLToPath(new URL("../..", import.meta.url))
const here = fileURLToPath(new URL(".", import.meta.url))

const read = (file: string) => readFileSync(join(repository, file), "utf8")

/** The blocks of commands, without their indentation. */
const blocksOf = (file: string) =>
  Array.from(
    read(file).matchAll(/^( *)```(sh|fish)\n(.*?)^\1```/gms),
    ([, indent = "", shell = "", code = ""]) => ({ shell, code: code.replaceAll(new RegExp(`^${indent}`, "gm"), "") })
  )

export const documentsWithCommands: ReadonlyArray<string> = [
  "README.md",
  "AGENTS.md",
  "CONTRIBUTING.md",
  "events/README.md",
  ...globSync("docs/**/*.md", { cwd: repository, exclude: ["docs/api"] })
].filter((file) => blocksOf(file).length > 0)

/** What a reader has done before a block that begins so. */
const before: ReadonlyArray<readonly [file: string, begin: string, command: string]> = [
  [
    "docs/getting-started.md",
    "npx effect-codepipeline run --artifact",
    `cp "$REPOSITORY/events/artifacts/MyTemplate/template-package/template.json" template.yaml`
  ],
  ["docs/library/own-actions.md", "mkdir people", `cp "$REPOSITORY/test/examples/greet.ts" src/`]
]

/** What a reader replaces. */
const placeholders = { "MY-CODE-BUCKET": "my-code", "events/NAME.json --action ACTION": "events/deploy-stack.json" }

const has = (tool: string) => spawnSync(tool, ["--version"]).error === undefined

export const hasBash = has("bash")
export const hasBotocore = spawnSync("python3", ["-c", "import botocore"]).status === 0

/** In bash, `source` of fish has no meaning: only the completions are checked. */
const fish = has("fish") ? "fish -c" : "source() { grep 'complete.* effect-codepipeline '; }; eval"

const scriptOf = (file: string): string => {
  const blocks = blocksOf(file).flatMap(({ code, shell }) => {
    const commands = before.filter(([of, begin]) => of === file && code.startsWith(begin)).map(([, , command]) =>
      command
    )
    return commands.concat(shell === "fish" ? `(${fish} '${code}')` : code)
  })
  return Object.entries(placeholders).reduce((text, [from, to]) => text.replaceAll(from, to), blocks.join("\n"))
}

const run = promisify(execFile)

/** The commands of the AWS CLI that the documents have run, for `awsProblems`. */
const awsCommands = (project: string) => join(project, "aws-commands")

export interface Endpoints {
  /** Lambda, with the function MY-FUNCTION. */
  readonly lambda: string
  /** moto, for everything else; undefined if it is not running. */
  readonly aws: string | undefined
}

/** Runs all commands of a document in a folder of the project in which the package is installed. */
export const runCommands = async (file: string, project: string, { aws, lambda }: Endpoints): Promise<void> => {
  const folder = join(project, file.replaceAll(/\W/g, "-").toLowerCase())
  await mkdir(folder)
  const env = {
    PATH: [join(here, "bin"), dirname(process.execPath), process.env["PATH"]].join(delimiter),
    HOME: folder,
    NPM: spawnSync("bash", ["-c", "command -v npm"]).stdout.toString().trim(),
    PACKAGES: join(project, "node_modules"),
    REPOSITORY: repository,
    AWS_COMMANDS: awsCommands(project),
    AWS_REGION: "eu-west-1",
    AWS_ACCESS_KEY_ID: "AKIADEVELOPER",
    AWS_SECRET_ACCESS_KEY: "secret",
    AWS_ENDPOINT_URL_LAMBDA: lambda,
    ...(aws !== undefined && { AWS_ENDPOINT_URL: aws })
  }
  const running = run("bash", ["-eux", "-o", "pipefail", "-c", scriptOf(file)], { cwd: folder, env })
  running.child.stdin?.end()
  await running.catch(({ message, stdout }: Error & { readonly stdout: string }) => {
    throw new Error(`${file}: ${message}\n${stdout}`)
  })
}

/** What botocore does not accept of the commands of the AWS CLI that the documents have run. */
export const awsProblems = async (
  project: string
): Promise<{ readonly commands: number; readonly problems: string }> => {
  const commands = await readFile(awsCommands(project), "utf8")
  const checking = run("python3", [join(here, "aws.py")])
  checking.child.stdin?.end(commands)
  return { commands: commands.split("\n").length - 1, problems: (await checking).stdout }
}
