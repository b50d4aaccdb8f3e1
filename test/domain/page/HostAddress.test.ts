import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { type LocalKind, localKind } from "../../../src/domain/page/HostAddress.ts"

const Byte = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 }))

describe("localKind", () => {
  it.each<readonly [host: string, kind: LocalKind]>([
    ["localhost", "loopback"],
    ["LOCALHOST", "loopback"],
    ["localhost.", "loopback"],
    ["a.localhost", "loopback"],
    ["127.0.0.1", "loopback"],
    ["127.255.255.254", "loopback"],
    ["0x7f.1", "loopback"],
    ["2130706433", "loopback"],
    ["::1", "loopback"],
    ["[::1]", "loopback"],
    ["0:0:0:0:0:0:0:1", "loopback"],
    ["::ffff:127.0.0.1", "loopback"],
    ["[::ffff:7f00:1]", "loopback"],
    ["::127.0.0.1", "loopback"],
    ["64:ff9b::127.0.0.1", "loopback"],
    ["0.0.0.0", "unspecified"],
    ["0.1.2.3", "unspecified"],
    ["::", "unspecified"],
    ["::ffff:0.0.0.0", "unspecified"],
    ["169.254.169.254", "link-local"],
    ["::ffff:169.254.169.254", "link-local"],
    ["64:ff9b::a9fe:a9fe", "link-local"],
    ["fe80::1", "link-local"],
    ["fe80::1%eth0", "link-local"],
    ["febf::1", "link-local"],
    ["224.0.0.1", "multicast"],
    ["239.255.255.255", "multicast"],
    ["255.255.255.255", "multicast"],
    ["ff02::1", "multicast"],
    ["::ffff:224.0.0.1", "multicast"]
  ])("the host %s has a %s address", (host, kind) => {
    assert.strictEqual(localKind(host), kind)
  })

  it.each([
    "128.0.0.1",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.0.1",
    "169.253.0.1",
    "240.0.0.1",
    "localhost.example.com",
    "127.0.0.1.example.com",
    "www.example.com",
    "2001:db8::1",
    "[2001:db8::1]",
    "fd00::1",
    "fec0::1",
    "::ffff:10.0.0.1",
    "64:ff9b::10.0.0.1",
    "64:ff9b:1::127.0.0.1",
    "1:2:3:4:5:6:7:1",
    "not a host",
    ""
  ])("the host %s has no local address", (host) => {
    assert.isUndefined(localKind(host))
  })

  it.prop("an address of IPv4 and its mapped form are of the same kind", [Byte, Byte, Byte, Byte], (bytes) => {
    const address = bytes.join(".")
    assert.strictEqual(localKind(`::ffff:${address}`), localKind(address))
    const isLocal = [0, 127, 255].includes(bytes[0]) || (bytes[0] >= 224 && bytes[0] <= 239) ||
      (bytes[0] === 169 && bytes[1] === 254)
    assert.strictEqual(localKind(address) !== undefined, isLocal)
  })
})
