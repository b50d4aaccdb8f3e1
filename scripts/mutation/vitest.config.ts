import { defineConfig } from "vitest/config"

/** The quick tests of the mutated code. Each mutant is run by the tests that cover it. */
export default defineConfig({
  test: {
    setupFiles: ["test/seed.ts"],
    include: [
      "test/domain/**/*.test.ts",
      "test/actions/deployStack/DeployStack.test.ts",
      "test/JobRunner.test.ts",
      "test/lambda/handler.test.ts",
      "test/runtime/Telemetry.test.ts"
    ]
  }
})
