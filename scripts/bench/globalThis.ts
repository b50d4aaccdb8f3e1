// Replaces the polyfill `globalthis` of `yauzl-promise` in the bundles of the benchmarks.
export default () => globalThis
