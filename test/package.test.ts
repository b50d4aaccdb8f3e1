import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { build } from "esbuild"
import { execFile } from "node:child_process"
import { globSync } from "node:fs"
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { basename, delimiter, dirname, join, relative } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import manifest from "../package.json" with { type: "json" }
import { compile, entryPoints, functionFiles } from "../scripts/build/bundle.ts"
import { bundleCommand } from "../scripts/build/command.ts"
import { compilations, copyProjectFiles } from "../scripts/build/compilations.ts"
import { removeUnreachableDeclarations } from "../scripts/build/declarations.ts"
import { writePackagedFunctions } from "../scripts/build/packagedFunctions.ts"
import { functionNames } from "../scripts/permissions.ts"
import { codeCacheFile } from "../src/cli/build/codeCache.ts"
import { filesInZip } from "../src/cli/deploy/code/functionZip.ts"
import { zipFiles } from "../src/internal/zipFiles.ts"
import { startLambda } from "./cli/cache/lambdaService.ts"
import { awsProblems, documentsWithCommands, hasBash, hasBotocore, runCommands } from "./documents/commands.ts"
import { hasMoto, startMoto } from "./scripts/moto.ts"

const repository = fileURLToPath(new URL("..", import.meta.url))
const tsc = join(repository, "node_modules/typescript/bin/tsc")

const run = promisify(execFile)

/** Adds the output of a failed command to the message of its error. */
const withOutput = (failed: Promise<{ readonly stdout: string }>): Promise<string> =>
  failed.then(
    ({ stdout }) => stdout,
    (error: Error & { readonly stdout?: string }) =>
      Promise.reject(new Error(`${error.message}\n${error.stdout ?? ""}`))
  )

/** What the package has besides code: its documents, and the samples that the command runs by default. */
const documents = [
  "README.md",
  "AGENTS.md",
  "LICENSE",
  "CHANGELOG.md",
  "events/deploy-stack-set.json",
  "events/deploy-stack.json",
  "events/check-webpage.json",
  "events/artifacts/MyTemplate/template.json",
  "events/artifacts/MyTemplate/production.json",
  "events/artifacts/MyTemplate/template-package/template.json",
  ...globSync("docs/**/*.md", { cwd: repository, exclude: ["docs/{api,internals}"] })
]

const command = manifest.bin["effect-codepipeline"]

/** Modules that `build` bundles and runs by their paths. */
const byPath = ["loader", "loaderWithSourceMap", "loadingProcess"].map((name) => `dist/cli/build/${name}.js`)

/** Subpaths of modules; `./functions/*` has files. */
const subpaths = Object.keys(manifest.exports).filter((subpath) => !subpath.includes("*"))
const nameOf = (subpath: string) => `effect-codepipeline${subpath.slice(1)}`
const modules = subpaths.filter((subpath) => !subpath.endsWith(".json")).map(nameOf)

/** An app that embeds the package, and imports each of its modules. */
const app = `
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { DeployStack, JobRunner } from "effect-codepipeline"
import { DeployStack as BySubpath, OperationFailed } from "effect-codepipeline/DeployStack"
import type { JobOutcome } from "effect-codepipeline/JobOutcome"
import * as StackStatus from "effect-codepipeline/StackStatus"
import {
  ArtifactStoreMemory,
  CloudFormationMemory,
  CodePipelineMemory,
  LocalPipeline
} from "effect-codepipeline/testing"
${modules.map((name, index) => `import * as module${index} from "${name}"`).join("\n")}

export const all: ReadonlyArray<object> = [${modules.map((_, index) => `module${index}`).join(", ")}]
// @ts-expect-error: it has a type
export const { noSuchThing } = DeployStack

const template = JSON.stringify({ Resources: { Topic: { Type: "AWS::SNS::Topic" } } })

const memory = Layer.mergeAll(
  ArtifactStoreMemory.layer({ A: { "template.json": template } }),
  CloudFormationMemory.layer({ resourceDuration: "1 millis" }),
  CodePipelineMemory.layer
)

const program: Effect.Effect<JobOutcome, unknown> = LocalPipeline.run({
  event: LocalPipeline.event({
    userParameters: { stack: "S", file: "template.json", artifact: "A" },
    inputArtifacts: ["A"]
  }),
  invoke: (event) => JobRunner.run(DeployStack, event),
  interval: "1 millis"
}).pipe(Effect.provide(memory))

const { _tag, message } = await Effect.runPromise(program)
process.stdout.write(JSON.stringify({
  _tag,
  message,
  same: BySubpath === DeployStack,
  error: OperationFailed.name,
  statuses: StackStatus.StackStatus.literals.length
}))
`

