// Everything random in the tests comes from one seed, so that a run can be repeated: the values of properties, the
// jitter of retries, and incompressible bytes. The default seed is fixed. SEED=123 uses another one, and SEED=random a
// random one, which vitest.config.ts draws and prints. This module is a setup file of Vitest: it runs before each test
// file.
import { beforeEach } from "@effect/vitest"
import { Arbitrary } from "effect"
import { createCipheriv, createHash } from "node:crypto"

const seed = process.env["SEED"] ?? "1"

/** Sets the number of values that each property of a test file is checked with. */
export const setRuns = (runs: number) => Arbitrary.configureGlobal({ check: { runs, seed } })

Arbitrary.configureGlobal({ check: { seed } })

const key = createHash("sha256").update(seed).digest()

/** Bytes that no compression makes smaller. Those of another `stream` are different. */
export const incompressible = (length: number, stream = 0): Buffer => {
  const initial = Buffer.alloc(16)
  initial.writeUInt32BE(stream)
  return createCipheriv("aes-256-ctr", key, initial).update(Buffer.alloc(length))
}

/** Mulberry32: numbers from 0 to 1, of which Effect's `Random` makes its own. */
const generator = (state: number) => () => {
  state = (state + 0x6d2b79f5) | 0
  let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
}

// Before each test, so that a test alone sees the same numbers as in a whole run.
beforeEach(() => {
  Math.random = generator(key.readInt32BE())
})
