import { assert, describe, it } from "@effect/vitest"
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { makeFolder } from "../../src/cli/makeFolder.ts"

const inFolder = async (use: (folder: string) => Promise<void>) => {
  const folder = await mkdtemp(join(tmpdir(), "make-folder-"))
  try {
    await use(folder)
  } finally {
    await rm(folder, { recursive: true })
  }
}

const codeOf = (made: Promise<void>) => made.then(() => "made", ({ code }: NodeJS.ErrnoException) => code)

describe("makeFolder", () => {
  it("creates the folders above, also when another call does the same, and accepts those that exist", () =>
    inFolder(async (folder) => {
      const path = join(folder, "a/b/c")
      await Promise.all([makeFolder(path), makeFolder(path), makeFolder(join(folder, "a/b/d"))])
      await makeFolder(path)
      assert.isTrue((await stat(path)).isDirectory())
      assert.isTrue((await stat(join(folder, "a/b/d"))).isDirectory())
    }))

  it("fails where a file has the name", () =>
    inFolder(async (folder) => {
      await writeFile(join(folder, "file"), "")
      assert.strictEqual(await codeOf(makeFolder(join(folder, "file"))), "EEXIST")
      assert.strictEqual(await codeOf(makeFolder(join(folder, "file/a"))), "ENOTDIR")
    }))

  it.skipIf(process.platform !== "linux")(
    "fails where the system creates no folders, and does not try for ever",
    async () => {
      assert.strictEqual(await codeOf(makeFolder("/proc/no-such-process/a")), "ENOENT")
    }
  )
})