/** A module with an action of one's own. */
const ownAction = `
import { Effect, Schema } from "effect"
import { Action, CodePipeline, Lambda, type Permissions, UserParameters } from "effect-codepipeline"

const Wave = Action.makeStateless({
  name: "wave",
  parameters: UserParameters.json({ to: Schema.NonEmptyString }),
  start: ({ parameters: { to } }) => Effect.succeed(Action.Step.Done({ message: to }))
})({})

export const handler = Lambda.handler(Wave, CodePipeline.layer)

export const permissions: ReadonlyArray<Permissions.Statement> = [{ actions: ["sns:Publish"], resources: ["*"] }]
`

const zipOfFunction = async ([name, module]: readonly [string, string]) => ({
  name,
  zip: await Effect.runPromise(zipFiles({ ...await functionFiles(await compile(module)) }))
})

let folder: string
let tarball: string
let installed: string

/** Compiles the package, packs it with npm, and unpacks it into an empty project, with links to its dependencies. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "effect-codepipeline-package-"))
  const source = join(folder, "source")
  const project = join(folder, "project")
  installed = join(project, "node_modules/effect-codepipeline")
  await mkdir(source)
  for (const file of ["package.json", ...documents]) {
    await cp(join(repository, file), join(source, file))
  }
  // Files that must not get into the package.
  for (
    const file of [
      "dist/lambda/deploy-stack/index.mjs",
      "dist/lambda/deploy-stack.zip",
      "docs/api/index.html",
      "events/no-artifact.json",
      "test/x.ts",
      "scripts/x.ts"
    ]
  ) {
    await mkdir(join(source, file, ".."), { recursive: true })
    await writeFile(join(source, file), "")
  }
  const out = join(source, "dist")
  await writePackagedFunctions(await Promise.all((await entryPoints()).map(zipOfFunction)), join(out, "functions"))
  for (const compilation of compilations(out, join(repository, "tsconfig.build.json"))) {
    await withOutput(run(process.execPath, compilation))
  }
  await removeUnreachableDeclarations(out)
  await bundleCommand(out)
  await copyProjectFiles(out)
  await withOutput(run("npm", ["pack", "--offline", "--ignore-scripts", "--pack-destination", folder], { cwd: source }))
  tarball = join(folder, (await readdir(folder)).find((file) => file.endsWith(".tgz")) ?? assert.fail("no tarball"))

  await mkdir(installed, { recursive: true })
  await run("tar", ["-xzf", tarball, "--strip-components=1", "-C", installed])
  const needed = [
    ...Object.keys(manifest.dependencies),
    ...Object.keys(manifest.peerDependencies),
    "@types/node",
    "typescript"
  ]
  for (const name of needed) {
    const link = join(project, "node_modules", name)
    await mkdir(join(link, ".."), { recursive: true })
    await symlink(join(repository, "node_modules", name), link)
  }
  // As npm links it.
  await chmod(join(installed, command), 0o755)
  await mkdir(join(project, "node_modules/.bin"))
  await symlink(join(installed, command), join(project, "node_modules/.bin/effect-codepipeline"))
  await symlink(tsc, join(project, "node_modules/.bin/tsc"))
  await writeFile(join(project, "package.json"), JSON.stringify({ private: true, type: "module" }))
  await writeFile(join(project, "app.ts"), app)
})

/** Runs npm or npx in a folder, with the Node of the tests. */
const runIn = (folder: string, tool: "npm" | "npx", ...args: ReadonlyArray<string>) =>
  run(tool, args, {
    cwd: folder,
    env: { ...process.env, PATH: `${dirname(process.execPath)}${delimiter}${process.env["PATH"]}` }
  })

