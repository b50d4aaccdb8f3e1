// Loads nativeClient.cjs in place of the native part of Lambda's runtime client, which npm cannot install without a compiler.
import { registerHooks } from "node:module"

registerHooks({
  resolve: (specifier, context, nextResolve) =>
    specifier === "./rapid-client.node"
      ? { url: new URL("nativeClient.cjs", import.meta.url).href, format: "commonjs", shortCircuit: true }
      : nextResolve(specifier, context)
})
