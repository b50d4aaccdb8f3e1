// Creates a folder.
import { mkdir, stat } from "node:fs/promises"
import { dirname } from "node:path"

const codeOf = (cause: unknown) => cause instanceof Error && "code" in cause ? cause.code : undefined

/**
 * Creates a folder, and those above it that do not exist. Node's `mkdir` with `recursive` never ends where the system has a
 * folder but lets nobody create another one in it by saying that it does not exist, as in `/proc`.
 */
export const makeFolder = async (path: string): Promise<void> => {
  try {
    await mkdir(path)
  } catch (cause) {
    if (codeOf(cause) === "EEXIST" && (await stat(path)).isDirectory()) return
    const above = dirname(path)
    if (codeOf(cause) !== "ENOENT" || above === path) throw cause
    await makeFolder(above)
    // Another process may have created it since.
    await mkdir(path).catch((cause: unknown) => codeOf(cause) === "EEXIST" ? undefined : Promise.reject(cause))
  }
}
