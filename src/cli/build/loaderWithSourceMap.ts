// The index.mjs of a function that is built with a source map.
export * from "./sourceMaps.ts"

export * from "./loader.ts"
