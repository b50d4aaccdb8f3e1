import { randomInt } from "node:crypto"
import { fileURLToPath } from "node:url"
import { defineConfig } from "vitest/config"
import { BaseSequencer, type TestSpecification } from "vitest/node"

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url))

/** See test/seed.ts. */
const readSeed = () => {
  const { SEED = "1" } = process.env
  if (SEED !== "random") return SEED
  const seed = String(randomInt(2 ** 32))
  process.stderr.write(`Random seed. To repeat this run, set SEED=${seed}\n`)
  return seed
}

/**
 * `npm run coverage` skips the slow tests that cover no further line (measured): the model, and the tests of the scripts,
 * of the command, of the package and of functions in processes of their own. `npm test` runs them. Only the test of
 * `event` covers something that no other test covers.
 */
const counting = process.argv.includes("--coverage")

/** Whether a line is covered must not depend on random data. */
const countedData = { SEED: "1", RUNS: "500" }

const notCounted = [
  "test/model/**",
  "test/scripts/**",
  "test/cli/**/!(event).test.ts",
  "test/package.test.ts",
  "test/lambda/security/**",
  ...["bundle", "checkWebpage", "doNoHarm", "lifecycle"].map((name) => `test/lambda/${name}.test.ts`),
  "test/**/moto*.test.ts"
]

/**
 * Tests of these folders change nothing that they do not put back. So they share the workers and the modules that those
 * have loaded: those of actions and domain take 0.6 of the time (measured). All others have a worker for each file.
 */
const inSharedWorkers = ["actions", "contract", "domain", "testing"].map((folder) => `test/${folder}/**/*.test.ts`)

const isSlow = ({ moduleId }: TestSpecification) => /\/test\/model\/|\/runs\.test\.ts$/.test(moduleId)

/** Starts the slowest files first, so that no processor waits for one of them at the end. */
class SlowestFirst extends BaseSequencer {
  override sort(files: Array<TestSpecification>) {
    const ordered = [...files.filter(isSlow), ...files.filter((file) => !isSlow(file))]
    return Promise.resolve(ordered)
  }
}

export default defineConfig({
  resolve: {
    // The README's examples import the package by its name.
    alias: [
      { find: /^effect-codepipeline$/, replacement: path("src/index.ts") },
      { find: /^effect-codepipeline\/testing$/, replacement: path("src/testing/index.ts") }
    ]
  },
  test: {
    projects: [
      {
        extends: true,
        test: { name: "shared workers", isolate: false, include: inSharedWorkers, exclude: counting ? notCounted : [] }
      },
      {
        extends: true,
        test: {
          name: "own workers",
          include: ["test/**/*.test.ts"],
          exclude: [...inSharedWorkers, ...(counting ? notCounted : [])]
        }
      }
    ],
    globalSetup: ["test/globalSetup.ts"],
    setupFiles: ["test/seed.ts"],
    // The default leaves one processor to Vitest, which needs little of it.
    maxWorkers: "100%",
    sequence: { sequencer: SlowestFirst },
    env: counting ? countedData : { SEED: readSeed() },
    // Catches a test that hangs. On a busy machine, a property with a thousand runs may take many seconds.
    testTimeout: 60_000,
    // Hooks wait for compilations, which take a minute on a busy machine.
    hookTimeout: 180_000,
    coverage: {
      provider: "v8",
      include: ["src/**"],
      // The command runs in processes of its own.
      exclude: ["src/cli/**"],
      reporter: ["text"],
      thresholds: {
        lines: 95,
        statements: 95,
        branches: 95,
        functions: 95,
        "src/domain/**": { lines: 100, branches: 100, functions: 100, statements: 100 }
      }
    }
  }
})
