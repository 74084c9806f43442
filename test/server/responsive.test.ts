import assert from "node:assert/strict"
import { test } from "node:test"
import { serveTrial } from "../support/server.ts"

test("probes and metrics answer at once while every worker is in a 7 s call", async () => {
  await using trial = await serveTrial()
  let underWay = true
  const calls = Promise.all([1, 2].map(() => trial.call("POST", "/spin", { ms: 7000 }))).finally(
    () => {
      underWay = false
    },
  )
  await trial.untilDemand(({ busy }) => busy === 2)
  const tookMs: number[] = []
  while (underWay) {
    for (const path of ["/livez", "/readyz", "/metrics"]) {
      const answer = await trial.probe(path)
      assert.equal(answer.status, 200)
      tookMs.push(answer.tookMs)
    }
  }
  for (const { status } of await calls) assert.equal(status, 200)
  tookMs.sort((a, b) => a - b)
  const highMs = tookMs[Math.floor(0.95 * tookMs.length)]!
  assert.ok(highMs < 50, `95 of 100 of ${tookMs.length} probes took under ${highMs} ms`)
})

test("two calls at once on two idle workers never share one, 40 times", async () => {
  await using trial = await serveTrial()
  await trial.untilIdle(3)
  for (let round = 0; round < 40; round++) {
    const both = await Promise.all([1, 2].map(() => trial.call("POST", "/spin", { ms: 30 })))
    assert.notEqual(both[0]!.json, both[1]!.json)
  }
})

test("a client that leaves after 1 s of a long call frees its worker", async () => {
  await using trial = await serveTrial({ workers: 1, spareWorkers: 0, cancelGraceMs: 200 })
  const leaves = AbortSignal.timeout(1000)
  const call = trial.call("POST", "/spin", { ms: 4000 }, { signal: leaves })
  await trial.untilDemand(({ busy }) => busy === 1)
  await assert.rejects(call)
  const leftAtMs = performance.now()
  await trial.untilDemand(({ busy }) => busy === 0)
  const freedAfterMs = performance.now() - leftAtMs
  assert.ok(freedAfterMs < 2000, `free ${freedAfterMs} ms after the client had left`)
  assert.match((await trial.probe("/metrics")).text, /outcome="cancelled"/)
})
