import { fileURLToPath } from "node:url"
import { defineConfig } from "vitest/config"

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url))

/** The model and the thousands of runs have their turn in `npm test`; counted line by line they would take minutes. */
const counting = process.argv.includes("--coverage")

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
    exclude: counting ? ["test/model/**"] : [],
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
