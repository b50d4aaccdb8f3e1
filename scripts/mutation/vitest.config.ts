import { defineConfig } from "vitest/config"

/**
 * The tests of the mutated modules themselves. Each mutant is run by the tests that cover it. Tests of whole actions cover
 * nearly all of them, so with them, a run takes hours.
 */
export default defineConfig({
  test: {
    setupFiles: ["test/seed.ts"],
    testTimeout: 60_000,
    include: [
      "test/domain/**/*.test.ts",
      "test/JobRunner.test.ts",
      "test/runtime/Telemetry.test.ts"
    ]
  }
})
