import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { chosenAction } from "../../../src/cli/action/chosenAction.ts"
import { exportedAction } from "../../../src/cli/action/exportedAction.ts"
import { Action, CodePipeline, DeployStack, Lambda } from "../../../src/index.ts"
import { runInOneProcess } from "../../scripts/inOneProcess.ts"

const make = (name: string) =>
  Action.makeStateless({
    name,
    parameters: Schema.String,
    start: () => Effect.succeed(Action.Step.Done({ message: name }))
  })({})

const first = make("first")
const second = make("second")
const handlerOf = (action: typeof first) => Lambda.handler(action, CodePipeline.layer)
const withLayer = { action: second, layer: Layer.empty }

const nameOf = (exports: Readonly<Record<string, unknown>>, name?: string) =>
  Effect.map(exportedAction(exports, "./a.ts", name), ({ action }) => action.name)

describe("the action of a module", () => {
  it.effect.each<readonly [what: string, exports: Readonly<Record<string, unknown>>, name: string | undefined]>([
    ["of its only action", { second, other: 1 }, undefined],
    ["of its default export", { first, default: second }, undefined],
    ["of its handler", { first, handler: handlerOf(second), default: first }, undefined],
    ["of its only handler, whatever its name is", { first, run: handlerOf(second) }, undefined],
    ["of an object with a layer", { first, withLayer }, undefined],
    ["of the export that is named", { handler: handlerOf(first), second }, "second"]
  ])("is that %s", ([, exports, name]) =>
    Effect.gen(function*() {
      assert.strictEqual(yield* nameOf(exports, name), "second")
    }))

  it.effect.each<readonly [exports: Readonly<Record<string, unknown>>, name: string | undefined, message: string]>([
    [{}, undefined, "./a.ts exports no action: export a handler made by Lambda.handler, an action made by"],
    [{ handler: () => first }, undefined, "./a.ts exports no action"],
    [
      { first, second },
      undefined,
      "./a.ts exports several actions: name one, as in ./a.ts#first (they are first, second)"
    ],
    [{ first }, "frst", "./a.ts has no export frst; did you mean first?"],
    [{ first, other: 1 }, "other", "the export other of ./a.ts is not an action: export a handler"]
  ])("is refused in a module that exports %j (%s): %s", ([exports, name, message]) =>
    Effect.gen(function*() {
      assert.include((yield* Effect.flip(nameOf(exports, name))).message, message)
    }))
})

it.effect("a ready-made action is known by its name", () =>
  Effect.gen(function*() {
    const { action, readyMade } = yield* chosenAction("deploy-stack")
    assert.strictEqual(action, DeployStack)
    assert.strictEqual(readyMade, "deploy-stack")
  }))

describe("a module that cannot be used", () => {
  const files = {
    "enum.ts": "export enum Colour { Red }\n",
    "syntax.ts": "export const a = 1\nexport const b = = 2\n",
    "throws.ts":
      "const url: string | undefined = undefined\n\nif (!url) throw new Error(\"DESK_URL\\n  is not set\")\n",
    "imports.mjs": "import \"no-such-package\"\n",
    "other.txt": "text",
    "empty.js": "",
    "common/package.json": "{ \"type\": \"commonjs\" }",
    "common/import.ts": "import { join } from \"node:path\"\n\njoin(\"a\")\n",
    "common/export.js": "export const a = 1\n",
    "other/node_modules/effect-codepipeline/package.json": "{}",
    "other/action.js": ""
  }
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "effect-codepipeline-"))
    for (const [name, text] of Object.entries(files)) {
      await mkdir(dirname(join(folder, name)), { recursive: true })
      await writeFile(join(folder, name), text)
    }
  })
  afterAll(() => rm(folder, { recursive: true }))

  const cases: ReadonlyArray<readonly [name: string, message: RegExp]> = [
    ["missing.ts", /^\S+missing\.ts does not exist$/],
    [".", /\/\. is not a file$/],
    ["enum.ts", /^\S+enum\.ts has TypeScript that Node\.js cannot run by removing types, such as an enum: .+ enum /],
    ["syntax.ts", /^\S+syntax\.ts does not compile: .+/],
    ["throws.ts", /^\S+throws\.ts fails while it is loaded: DESK_URL is not set \(\S+throws\.ts:3:\d+\)$/],
    ["imports.mjs", /^\S+imports\.mjs cannot be loaded: Cannot find package 'no-such-package' imported from/],
    ["other.txt", /^\S+other\.txt fails while it is loaded: Unknown file extension "\.txt"/],
    ["empty.js", /^\S+empty\.js exports no action: /],
    ["common/import.ts", /import\.ts is not loaded as an ES module: set "type": "module" in package\.json/],
    ["common/export.js", /export\.js is not loaded as an ES module: set "type": "module" in package\.json/],
    [
      "other/action.js",
      /action\.js imports effect-codepipeline from \S+\/other\/node_modules\/effect-codepipeline, which/
    ]
  ]

  it("is refused in one line that says what is wrong with it", async () => {
    const printed = await runInOneProcess(
      cases.map(([name]) => ["src/cli/main.ts", "run", "--action", `${folder}/${name}`])
    )
    for (const [index, [, message]] of cases.entries()) {
      const { status, stderr = "", stdout } = printed[index] ?? {}
      // Node.js also warns of a CommonJS module in ES syntax.
      const lines = stderr.replaceAll(/^\(.*[wW]arning.*\n/gm, "")
      assert.match(lines, /^.+\n$/)
      assert.match(lines.trimEnd(), message)
      assert.strictEqual(stdout, "")
      assert.strictEqual(status, 2)
    }
  })
})
