import assert from "node:assert/strict"
import { type TestContext, test } from "node:test"
import { RefusalPace } from "../../src/service/http/refusal-pace.ts"
import { operation } from "../../src/service/operation.ts"
import { type ApiTrial, serveApi } from "../support/api.ts"
import { RawClient, statusOf } from "../support/raw-client.ts"
import { simulatedTimers } from "../support/simulated-timers.ts"

/** 30 refusals a second. */
const cores = 0.1

test("as many as a tenth of the CPU can refuse are refused at once", () => {
  const pace = new RefusalPace(cores)
  for (let n = 0; n < 100; n++) assert.equal(pace.holdMs("peer", n * 34), 0)
})

test("a burst is refused at once, up to a second's worth", () => {
  const pace = new RefusalPace(cores)
  for (let n = 0; n < 30; n++) assert.equal(pace.holdMs("peer", 5000), 0)
  assert.ok(pace.holdMs("peer", 5000) > 0)
})

test("what is beyond waits for its turn, one behind the other", () => {
  const pace = new RefusalPace(cores)
  for (let n = 0; n < 30; n++) pace.holdMs("peer", 0)
  const held = [0, 0, 0].map(() => Math.round(pace.holdMs("peer", 0)))
  assert.deepEqual(held, [33, 67, 100])
  assert.equal(Math.round(pace.holdMs("peer", 50)), 83)
})

test("nobody is held for more than a second, and the next calm second forgets", () => {
  const pace = new RefusalPace(cores)
  for (let n = 0; n < 10_000; n++) assert.ok(pace.holdMs("peer", 0) <= 1000)
  assert.equal(pace.holdMs("peer", 0), 1000)
  assert.equal(pace.holdMs("peer", 2100), 0)
})

test("who was not refused lately is answered at once, whatever others do", () => {
  const pace = new RefusalPace(cores)
  for (let n = 0; n < 1000; n++) pace.holdMs("flood", 0)
  assert.equal(pace.holdMs("other", 0), 0)
  assert.ok(pace.holdMs("other", 900) > 0, "it has come back at once")
  assert.ok(pace.holdMs("flood", 900) > 0)
  for (let n = 0; n < 1000; n++) pace.holdMs("flood", 1900)
  for (let n = 0; n < 1000; n++) pace.holdMs("flood", 2900)
  assert.equal(pace.holdMs("other", 2900), 0)
})

const work = operation({ path: "/work", run() {} })

/**
 * The clock stands still but for the timers, which the test moves on. Who asks is a raw client, since
 * undici would have timers of its own among them.
 */
async function serveRefusals(t: TestContext, cores: number) {
  const api = await serveApi({ work }, {}, { cores, now: () => 0 })
  api.compute.shed = { kind: "shed", reason: "deadline", retryAfterMs: 1000 }
  return Object.assign(api, { timers: simulatedTimers(t) })
}

/** Sends a request, and resolves when it has come to be refused. */
async function arrive(api: ApiTrial, ...headers: string[]): Promise<RawClient> {
  const { arrivals } = api.compute
  const before = arrivals.length
  const client = await RawClient.connect(api.port)
  client.write("POST /work HTTP/1.1", "host: x", "connection: close", ...headers, "", "")
  while (arrivals.length === before) await turn()
  return client
}

const turn = () => new Promise(setImmediate)

test("clients that come back at once are slowed down, and none is forgotten", async (t) => {
  await using api = await serveRefusals(t, cores)
  const clients: RawClient[] = []
  for (let n = 0; n < 48; n++) clients.push(await arrive(api))
  api.timers.tick(1)
  for (let answered = 30; answered < 48; answered++) {
    assert.equal((await api.untilRecords(answered)).length, answered)
    api.timers.tick(34)
  }
  for (const client of clients) {
    const received = await client.read()
    assert.equal(statusOf(received), 503)
    assert.match(received, /retry-after: 1\r\n/)
    client[Symbol.dispose]()
  }
  const outcomes = new Set((await api.untilRecords(48)).map(({ outcome }) => outcome))
  assert.deepEqual([...outcomes], ["shed"])
})

test("who leaves while its refusal is held has left, and one that is sending a body reads it", async (t) => {
  // 3 a second.
  await using api = await serveRefusals(t, 0.01)
  for (let n = 0; n < 3; n++) {
    using client = await arrive(api)
    api.timers.tick(1)
    await client.read()
  }
  using patient = await arrive(api, "content-length: 100000")
  {
    using _leaving = await arrive(api)
  }
  const { status, outcome } = (await api.untilRecords(4))[3]!
  assert.deepEqual([status, outcome], [499, "cancelled"])
  api.timers.tick(1000)
  assert.equal(statusOf(await patient.read()), 503)
  assert.equal((await api.untilRecords(5))[4]?.outcome, "shed")
})

test("nobody is held beyond the deadline that it has set", async (t) => {
  // One in three seconds.
  await using api = await serveRefusals(t, 0.001)
  {
    using first = await arrive(api)
    api.timers.tick(1)
    await first.read()
    await api.untilRecords(1)
  }
  for (let answered = 1; answered < 4; answered++) {
    using client = await arrive(api, "x-envoy-expected-rq-timeout-ms: 30")
    api.timers.tick(29)
    for (let n = 0; n < 10; n++) await turn()
    assert.equal(api.records.length, answered)
    api.timers.tick(1)
    assert.equal(statusOf(await client.read()), 503)
    await api.untilRecords(answered + 1)
  }
})
