import assert from "node:assert/strict"
import { test } from "node:test"
import { inReplica } from "../../src/cli/up/boot.ts"
import { operation } from "../../src/service/operation.ts"
import { resolveSettings } from "../../src/service/settings.ts"
import { serveApi } from "../support/api.ts"
import { RawClient } from "../support/raw-client.ts"

const work = operation({ path: "/work", run() {} })

/** Who requests with these headers are taken for. */
async function peersOf(
  trustedProxies: number,
  ...all: readonly string[]
): Promise<readonly string[]> {
  await using api = await serveApi({ work }, { trustedProxies })
  for (const forwarded of all) {
    using client = await RawClient.connect(api.port)
    const header = forwarded === "" ? [] : [`X-Forwarded-For: ${forwarded}`]
    client.write(
      "POST /work HTTP/1.1",
      "Host: x",
      "Content-Length: 0",
      "Connection: close",
      ...header,
      "",
      "",
    )
    await client.read()
  }
  const { arrivals, calls } = api.compute
  const peers = arrivals.map(({ peer }) => peer)
  assert.deepEqual(
    calls.map(({ peer }) => peer),
    peers,
  )
  return peers
}

test("who sends a request is known by its connection, whatever it says itself", async () => {
  assert.deepEqual(await peersOf(0, "", "192.0.2.1"), ["127.0.0.1", "127.0.0.1"])
})

test("behind proxies it is known by what they have added, and not by what it sent them", async () => {
  const forwarded = ["192.0.2.1", "203.0.113.9, 192.0.2.1", "2001:db8::1", ""]
  const peers = ["192.0.2.1", "192.0.2.1", "2001:db8:0:0::/64", "127.0.0.1"]
  assert.deepEqual(await peersOf(1, ...forwarded), peers)
})

test("a replica of capstan up counts the balancer, and the proxies in front of it", () => {
  const trusted = (...given: Parameters<typeof inReplica>) =>
    resolveSettings(inReplica(...given)).trustedProxies
  assert.equal(trusted({}), 1)
  assert.equal(trusted({ env: { CAPSTAN_TRUSTED_PROXIES: "2" } }), 3)
  assert.equal(trusted({ flags: { trustedProxies: "1" } }), 2)
})
