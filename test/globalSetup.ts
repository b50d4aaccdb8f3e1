// A folder that all test files of a run share, for what takes long to build: see test/lambda/compileOnce.ts.
import { mkdir, mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { TestProject } from "vitest/node"

declare module "vitest" {
  interface ProvidedContext {
    readonly runFolder: string
  }
}

export default async (project: TestProject) => {
  const folder = await mkdtemp(join(tmpdir(), "effect-codepipeline-run-"))
  project.provide("runFolder", folder)
  const remove = () => rm(folder, { recursive: true })
  // In watch mode, the code has changed.
  project.onTestsRerun(async () => {
    await remove()
    await mkdir(folder)
  })
  return remove
}
