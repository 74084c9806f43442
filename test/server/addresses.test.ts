/** Who can reach the ports of a server: addresses of this machine stand for those of others. */
import assert from "node:assert/strict"
import { test } from "node:test"
import { serveTrial } from "../support/server.ts"

test("the management port is for this machine alone, wherever the API listens", async () => {
  await using trial = await serveTrial({ host: "127.0.0.2" })
  const { url, managementUrl } = trial.server
  assert.match(url, /^http:\/\/127\.0\.0\.2:/)
  assert.match(managementUrl, /^http:\/\/127\.0\.0\.1:/)
  assert.equal((await trial.probe("/readyz")).status, 200)
  // Another server may have that port there, the API itself for one.
  const elsewhere = `${managementUrl.replace("127.0.0.1", "127.0.0.2")}/livez`
  const answer = await fetch(elsewhere).catch(() => undefined)
  assert.notEqual(answer?.status, 200)
})

test("the management port listens where it is told to", async () => {
  await using trial = await serveTrial({ managementHost: "all" })
  const elsewhere = trial.server.managementUrl.replace("127.0.0.1", "127.0.0.2")
  assert.equal((await fetch(`${elsewhere}/livez`)).status, 200)
})
