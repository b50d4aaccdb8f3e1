// A process of its own, in which `checkLoads` loads a function. It sends what it has found to the parent process.
import { argv } from "node:process"
import { pathToFileURL } from "node:url"

/** What the process sends: the type of the handler, or why the function does not load. */
export type LoadResult = { readonly handler: string } | { readonly error: string }

const textOf = (cause: unknown) => cause instanceof Error ? cause.stack ?? String(cause) : String(cause)

const load = (path: string): Promise<LoadResult> =>
  import(pathToFileURL(path).href).then(
    ({ run }) => ({ handler: typeof run }),
    (cause) => ({ error: textOf(cause) })
  )

const [, , path = ""] = argv
const result = await load(path)
// The function may have opened connections. Nothing waits for them.
process.send?.(result, undefined, undefined, () => process.exit())
