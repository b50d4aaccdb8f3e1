// Compiles a function once for all test files of a run. A compilation takes seconds, and many files need the same function.
import { createHash } from "node:crypto"
import { open, readFile, rename, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { setTimeout } from "node:timers/promises"
import { inject } from "vitest"
import { type Bundle, compile } from "../../scripts/build/bundle.ts"

type Result = { readonly bundle: Bundle } | { readonly error: string }

const isCode = (cause: unknown, code: string) => cause instanceof Error && "code" in cause && cause.code === code

/** Undefined if another file has created it. */
const createFile = (path: string) =>
  open(path, "wx").catch((cause: unknown) => isCode(cause, "EEXIST") ? undefined : Promise.reject(cause))

const readWhenWritten = async (path: string): Promise<string> => {
  for (;;) {
    const text = await readFile(path, "utf8").catch((cause: unknown) =>
      isCode(cause, "ENOENT") ? undefined : Promise.reject(cause)
    )
    if (text !== undefined) return text
    await setTimeout(100)
  }
}

/** The same as `compile`. The first test file that needs the module compiles it; the others wait for its result. */
export const compileOnce = async (module: string): Promise<Bundle> => {
  const path = join(inject("runFolder"), `${createHash("sha256").update(module).digest("hex")}.json`)
  const lock = await createFile(`${path}.lock`)
  if (lock !== undefined) {
    await lock.close()
    const result: Result = await compile(module).then((bundle) => ({ bundle }), (cause) => ({ error: String(cause) }))
    await writeFile(`${path}.part`, JSON.stringify(result))
    await rename(`${path}.part`, path)
  }
  const result = JSON.parse(await readWhenWritten(path)) as Result
  if ("error" in result) throw new Error(result.error)
  return result.bundle
}
