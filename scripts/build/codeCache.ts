// What the loader of a built function and `npm run deploy` agree on: how the one gives the other what V8 has compiled.

/** Beside `function.js`, where there is one. */
export const codeCacheFile = "function.cache"

/** The event that asks for it: a text, which a job of CodePipeline never is. */
export const codeCacheRequest = "effect-codepipeline: compiled code"

export type CodeCacheResponse =
  /** V8 has taken what lies beside the function. */
  | { readonly isCompiled: true }
  /**
   * Nothing lies there, or V8 does not take it. This it would take, for the `function.js` of this SHA-256 and no other: V8
   * itself compares no more than the length. Gzipped, in base64.
   */
  | { readonly isCompiled: false; readonly code: string; readonly sha256: string }
