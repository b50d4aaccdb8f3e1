// esbuild, which a project that builds functions has installed. It is an optional peer of this package.
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as EsbuildModule from "esbuild"
import { createRequire } from "node:module"
import { dirname } from "node:path"
import { pathToFileURL } from "node:url"
import { lazyBuiltins, smallerEffect } from "./plugins.ts"

export type Esbuild = Pick<typeof EsbuildModule, "build">

/** The project of an entry does not have esbuild. */
export class EsbuildMissing extends Schema.TaggedError<EsbuildMissing>()("EsbuildMissing", {}) {
  override get message() {
    return "build needs esbuild: npm install --save-dev esbuild"
  }
}

/** Loads the esbuild of the project that has the entry, or of the project in this folder. */
export const loadEsbuild = (entry: string, folder: string): Effect.Effect<Esbuild, EsbuildMissing> =>
  Effect.tryPromise({
    try: async (): Promise<Esbuild> => {
      const { resolve } = createRequire(import.meta.url)
      return import(pathToFileURL(resolve("esbuild", { paths: [dirname(entry), folder] })).href)
    },
    catch: () => new EsbuildMissing()
  })

/** Bundles into one module that needs only Node, on any architecture. */
export const bundleOptions = {
  outExtension: { ".js": ".mjs" },
  bundle: true,
  minify: true,
  platform: "node",
  target: "node24",
  format: "esm",
  mainFields: ["module", "main"],
  legalComments: "none",
  // Effect reads Vite's environment, which does not exist here.
  define: { "import.meta.env": "undefined" },
  logLevel: "warning",
  plugins: [lazyBuiltins, smallerEffect]
} as const satisfies EsbuildModule.BuildOptions

/** `src/greet.ts:3:5: …` */
export const textOf = ({ location, text }: Pick<EsbuildModule.Message, "location" | "text">): string =>
  location === null ? text : `${location.file}:${location.line}:${location.column + 1}: ${text}`
