// Recognises the addresses that a redirect must not lead to: those of the machine that runs the check, and of its link.

export type LocalKind = "loopback" | "link-local" | "unspecified" | "multicast"

/** Source: IANA's special-purpose address registries (RFC 6890), and RFC 5771 for multicast. */
const kindOfIpv4 = (first: number, second: number): LocalKind | undefined => {
  if (first === 0) return "unspecified"
  if (first === 127) return "loopback"
  if (first === 169 && second === 254) return "link-local"
  return first >= 224 && first <= 239 || first === 255 ? "multicast" : undefined
}

/** Source: RFC 4291. An address that embeds one of IPv4 (mapped, compatible, NAT64 of RFC 6052) is judged by that. */
const kindOfIpv6 = (groups: ReadonlyArray<number>): LocalKind | undefined => {
  const [first = 0, second = 0] = groups
  const [high = 0, low = 0] = groups.slice(6)
  const isZero = (from: number, to: number) => groups.slice(from, to).every((group) => group === 0)
  if (isZero(0, 7) && low <= 1) return low === 1 ? "loopback" : "unspecified"
  const isMapped = isZero(0, 5) && (groups[5] === 0xffff || groups[5] === 0)
  const isTranslated = first === 0x64 && second === 0xff9b && isZero(2, 6)
  if (isMapped || isTranslated) return kindOfIpv4(high >> 8, high & 0xff)
  if ((first & 0xffc0) === 0xfe80) return "link-local"
  return first >> 8 === 0xff ? "multicast" : undefined
}

/** The eight groups of an address in the form in which URLs have it. */
const groupsOf = (address: string): ReadonlyArray<number> => {
  const [head = [], tail = []] = address.split("::").map((half) => half === "" ? [] : half.split(":"))
  const zeros = Array.from({ length: 8 - head.length - tail.length }, () => "0")
  return [...head, ...zeros, ...tail].map((group) => Number.parseInt(group, 16))
}

/** The host of a URL with this host, where every address has one form. */
const normalized = (host: string): string | undefined => {
  const [address = ""] = host.split("%")
  const url = `http://${address.includes(":") && !address.startsWith("[") ? `[${address}]` : address}/`
  return URL.canParse(url) ? new URL(url).hostname : undefined
}

/**
 * The kind of a local address, or `undefined` for any other. `host` is an address, also one with a zone such as
 * `fe80::1%eth0`, or the host of a URL. Of names only `localhost` is recognised; resolve the others.
 */
export const localKind = (host: string): LocalKind | undefined => {
  const name = normalized(host)
  if (name === undefined) return undefined
  if (/^(?:.+\.)?localhost\.?$/.test(name)) return "loopback"
  if (name.startsWith("[")) return kindOfIpv6(groupsOf(name.slice(1, -1)))
  const [, first, second] = /^(\d+)\.(\d+)\.\d+\.\d+\.?$/.exec(name) ?? []
  return first === undefined ? undefined : kindOfIpv4(Number(first), Number(second))
}
