import { fileURLToPath } from "node:url"
import { defineConfig } from "vitest/config"

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url))

/**
 * What is left out where lines are counted has its turn in `npm test`: the model and the thousands of runs, which would
 * take minutes, and tests of the scripts, of the package and of functions in processes of their own. They double the
 * time, and add no line and two branches (measured); only that of `npm run event` covers what nothing else does.
 */
const counting = process.argv.includes("--coverage")
const notCounted = [
  "test/model/**",
  "test/scripts/**/!(event).test.ts",
  "test/package.test.ts",
  ...["bundle", "checkWebpage", "lifecycle"].map((name) => `test/lambda/${name}.test.ts`)
]

export default defineConfig({
  resolve: {
    // The README's examples import the package by its name.
    alias: [
      { find: /^effect-codepipeline$/, replacement: path("src/index.ts") },
      { find: /^effect-codepipeline\/testing$/, replacement: path("src/testing/index.ts") }
    ]
  },
  test: {
    include: ["test/**/*.test.ts"],
    exclude: counting ? notCounted : [],
    env: counting ? { RUNS: "500" } : {},
    // Against what hangs, not against a busy machine: a property of a thousand runs may take its time there.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    coverage: {
      provider: "v8",
      include: ["src/**"],
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
