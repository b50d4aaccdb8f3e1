import { assert, it } from "@effect/vitest"
import { readFileSync } from "node:fs"

const read = (file: string) => readFileSync(new URL(`../../../${file}`, import.meta.url), "utf8")

// typedoc names a module by its subpath, checks the links of its start page, and requires docstrings: npm run docs.
it("the start page of the API reference has each public module of package.json exactly once", () => {
  const { exports } = JSON.parse(read("package.json")) as { readonly exports: Readonly<Record<string, string>> }
  const modules = Object.entries(exports).filter(([, file]) => file.endsWith(".js")).map(([subpath]) =>
    subpath === "." ? "effect-codepipeline" : subpath.slice("./".length)
  )
  const links = Array.from(read("scripts/docs/api.md").matchAll(/\{@link ([^!]+)! \| ([^}]+)\}/g))
  assert.deepStrictEqual(links.map(([, module]) => module).toSorted(), modules.toSorted())
  assert.deepStrictEqual(links.filter(([, module, words]) => module !== words), [])
})
