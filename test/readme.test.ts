import { assert, it } from "@effect/vitest"
import { readme } from "../scripts/readme.ts"

it("README.md has what the code says; else: npm run readme", async () => {
  const { current, present } = await readme()
  assert.strictEqual(present, current)
})
