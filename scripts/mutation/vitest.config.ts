import { defineConfig } from "vitest/config"

/** The tests that are about what is mutated, and quick: a mutant is shown to each that comes by it. */
export default defineConfig({
  test: {
    include: [
      "test/domain/**/*.test.ts",
      "test/actions/deployStack/DeployStack.test.ts",
      "test/JobRunner.test.ts",
      "test/lambda/handler.test.ts",
      "test/runtime/Telemetry.test.ts"
    ]
  }
})
