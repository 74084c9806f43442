import assert from "node:assert/strict"
import { once } from "node:events"
import { test } from "node:test"
import { RefusalPace } from "../../src/service/http/refusal-pace.ts"
import { operation } from "../../src/service/operation.ts"
import { serveApi } from "../support/api.ts"
import { RawClient, statusOf } from "../support/raw-client.ts"

/** 30 refusals a second. */
const cores = 0.1

test("as many as a tenth of the CPU can refuse are refused at once", () => {
  const pace = new RefusalPace(cores)
  for (let n = 0; n < 100; n++) assert.equal(pace.holdMs(n * 34), 0)
})

test("a burst is refused at once, up to a second's worth", () => {
  const pace = new RefusalPace(cores)
  for (let n = 0; n < 30; n++) assert.equal(pace.holdMs(5000), 0)
  assert.ok(pace.holdMs(5000) > 0)
})

test("what is beyond waits for its turn, one behind the other", () => {
  const pace = new RefusalPace(cores)
  for (let n = 0; n < 30; n++) pace.holdMs(0)
  const held = [0, 0, 0].map(() => Math.round(pace.holdMs(0)))
  assert.deepEqual(held, [33, 67, 100])
  assert.equal(Math.round(pace.holdMs(50)), 83)
})

test("nobody is held for more than a second, and the next calm second forgets", () => {
  const pace = new RefusalPace(cores)
  for (let n = 0; n < 10_000; n++) assert.ok(pace.holdMs(0) <= 1000)
  assert.equal(pace.holdMs(0), 1000)
  assert.equal(pace.holdMs(2100), 0)
})

const work = operation({ path: "/work", run() {} })

test("clients that come back at once are slowed down, and none is forgotten", async () => {
  await using api = await serveApi({ work }, {}, { cores })
  api.compute.shed = { kind: "shed", reason: "deadline", retryAfterMs: 1000 }
  const beganMs = performance.now()
  const clients = Array.from({ length: 8 }, async () => {
    for (let n = 0; n < 6; n++) {
      const { status, headers } = await api.call("POST", "/work")
      assert.deepEqual([status, headers["retry-after"]], [503, "1"])
    }
  })
  await Promise.all(clients)
  const tookMs = performance.now() - beganMs
  assert.ok(tookMs > 550, `48 refusals, 18 of them beyond the burst, took ${tookMs} ms`)
  const outcomes = new Set((await api.untilRecords(48)).map(({ outcome }) => outcome))
  assert.deepEqual([...outcomes], ["shed"])
})

test("who leaves while its refusal is held has left, and one that is sending a body reads it", async () => {
  // 3 a second.
  await using api = await serveApi({ work }, {}, { cores: 0.01 })
  api.compute.shed = { kind: "shed", reason: "deadline", retryAfterMs: 1000 }
  await Promise.all([1, 2, 3, 4].map(() => api.call("POST", "/work")))
  const arrived = async (client: RawClient, length: number): Promise<void> => {
    const request = once(api.app.server, "request")
    client.write("POST /work HTTP/1.1", "host: x", `content-length: ${length}`, "", "")
    await request
  }
  using patient = await RawClient.connect(api.port)
  await arrived(patient, 100_000)
  {
    using leaving = await RawClient.connect(api.port)
    await arrived(leaving, 0)
  }
  assert.equal(statusOf(await patient.read()), 503)
  const left = (await api.untilRecords(6)).filter(({ outcome }) => outcome !== "shed")
  assert.deepEqual(
    left.map(({ status, outcome }) => [status, outcome]),
    [[499, "cancelled"]],
  )
})

test("nobody is held beyond the deadline that it has set", async () => {
  // One in three seconds.
  await using api = await serveApi({ work }, {}, { cores: 0.001 })
  api.compute.shed = { kind: "shed", reason: "deadline", retryAfterMs: 1000 }
  const headers = { "x-envoy-expected-rq-timeout-ms": "30" }
  const beganMs = performance.now()
  for (let n = 0; n < 20; n++)
    assert.equal((await api.call("POST", "/work", { headers })).status, 503)
  // Held for as long as anybody is, they would take 19 seconds.
  const tookMs = performance.now() - beganMs
  assert.ok(tookMs > 450 && tookMs < 15_000, `${tookMs} ms`)
})
