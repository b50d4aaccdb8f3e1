// Runs the tests of built functions with Lambda's own runtime client.
import { fileURLToPath } from "node:url"
import { mergeConfig } from "vitest/config"
import base from "../../vitest.config.ts"

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url))

const config = mergeConfig(base, {
  root: path("../.."),
  test: { env: { LAMBDA_RUNTIME_CLIENT: path("node_modules/aws-lambda-ric/index.mjs") } }
})

const files = ["lifecycle", "bundle", "checkWebpage"].map((name) => `test/lambda/${name}.test.ts`)

export default {
  ...config,
  test: { ...config.test, projects: [{ extends: true, test: { name: "runtime client", include: files } }] }
}
