import { assert, describe, it } from "@effect/vitest"
import { Effect, Random, Schema } from "effect"
import { execFile } from "node:child_process"
import { globSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"

const repository = fileURLToPath(new URL("..", import.meta.url))

const drawn: Array<ReadonlyArray<unknown>> = []
for (const attempt of [1, 2]) {
  const values: Array<unknown> = []
  drawn.push(values)
  it.prop(
    `check ${attempt} of a property draws its values from the seed`,
    [Schema.String, Schema.Finite],
    ([text, number]) => {
      values.push(`${number} ${text}`)
    }
  )
  it.effect(`draw ${attempt} of random numbers comes from the seed`, () =>
    Effect.gen(function*() {
      values.push(yield* Random.next, yield* Random.nextInt)
    }))
}

it("two checks of a property draw the same values, and two tests the same random numbers", () => {
  assert.isAtLeast(new Set(drawn[0]).size, 50)
  assert.deepStrictEqual(drawn[0], drawn[1])
})

it("incompressible bytes are the same for the same stream, and differ from those of another", async () => {
  // Imported above, it would take the place of the setup file, which the other tests are about.
  const { incompressible } = await import("./seed.ts")
  assert.deepStrictEqual(incompressible(100), incompressible(100))
  assert.notDeepEqual(incompressible(100), incompressible(100, 1))
})

it("no test draws random data from anything but the seed", () => {
  const outside = globSync("test/**/*.ts", { cwd: repository, exclude: ["test/seed.ts", "test/seed.test.ts"] })
    .filter((file) =>
      /configureGlobal|randomBytes|randomInt|getRandomValues/.test(readFileSync(`${repository}/${file}`, "utf8"))
    )
  assert.deepStrictEqual(outside, [])
})

/** The seed that Vitest's configuration passes on to the tests, and the message for the person who runs them. */
const configured = async (SEED: string | undefined) => {
  const print = `import("./vitest.config.ts").then(({ default: { test } }) => console.log(test.env.SEED))`
  const { stderr, stdout } = await promisify(execFile)(process.execPath, ["--eval", print], {
    cwd: repository,
    env: { ...process.env, SEED }
  })
  return { seed: stdout.trim(), message: stderr.trim() }
}

describe("SEED", () => {
  it("is fixed by default", async () => {
    assert.deepStrictEqual(await configured(undefined), { seed: "1", message: "" })
  })

  it("replays the run of the seed that it names", async () => {
    assert.deepStrictEqual(await configured("123"), { seed: "123", message: "" })
  })

  it("explores with a random seed, which is printed, when it is random", async () => {
    const { message, seed } = await configured("random")
    assert.match(seed, /^\d+$/)
    assert.strictEqual(message, `Random seed. To repeat this run, set SEED=${seed}`)
    assert.notStrictEqual((await configured("random")).seed, seed)
  })
})
