// Stands in for the polyfill `globalthis`, which `yauzl-promise` brings with it.
export default () => globalThis
