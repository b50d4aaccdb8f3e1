// Writes a built function.
import * as Effect from "effect/Effect"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { reason } from "../commandLine/usage.ts"
import { makeFolder } from "../makeFolder.ts"
import type { BuiltFunction } from "./buildFunction.ts"
import { BuildFailed } from "./compile.ts"

/** Writes `OUT/NAME.zip`, and what is in it to `OUT/NAME/`. Returns the path of the zip. */
export const writeFunction = Effect.fn("writeFunction")(function*({ files, name, zip }: BuiltFunction, out: string) {
  const path = join(out, `${name}.zip`)
  yield* Effect.tryPromise({
    try: async () => {
      await makeFolder(join(out, name))
      for (const [file, bytes] of Object.entries(files)) await writeFile(join(out, name, file), bytes)
      await writeFile(path, zip)
    },
    catch: (cause) => new BuildFailed({ message: `the function ${name} could not be written: ${reason(cause)}` })
  })
  return path
})
