// A warm container of a built function, for the benchmark of load: a process that receives events and reports how each
// ended, and its memory when it is idle.
import process from "node:process"
import { setImmediate } from "node:timers/promises"
import type { handler as Handler } from "../../src/lambda/deployStack.ts"

export type Order =
  | { readonly id: number; readonly event: unknown }
  | { readonly id: number; readonly event?: undefined }

/** Bytes. */
export interface Memory {
  readonly heap: number
  readonly rss: number
}

export interface Reply {
  readonly id: number
  /** The reason if the handler was rejected. */
  readonly rejected?: string
  readonly memory?: Memory
}

const { handler } = await import(process.argv[2] ?? "") as { readonly handler: typeof Handler }

const invoke = (event: unknown) => {
  const end = Date.now() + 60_000
  return handler(event, { getRemainingTimeInMillis: () => end - Date.now() })
}

/** Measures after finalizers and connections have finished. */
const measure = async (): Promise<Memory> => {
  for (let round = 0; round < 5; round++) {
    globalThis.gc?.()
    await setImmediate()
  }
  const { heapUsed: heap, rss } = process.memoryUsage()
  return { heap, rss }
}

const execute = async ({ event, id }: Order): Promise<Reply> => {
  if (event === undefined) return { id, memory: await measure() }
  return invoke(event).then(() => ({ id }), (cause: unknown) => ({ id, rejected: String(cause) }))
}

process.on("message", async (order: Order) => process.send?.(await execute(order)))
process.on("disconnect", () => process.exit())
