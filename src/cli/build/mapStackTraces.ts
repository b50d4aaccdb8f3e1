// In the index.mjs of a function that is built with a source map: stack traces name the sources. Node applies source maps
// to modules, but not to scripts.

// Not imported: a bundle adds code for each import.
const { getBuiltinModule } = process
const { readFileSync } = getBuiltinModule("node:fs")
const { SourceMap } = getBuiltinModule("node:module")
const { join } = getBuiltinModule("node:path")

const filename = join(import.meta.dirname, "function.js")

let map: InstanceType<typeof SourceMap> | undefined

const readMap = () => map ??= new SourceMap(JSON.parse(readFileSync(`${filename}.map`, "utf8")))

const frameOf = (site: NodeJS.CallSite): string => {
  const [line, column] = [site.getLineNumber(), site.getColumnNumber()]
  if (site.getFileName() !== filename || line === null || column === null) return String(site)
  const origin = readMap().findOrigin(line, column)
  return "fileName" in origin
    ? String(site).replace(
      `${filename}:${line}:${column}`,
      `${origin.fileName}:${origin.lineNumber}:${origin.columnNumber}`
    )
    : String(site)
}

const headOf = (error: Error): string => {
  try {
    return String(error)
  } catch {
    return "Error"
  }
}

/** Lets all stack traces name the sources. */
export const mapStackTraces = (): void => {
  Error.prepareStackTrace = (error, sites) => [headOf(error), ...sites.map(frameOf)].join("\n    at ")
}
