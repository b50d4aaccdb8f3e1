// The index.mjs of a function that is built with a source map.
import { mapStackTraces } from "./mapStackTraces.ts"

mapStackTraces()

// Not before: the function may fail while it loads.
export const { handler, run } = await import("./loader.ts")
