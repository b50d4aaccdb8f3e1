import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { readOwnFunctions } from "../../../../src/cli/deploy/code/ownFunctions.ts"

const handler = "export const handler = async () => {}\n"

/** Writes modules into a temporary folder, and reads them as functions of a stack. */
const readModules = Effect.fnUntraced(function*(
  modules: Readonly<Record<string, string>>,
  { entries = Object.keys(modules), stack = "actions" }: {
    readonly entries?: ReadonlyArray<string>
    readonly stack?: string
  } = {}
) {
  const folder = yield* Effect.acquireRelease(
    Effect.promise(() => mkdtemp(join(tmpdir(), "effect-codepipeline-"))),
    (folder) => Effect.promise(() => rm(folder, { recursive: true }))
  )
  for (const [file, code] of Object.entries(modules)) {
    const path = join(folder, file)
    yield* Effect.promise(() => mkdir(dirname(path), { recursive: true }).then(() => writeFile(path, code)))
  }
  return yield* readOwnFunctions(entries.map((entry) => join(folder, entry)), stack)
}, Effect.scoped)

describe("a module of one's own", () => {
  it.effect("is a function with the name of its file, and with the permissions that it exports", () =>
    Effect.gen(function*() {
      const permissions = `export const permissions = [{ actions: ["ecs:RunTask"], resources: ["*"] }]`
      const functions = yield* readModules({
        "runTask.mjs": handler + permissions,
        "greet.mjs": handler,
        "copy/index.mjs": handler
      })
      assert.deepStrictEqual(functions.map(({ name, permissions }) => [name, permissions]), [
        ["run-task", [{ actions: ["ecs:RunTask"], resources: ["*"] }]],
        ["greet", []],
        ["copy", []]
      ])
    }))

  it.effect("has the UserParameters that its action requires", () =>
    Effect.gen(function*() {
      const [runTask] = yield* readOwnFunctions(["test/examples/runTask.ts"], "actions")
      assert.deepStrictEqual(runTask?.parameters, ["cluster", "task", "subnets"])
      const [greet] = yield* readModules({ "greet.mjs": handler })
      assert.deepStrictEqual(greet?.parameters, [])
    }))

  it.effect.each<readonly [what: string, modules: Readonly<Record<string, string>>, message: RegExp]>([
    [
      "that exports no handler",
      { "greet.mjs": "export const run = 1" },
      /greet\.mjs does not export a function as handler\. Write: export const handler/
    ],
    [
      "that throws",
      { "greet.mjs": "throw new Error('no network')" },
      /greet\.mjs fails while it is loaded: no network/
    ],
    [
      "whose permissions have no resource",
      { "greet.mjs": `${handler}export const permissions = [{ actions: ["ecs:RunTask"] }]` },
      /greet\.mjs: its permissions are wrong: Missing key\n {2}at \[0\]\["resources"\]/
    ],
    [
      "whose permissions name no call",
      { "greet.mjs": `${handler}export const permissions = [{ actions: ["RunTask"], resources: ["*"] }]` },
      /its permissions are wrong: /
    ],
    [
      "whose permissions have a resource that is none",
      { "greet.mjs": `${handler}export const permissions = [{ actions: ["s3:GetObject"], resources: ["bucket"] }]` },
      /an ARN or "\*"/
    ],
    [
      "that has the name of a ready-made function",
      { "deployStack.mjs": handler },
      /this package has a function deploy-stack; rename the file/
    ],
    ["whose name begins with a digit", { "1st.mjs": handler }, /"1st" cannot be the name of a function; rename/],
    [
      "whose name is that of another module",
      { "a/greet.mjs": handler, "b/greet.mjs": handler },
      /a\/greet\.mjs and \S+b\/greet\.mjs would both be the function greet/
    ]
  ])("%s is refused", ([, modules, message]) =>
    Effect.gen(function*() {
      assert.match((yield* Effect.flip(readModules(modules))).message, message)
    }))

  it.effect("is refused when it does not exist, or is given twice", () =>
    Effect.gen(function*() {
      const missing = yield* Effect.flip(readModules({}, { entries: ["greet.ts"] }))
      assert.match(missing.message, /greet\.ts is not a file$/)
      const twice = { entries: ["greet.mjs", "greet.mjs"] }
      assert.match((yield* Effect.flip(readModules({ "greet.mjs": handler }, twice))).message, /is given twice$/)
    }))

  it.effect("is refused when its name is too long for Lambda together with the stack's", () =>
    Effect.gen(function*() {
      const name = "a".repeat(20)
      const { message } = yield* Effect.flip(readModules({ [`${name}.mjs`]: handler }, { stack: "s".repeat(50) }))
      assert.match(message, /has 71 characters, and Lambda allows 64; rename the file/)
    }))
})
