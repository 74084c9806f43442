/** DNS is asked again, and its answers are taken in turn. */
import assert from "node:assert/strict"
import type { LookupAddress } from "node:dns"
import { test } from "node:test"
import { addressesInTurn } from "../../src/load/client/addresses.ts"

test("a host is looked up again once a second, and its addresses are taken in turn", async () => {
  let nowMs = 0
  let asked = 0
  let known = [
    { address: "::1", family: 6 },
    { address: "10.0.0.1", family: 4 },
    { address: "10.0.0.2", family: 4 },
  ]
  const lookup = addressesInTurn(
    () => nowMs,
    async () => {
      asked += 1
      return known
    },
  )
  const found = (): Promise<string[]> =>
    new Promise((resolve, reject) => {
      lookup("pods.example.com", { all: true }, (error, addresses) => {
        if (error !== null) reject(error)
        else resolve((addresses as LookupAddress[]).map(({ address }) => address))
      })
    })
  assert.deepEqual(await found(), ["::1", "10.0.0.1", "10.0.0.2"])
  assert.deepEqual(await found(), ["::1", "10.0.0.2", "10.0.0.1"], "families keep their order")
  assert.equal(asked, 1)
  known = [{ address: "10.0.0.3", family: 4 }]
  nowMs = 999
  assert.equal((await found()).length, 3)
  nowMs = 1000
  assert.deepEqual(await found(), ["10.0.0.3"], "a pod has gone, another has come")
  assert.equal(asked, 2)
})

test("one address where one is asked for, and an error where there is none", async () => {
  const one = addressesInTurn(
    () => 0,
    async () => [{ address: "10.0.0.1", family: 4 }],
  )
  one("a", {}, (error, address, family) => {
    assert.deepEqual([error, address, family], [null, "10.0.0.1", 4])
  })
  const none = addressesInTurn(
    () => 0,
    () => Promise.reject(Object.assign(new Error("no"), { code: "ENOTFOUND" })),
  )
  const error = await new Promise<NodeJS.ErrnoException | null>((resolve) => none("a", {}, resolve))
  assert.equal(error?.code, "ENOTFOUND")
})
