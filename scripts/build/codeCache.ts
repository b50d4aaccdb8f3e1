// The protocol between the loader of a built function and `npm run deploy`, which fetches the function's V8 code cache.

/** The code cache, beside `function.js`. It may be absent. */
export const codeCacheFile = "function.cache"

/** The event that requests the code cache: a string, which a CodePipeline job never is. */
export const codeCacheRequest = "effect-codepipeline: code cache"

export type CodeCacheResponse =
  /** V8 has accepted the code cache beside the function. */
  | { readonly usesCodeCache: true }
  /**
   * There is no code cache, or V8 has rejected it. V8 accepts the `codeCache` of this response, gzipped and in base64, for
   * the `function.js` with this SHA-256. V8 itself compares only the length of the source.
   */
  | { readonly usesCodeCache: false; readonly codeCache: string; readonly sha256: string }
