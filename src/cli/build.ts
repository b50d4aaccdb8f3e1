// build: builds Lambda functions from modules of one's own.
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { relative, resolve } from "node:path"
import { buildFunction, entriesByName } from "./build/buildFunction.ts"
import { packageSizes, sizesAsText } from "./build/packages.ts"
import { writeFunction } from "./build/writeFunction.ts"
import { ExitStatus, flag, value } from "./commandLine/options.ts"

/** The arguments and options of `build`. */
export const buildConfig = {
  entries: Argument.Path("ENTRY.ts").pipe(
    Argument.withDescription("A module that exports handler. Its function has the name of the file."),
    Argument.variadic({ min: 1 })
  ),
  out: value("out", { value: "DIR", text: "The folder for the functions.", otherwise: "dist" }),
  sourcemap: flag("sourcemap", {
    text:
      "Add source maps: the stack traces of the functions name your files. The zips become more than twice as large."
  }),
  analyze: flag("analyze", { text: "Print how many bytes of each function come from which package." }),
  wholeSdk: flag("whole-sdk", {
    text:
      "Leave the AWS SDK as it is, for functions that read profiles. Otherwise they take credentials and settings " +
      "only from Lambda's environment."
  }),
  noLoad: flag("no-load", {
    text: "Do not load the functions to see that they do load, because they need AWS or a network for that."
  })
} as const

export type BuildInput = Command.Command.Config.Infer<typeof buildConfig>

/** A path as it is shown: relative, for a file in the project. */
const shownPath = (folder: string, path: string) => {
  const short = relative(folder, path)
  return short.startsWith("..") ? path : short
}

/** Builds all functions, and then writes them. `print` gets lines for standard output, `warn` for standard error. */
export const buildFunctions = Effect.fn("buildFunctions")(function*(
  { analyze, entries, noLoad, out, sourcemap, wholeSdk }: BuildInput,
  { folder, print, warn }: {
    /** The folder of the project. */
    readonly folder: string
    readonly print: (text: string) => void
    readonly warn: (text: string) => void
  }
) {
  const byName = yield* entriesByName(entries, folder)
  const built = yield* Effect.forEach(
    byName,
    ([name, entry]) => buildFunction({ name, entry, folder, sourceMap: sourcemap, wholeSdk, load: !noLoad })
  )
  const outFolder = resolve(folder, Option.getOrElse(out, () => "dist"))
  for (const one of built) {
    for (const warning of one.warnings) warn(`${warning}\n`)
    const path = yield* writeFunction(one, outFolder)
    print(`${shownPath(folder, path)}  ${one.zip.length} bytes (function.js ${one.files["function.js"].length})\n`)
    if (analyze) print(sizesAsText(packageSizes(one.metafile)))
  }
})

export const build = Command.make("build", buildConfig, (input) =>
  buildFunctions(input, {
    folder: process.cwd(),
    print: (text) => process.stdout.write(text),
    warn: (text) => process.stderr.write(text)
  })).pipe(
    Command.withShortDescription("Builds Lambda functions from modules of your own."),
    Command.withDescription(`
Bundles each ENTRY.ts and all that it imports, and writes DIR/NAME.zip for Lambda's nodejs24.x, on arm64 and x86_64 alike,
and its files to DIR/NAME/. The handler in Lambda is index.handler. src/greetUsers.ts becomes the function greet-users. The
same sources make the same zip, byte by byte.

Each function is loaded once, in a process with Lambda's environment and without AWS. Types are not checked: run tsc for
that. It needs esbuild in your project.`),
    Command.withExamples([
      { command: "npx effect-codepipeline build src/greet.ts" },
      { command: "npx effect-codepipeline build src/functions/*.ts --out build --sourcemap --analyze" }
    ]),
    Command.annotate(
      ExitStatus,
      "0 the functions were built, 1 one of them does not compile or does not load, 2 the command line is wrong"
    )
  )
