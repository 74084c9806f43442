import assert from "node:assert/strict"
import { test } from "node:test"
import { addressOf, forwardedAddress, peerOf } from "../../src/core/http/peer.ts"

const peers: Readonly<Record<string, readonly string[]>> = {
  "192.0.2.7": [
    "192.0.2.7",
    "::ffff:192.0.2.7",
    "::FFFF:192.0.2.7",
    "::ffff:c000:207",
    "0:0:0:0:0:ffff:c000:0207",
    "192.0.2.7:51234",
    "[::ffff:192.0.2.7]:51234",
  ],
  "192.0.2.8": ["192.0.2.8"],
  "2001:db8:0:1::/64": [
    "2001:db8:0:1::1",
    "2001:0DB8:0000:0001:ffff:ffff:ffff:ffff",
    "2001:db8:0:1:2:3:4:5",
    "[2001:db8:0:1::1]:443",
    "2001:db8:0:1::192.0.2.7",
  ],
  "2001:db8:0:2::/64": ["2001:db8:0:2::1"],
  "2001:db8:0:0::/64": ["2001:db8::1", "2001:db8::"],
  "0:0:0:0::/64": ["::1", "::"],
  "fe80::1%eth0": ["fe80::1%eth0"],
  "fe80::2%eth0": ["fe80::2%eth0", "FE80::2%eth0"],
  unknown: ["unknown"],
  // What is no address is nobody else's.
  "1::2::3": ["1::2::3"],
  "1:2:3": ["1:2:3"],
  "g::1": ["g::1"],
}

test("a peer is an IPv4 address or a network of IPv6, however it is written", () => {
  for (const [peer, addresses] of Object.entries(peers)) {
    for (const address of addresses) assert.equal(peerOf(address), peer, address)
  }
})

test("a socket's address is IPv4 where the other end is, and known where there is none", () => {
  const addresses = ["::ffff:192.0.2.7", "192.0.2.7", "2001:db8::1", "", undefined]
  assert.deepEqual(
    addresses.map((remoteAddress) => addressOf({ remoteAddress })),
    ["192.0.2.7", "192.0.2.7", "2001:db8::1", "unknown", "unknown"],
  )
})

test("of what was forwarded only what trusted proxies have added counts", () => {
  const cases: readonly (readonly [string | undefined, number, string | undefined])[] = [
    ["192.0.2.1", 1, "192.0.2.1"],
    ["203.0.113.9, 192.0.2.1", 1, "192.0.2.1"],
    ["203.0.113.9,192.0.2.1 , 10.0.0.1", 2, "192.0.2.1"],
    // Fewer than there should be: the first that one of them has added.
    ["192.0.2.1", 3, "192.0.2.1"],
    [undefined, 1, undefined],
    ["", 1, undefined],
    ["192.0.2.1, ", 1, undefined],
    [",", 2, undefined],
  ]
  for (const [forwarded, proxies, address] of cases) {
    assert.equal(forwardedAddress(forwarded, proxies), address, `${proxies} of ${forwarded}`)
  }
})