/** Runs the command in the project by Node.js with this flag. */
const runFailing = (flag: string, ...args: ReadonlyArray<string>) =>
  new Promise<{ readonly status: unknown; readonly stderr: string }>((resolve) =>
    execFile(
      process.execPath,
      [flag, join(installed, command), ...args],
      { cwd: join(folder, "project") },
      (error, _stdout, stderr) => resolve({ status: error?.code, stderr })
    )
  )

/** Runs the command in the project. */
const npx = (...args: ReadonlyArray<string>) =>
  runIn(join(folder, "project"), "npx", "--no-install", "effect-codepipeline", ...args)

afterAll(() => rm(folder, { recursive: true, force: true }))

const filesOf = async (path: string) =>
  (await readdir(path, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => relative(path, join(entry.parentPath, entry.name)))

describe("the package", () => {
  // 430 KB are the zips of the three functions, which nothing makes smaller.
  it("is at most 800 KB", async () => {
    assert.isAtMost((await stat(tarball)).size, 800_000)
  })

  it("contains the documents and the samples besides the code", async () => {
    const others = (await filesOf(installed)).filter((file) => !file.startsWith("dist/"))
    assert.sameMembers(others, ["package.json", ...documents])
  })

  it("has no code that neither an export nor the command reaches", async () => {
    const { metafile } = await build({
      entryPoints: [...Object.values(manifest.exports), command, ...byPath].filter((path) => path.endsWith(".js")),
      absWorkingDir: installed,
      bundle: true,
      packages: "external",
      format: "esm",
      platform: "node",
      metafile: true,
      treeShaking: false,
      write: false,
      outdir: "out",
      logLevel: "silent"
    })
    const stray: Array<string> = []
    for (const file of (await filesOf(installed)).filter((file) => file.endsWith(".js"))) {
      // A module that only has types is empty, and only types reach it.
      const code = (await readFile(join(installed, file), "utf8")).replaceAll(/^(?:\/\/.*|export \{\};?)$/gm, "").trim()
      if (metafile.inputs[file] === undefined && code !== "") stray.push(file)
    }
    assert.deepStrictEqual(stray, [])
  })

  it("exports each public module as a subpath with its name", async () => {
    const index = await readFile(join(repository, "src/index.ts"), "utf8")
    const paths = Array.from(index.matchAll(/ from "\.\/(.+)\.ts"/g), ([, path = ""]) => path)
    const special = { ".": "index", "./testing": "testing/index" }
    const expected = new Map(Object.entries(special))
    for (const path of paths) {
      const name = path === "lambda/handler" ? "Lambda" : basename(path)
      assert.include([undefined, path], expected.get(`./${name}`))
      expected.set(`./${name}`, path)
    }
    const exported = Array.from(expected, ([subpath, path]) => [subpath, `./dist/${path}.js`])
    const { "./functions/*": functions, "./package.json": own, ...rest } = manifest.exports
    assert.strictEqual(functions, "./dist/functions/*")
    assert.strictEqual(own, "./package.json")
    assert.deepStrictEqual(Object.entries(rest).toSorted(), exported.toSorted())
  })

  it.each([["NodeNext", "NodeNext"], ["ESNext", "Bundler"]])(
    "compiles in an app with module %s and moduleResolution %s",
    async (module, moduleResolution) => {
      const options = {
        module,
        moduleResolution,
        target: "ES2022",
        strict: true,
        exactOptionalPropertyTypes: true,
        noEmit: true,
        types: ["node"]
      }
      const config = join(folder, "project", `tsconfig.${module}.json`)
      await writeFile(
        config,
        JSON.stringify({ compilerOptions: { ...options, skipLibCheck: false }, files: ["app.ts"] })
      )
      assert.strictEqual(await withOutput(run(process.execPath, [tsc, "--project", config])), "")
    }
  )

  it("runs in an app that imports its root, its subpaths and its testing modules", async () => {
    const { stderr, stdout } = await run(process.execPath, ["app.ts"], { cwd: join(folder, "project") })
    // Log lines come before it.
    assert.deepStrictEqual(JSON.parse(stdout.slice(stdout.lastIndexOf("{"))), {
      _tag: "Succeeded",
      message: "Stack update complete: the stack was created",
      same: true,
      error: "OperationFailed",
      statuses: 23
    })
    assert.strictEqual(stderr, "")
  })

  it("has each function's zip and policy, and their template, at paths that resolve", async () => {
    const names = [...functionNames.flatMap((name) => [`${name}.zip`, `${name}.policy.json`]), "functions.yaml"]
    const code = `process.stdout.write(JSON.stringify(${JSON.stringify(names)}.map((name) => [
      fileURLToPath(import.meta.resolve("effect-codepipeline/functions/" + name)),
      require.resolve("effect-codepipeline/functions/" + name)
    ])))`
    const imports = "import { fileURLToPath } from 'node:url'; import { createRequire } from 'node:module'; " +
      "const require = createRequire(import.meta.url);"
    const { stdout } = await run(process.execPath, ["--input-type=module", "--eval", imports + code], {
      cwd: join(folder, "project")
    })
    const paths: ReadonlyArray<readonly [string, string]> = JSON.parse(stdout)
    assert.lengthOf(paths, names.length)
    for (const [index, [imported, required]] of paths.entries()) {
      assert.strictEqual(imported, required)
      const content = await readFile(imported)
      if (imported.endsWith(".zip")) assert.strictEqual(content.toString("latin1", 0, 2), "PK", names[index])
      if (imported.endsWith(".json")) assert.isArray(JSON.parse(content.toString()).Statement, names[index])
      if (imported.endsWith(".yaml")) assert.include(content.toString(), "DeployStackFunction", names[index])
    }
  })

  it("has a command that runs the sample in memory, without this repository", async () => {
    const { stderr, stdout } = await npx("run")
    assert.match(stdout, /^deploy-stack on .*deploy-stack\.json, in memory\n[^]*\nSucceeded after \d invocations/)
    assert.strictEqual(stderr, "")
    assert.strictEqual((await npx("--version")).stdout, `${manifest.version}\n`)
  })

  it.skipIf(!hasMoto)(
    `deploys deploy-stack with one command, and then an action of one's own beside it${
      hasMoto ? "" : " (skipped: python3 has no moto here)"
    }`,
    () =>
      Effect.gen(function*() {
        const endpoint = yield* startMoto
        yield* Effect.promise(() => fetch(`${endpoint}/code`, { method: "PUT" }))
        const deploy = (...args: ReadonlyArray<string>) =>
          Effect.promise(() => npx("deploy", ...args, "--bucket=code", `--endpoint-url=${endpoint}`))

        const first = yield* deploy("--actions=deploy-stack", "--parameter=Stacks=shop-*")
        assert.match(
          first.stdout,
          /function +effect-codepipeline\/functions\/deploy-stack\.zip[^]*upload[^]*Stack update complete/
        )
        assert.match(first.stdout, /"FunctionName": "codepipeline-actions-deploy-stack"/)
        assert.strictEqual(first.stderr, "")

        yield* Effect.promise(() => writeFile(join(folder, "project", "wave.ts"), ownAction))
        const plan = yield* deploy("wave.ts", "--dry-run")
        assert.match(plan.stdout, /template +\+ resource Wave \(AWS::Lambda::Function\)/)
        assert.notMatch(plan.stdout, /template +[-~] /)

        const second = yield* deploy("wave.ts")
        assert.match(second.stdout, /unchanged +\S+deploy-stack-[^]*built +dist\/wave\.zip[^]*Stack update complete/)
        assert.match(second.stdout, /"FunctionName": "codepipeline-actions-wave"/)
        assert.strictEqual(second.stderr, "")
        const template = yield* Effect.promise(() => readFile(join(folder, "project/dist/functions.yaml"), "utf8"))
        assert.match(template, /WaveRole:[^]*- sns:Publish\n +Resource: "\*"/)
      }).pipe(Effect.scoped, Effect.runPromise)
  )

  it("has a command that plays the action of one's own, and writes its event", async () => {
    const project = join(folder, "project")
    await mkdir(join(project, "people"))
    await writeFile(join(project, "people/name.txt"), "Ada\n")
    await cp(join(repository, "test/examples/greet.ts"), join(project, "greet.ts"))
    const options = ["--option", "artifact=People", "--option", "file=name.txt"]
    const { stdout } = await npx("run", "--action", "./greet.ts", ...options, "--artifact", "People=people")
    assert.match(stdout, /^\.\/greet\.ts, in memory\n[^]*succeeded {3}Hello, Ada/)
    const event = await npx("event", "./greet.ts", ...options, "--artifact", "People=bucket/key.zip")
    assert.strictEqual(
      JSON.parse(event.stdout)["CodePipeline.job"].data.inputArtifacts[0].location.s3Location.bucketName,
      "bucket"
    )
  })

  it("refuses TypeScript where Node.js does not run it", async () => {
    const { status, stderr } = await runFailing("--no-experimental-strip-types", "run", "--action", "./app.ts")
    assert.match(
      stderr,
      /^\.\/app\.ts is TypeScript, which Node\.js v\S+ does not run: use Node\.js 22\.18 or later .+\n$/
    )
    assert.strictEqual(status, 2)
  })

  it("writes a project that passes its test, runs its action and builds its function", async () => {
    const { stdout } = await npx("init", "my-action")
    assert.match(stdout, /^my-action has a project with an action and its test:\n/)
    const project = join(folder, "project/my-action")
    // Instead of npm install.
    await symlink(join(folder, "project/node_modules"), join(project, "node_modules"))
    assert.match(await withOutput(runIn(project, "npm", "test")), /^. pass 2\n. fail 0$/m)
    const command = (name: string) => withOutput(runIn(project, "npx", "--no-install", "effect-codepipeline", name))
    assert.match(await command("run"), /Version 1\.2\.3[^]*\nSucceeded after 1 invocation/)
    assert.match(await command("build"), /^dist\/read-version\.zip {2}\d+ bytes \(function\.js \d+\)\n$/)
    assert.isTrue((await stat(join(project, "dist/read-version/index.mjs"))).isFile())
  })

  it.each(["effect-codepipeline/internal/zipEntry", "effect-codepipeline/dist/internal/zipEntry.js"])(
    "does not export %s",
    async (name) => {
      const code = `import(${JSON.stringify(name)}).catch(({ code }) => process.stdout.write(code))`
      const { stdout } = await run(process.execPath, ["--eval", code], { cwd: join(folder, "project") })
      assert.strictEqual(stdout, "ERR_PACKAGE_PATH_NOT_EXPORTED")
    }
  )
})

describe("the commands of the documents", () => {
  it.skipIf(!hasBash)(
    `work as a reader runs them${hasMoto ? "" : " (deploy is skipped: python3 has no moto here)"}`,
    () =>
      Effect.gen(function*() {
        const aws = hasMoto ? yield* startMoto : undefined
        if (aws !== undefined) yield* Effect.promise(() => fetch(`${aws}/my-code`, { method: "PUT" }))
        const zip = yield* Effect.promise(() => readFile(join(installed, "dist/functions/deploy-stack.zip")))
        const { code, endpoint: lambda } = yield* startLambda("MY-FUNCTION", zip)
        const run = (file: string) => Effect.promise(() => runCommands(file, join(folder, "project"), { aws, lambda }))
        yield* Effect.forEach(documentsWithCommands, run, { concurrency: 2, discard: true })
        assert.isAtLeast(documentsWithCommands.length, 12)
        // By the command cache of docs/operations/deploying.md.
        assert.property(yield* filesInZip(code()), codeCacheFile)
      }).pipe(Effect.scoped, Effect.runPromise),
    300_000
  )

  it.skipIf(!hasBash || !hasBotocore)(
    `are commands of the AWS CLI with its parameters${hasBotocore ? "" : " (skipped: python3 has no botocore here)"}`,
    async () => {
      const { commands, problems } = await awsProblems(join(folder, "project"))
      assert.strictEqual(problems, "")
      assert.isAtLeast(commands, 10)
    }
  )
})
