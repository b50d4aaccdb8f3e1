// The code cache of a built function: its file, and the protocol between the function's loader and `npm run deploy`, which
// fetches the file.

// Not imported: a bundle adds code for each import.
const { crc32 } = process.getBuiltinModule("node:zlib")

/** The file of the code cache, beside `function.js`. It may be absent. */
export const codeCacheFile = "function.cache"

const checksumBytes = 4

/**
 * The checksum is that of the code cache after the source. V8 itself compares only the length of the source, and reads a
 * damaged code cache until the process crashes.
 */
const checksumOf = (codeCache: Uint8Array, source: Uint8Array) => crc32(codeCache, crc32(source))

/** The content of the file: V8's code cache for this source, then its CRC-32 (little-endian). */
export const sealed = (codeCache: Uint8Array, source: Uint8Array): Uint8Array => {
  const checksum = Buffer.alloc(checksumBytes)
  checksum.writeUInt32LE(checksumOf(codeCache, source))
  return Buffer.concat([codeCache, checksum])
}

/** The code cache in the file, or `undefined` if the file is damaged or for another source. */
export const unsealed = (file: Buffer, source: Uint8Array): Buffer | undefined => {
  const end = file.length - checksumBytes
  if (end <= 0) return undefined
  // The code cache begins where the file does, because V8 copies one that is not aligned.
  const codeCache = file.subarray(0, end)
  return checksumOf(codeCache, source) === file.readUInt32LE(end) ? codeCache : undefined
}

/** The event that requests the code cache: a string, which a CodePipeline job never is. */
export const codeCacheRequest = "effect-codepipeline: code cache"

export type CodeCacheResponse =
  /** V8 has accepted the code cache beside the function. */
  | { readonly usesCodeCache: true }
  /**
   * There is no code cache, or it is damaged, or V8 has rejected it. `codeCache` is the content of the file, gzipped and in
   * base64, for the `function.js` with this SHA-256.
   */
  | { readonly usesCodeCache: false; readonly codeCache: string; readonly sha256: string }
