// AWS's sample function in Python, which deploy-stack replaces. It is not in this repository: the user names a file that has
// it, such as the page "Invoke a Lambda function in a pipeline" of CodePipeline's guide as Markdown.
import { spawnSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import type { Command } from "./cloud.ts"

const fence = /^([ \t]*)(`{3,})[^\n`]*\n([\s\S]*?)^[ \t]*\2[ \t]*$/gm

const withoutIndent = (code: string, indent: string) =>
  code.split("\n").map((line) => line.startsWith(indent) ? line.slice(indent.length) : line.trimStart()).join("\n")

/** The Python handler that creates a stack: the whole file, or the code block of a Markdown page. */
const cutOut = (text: string): string | undefined => {
  const blocks = Array.from(text.matchAll(fence), ([, indent = "", , code = ""]) => withoutIndent(code, indent))
  return (blocks.length === 0 ? [text] : blocks).find((code) =>
    /def lambda_handler\(/.test(code) && /create_stack/.test(code)
  )
}

/**
 * The code of the sample. It was written for Python 2, where a template may be bytes; boto3 of Python 3 refuses them, so
 * that they are decoded. Throws if the file has no such code.
 */
export const readSample = (file: string): string => {
  const code = cutOut(readFileSync(file, "utf8"))
  if (code === undefined) throw new Error(`${file} has no Python code with lambda_handler and create_stack`)
  return code.replace(/zip\.read\(file_in_zip\)(?!\.decode)/, "$&.decode()")
}

/** Why the sample cannot run here, if so. */
export const pythonMissing = (): string | undefined => {
  const { error, status } = spawnSync("python3", ["-c", "import boto3"], { stdio: "ignore" })
  if (error !== undefined) return "python3 is not installed"
  return status === 0 ? undefined : "python3 has no boto3"
}

/** The folder has the sample as `lambda_function.py`, as Lambda calls it. */
export const pythonCommand = (folder: string): Command => ({
  program: "python3",
  args: [fileURLToPath(new URL("function.py", import.meta.url)), folder]
})
