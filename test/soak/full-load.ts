/**
 * Busy is not sick: a minute of full load, in which no worker is replaced, no connection is reset, no
 * request is refused and no probe fails.
 *
 * `npm run test:soak`
 */
import assert from "node:assert/strict"
import { test } from "node:test"
import { serveTrial } from "../support/server.ts"

const loadMs = 60_000
const clients = 16

test("a minute of full load replaces no worker and resets no connection", async () => {
  await using trial = await serveTrial()
  await trial.untilIdle(2)
  const untilMs = performance.now() + loadMs
  const statuses = new Map<number, number>()
  const client = async () => {
    while (performance.now() < untilMs) {
      const { status } = await trial.call("POST", "/spin", { ms: 20 })
      statuses.set(status, (statuses.get(status) ?? 0) + 1)
    }
  }
  let probes = 0
  const prober = async () => {
    while (performance.now() < untilMs) {
      for (const path of ["/livez", "/readyz"]) {
        assert.equal((await trial.probe(path)).status, 200)
        probes += 1
      }
    }
  }
  await Promise.all([prober(), ...Array.from({ length: clients }, client)])
  assert.deepEqual([...statuses.keys()], [200])
  assert.ok((statuses.get(200) ?? 0) > 1000 && probes > 100)
  assert.match((await trial.probe("/metrics")).text, /^capstan_worker_deaths_total 0$/m)
})
