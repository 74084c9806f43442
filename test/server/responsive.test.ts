import assert from "node:assert/strict"
import { test } from "node:test"
import { RawClient } from "../support/raw-client.ts"
import { serveTrial } from "../support/server.ts"

test("probes and metrics are answered while every worker is in a call that does not end", async () => {
  // As in production, where workers have less of a claim to the CPU than who answers.
  await using trial = await serveTrial({ workerNice: 10 })
  await trial.untilIdle(2)
  const clients = new AbortController()
  const { signal } = clients
  const calls = [1, 2].map(() => trial.call("POST", "/polite", {}, { signal }))
  const left = Promise.allSettled(calls)
  await trial.untilDemand(({ busy }) => busy === 2)
  for (let round = 0; round < 50; round++) {
    for (const path of ["/livez", "/readyz", "/metrics"]) {
      assert.equal((await trial.probe(path)).status, 200)
    }
  }
  assert.equal((await trial.probe("/demand")).json.busy, 2, "none of the calls is over")
  clients.abort()
  for (const { status } of await left) assert.equal(status, "rejected")
  await trial.untilDemand(({ busy }) => busy === 0)
})

test("two calls at once on two idle workers never share one, 40 times", async () => {
  await using trial = await serveTrial()
  await trial.untilIdle(2)
  using client = await RawClient.connect(Number(new URL(trial.server.url).port))
  for (let round = 1; round <= 40; round++) {
    const body = JSON.stringify({ name: `round ${round}` })
    const head = ["host: x", "content-type: application/json", `content-length: ${body.length}`]
    const call = ["POST /meet HTTP/1.1", ...head, "", body]
    client.write(...call)
    client.write(...call)
    const threads = await client.until((received) => {
      const all = received.match(/(?<=\r\n\r\n)\d+/g) ?? []
      return all.length === 2 * round ? all.slice(-2) : undefined
    })
    assert.notEqual(threads[0], threads[1])
  }
})

test("a client that leaves a call that never ends frees its worker", async () => {
  await using trial = await serveTrial({ workers: 1, spareWorkers: 0, cancelGraceMs: 50 })
  const client = new AbortController()
  const call = trial.call("POST", "/endless", {}, { signal: client.signal })
  await trial.untilDemand(({ busy }) => busy === 1)
  client.abort()
  await assert.rejects(call)
  await trial.untilDemand(({ busy }) => busy === 0)
  assert.match((await trial.probe("/metrics")).text, /outcome="cancelled"/)
})
