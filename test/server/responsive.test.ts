import assert from "node:assert/strict"
import { once } from "node:events"
import { test } from "node:test"
import { RawClient } from "../support/raw-client.ts"
import { type ServedTrial, serveTrial } from "../support/server.ts"

test("probes and metrics answer at once while every worker is in a 3 s call", async () => {
  await using trial = await serveTrial()
  await trial.untilIdle(2)
  let probes = 0
  const idleMs = await highMsOfProbes(trial, () => probes++ < 200)
  let underWay = true
  const calls = Promise.all([1, 2].map(() => trial.call("POST", "/spin", { ms: 3000 }))).finally(
    () => {
      underWay = false
    },
  )
  await trial.untilDemand(({ busy }) => busy === 2)
  const busyMs = await highMsOfProbes(trial, () => underWay)
  for (const { status } of await calls) assert.equal(status, 200)
  // What others do on this machine slows down both.
  assert.ok(
    busyMs < Math.max(50, 20 * idleMs),
    `95 of 100 took under ${busyMs} ms, ${idleMs} before`,
  )
})

test("two calls at once on two idle workers never share one, 40 times", async () => {
  await using trial = await serveTrial()
  await trial.untilIdle(2)
  using client = await RawClient.connect(Number(new URL(trial.server.url).port))
  const body = JSON.stringify({ ms: 30 })
  const head = ["host: x", "content-type: application/json", `content-length: ${body.length}`]
  const call = ["POST /spin HTTP/1.1", ...head, "", body].join("\r\n")
  for (let round = 1; round <= 40; round++) {
    // In one packet, or a machine that stalls in between would have the first over by the second.
    client.socket.write(call + call)
    const threads = () => client.received.match(/(?<=\r\n\r\n)\d+/g) ?? []
    while (threads().length < 2 * round) await once(client.socket, "data")
    const [one, other] = threads().slice(-2)
    assert.notEqual(one, other)
  }
})

test("a client that leaves a call that never ends frees its worker", async () => {
  await using trial = await serveTrial({ workers: 1, spareWorkers: 0, cancelGraceMs: 200 })
  const client = new AbortController()
  const call = trial.call("POST", "/endless", {}, { signal: client.signal })
  await trial.untilDemand(({ busy }) => busy === 1)
  client.abort()
  await assert.rejects(call)
  await trial.untilDemand(({ busy }) => busy === 0)
  assert.match((await trial.probe("/metrics")).text, /outcome="cancelled"/)
})

/** Probes as long as that is so; what 95 of 100 took less than. */
async function highMsOfProbes(trial: ServedTrial, isGoingOn: () => boolean): Promise<number> {
  const tookMs: number[] = []
  while (isGoingOn()) {
    for (const path of ["/livez", "/readyz", "/metrics"]) {
      const answer = await trial.probe(path)
      assert.equal(answer.status, 200)
      tookMs.push(answer.tookMs)
    }
  }
  tookMs.sort((a, b) => a - b)
  return tookMs[Math.floor(0.95 * tookMs.length)]!
}
