/** The load generator of the benches: what it sends, when, and what it makes of the answers. */
import assert from "node:assert/strict"
import { once } from "node:events"
import { createServer, type RequestListener } from "node:http"
import { test } from "node:test"
import { setImmediate } from "node:timers/promises"
import { generate } from "../../bench/generator/generate.ts"
import type { Report, Stream, StreamReport } from "../../bench/generator/plan.ts"

interface Target extends AsyncDisposable {
  readonly origin: string
  readonly connections: number
}

async function serve(listener: RequestListener): Promise<Target> {
  const server = createServer(listener)
  let connections = 0
  server.on("connection", () => {
    connections++
  })
  await once(server.listen(0, "127.0.0.1"), "listening")
  const address = server.address()
  assert.ok(typeof address === "object" && address !== null)
  return {
    origin: `http://127.0.0.1:${address.port}`,
    get connections() {
      return connections
    },
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
      await once(server, "close")
    },
  }
}

async function load(
  target: Target,
  stream: Pick<Stream, "arrivals"> & Partial<Stream>,
  { warmupMs = 0, durationMs = 300 } = {},
): Promise<StreamReport & Pick<Report, "generatorCores">> {
  const defaults = { name: "only", origin: target.origin, method: "GET", path: "/" } as const
  const { streams, generatorCores } = await generate({
    seed: 1,
    warmupMs,
    durationMs,
    streams: [{ ...defaults, timeoutMs: 2000, ...stream }],
  })
  assert.ok(streams.only)
  return { ...streams.only, generatorCores }
}

test("a closed loop sends the next request of a connection when the last is answered", async () => {
  let running = 0
  let most = 0
  await using target = await serve((_request, response) => {
    most = Math.max(most, ++running)
    setTimeout(() => {
      running--
      response.end("ok")
    }, 20)
  })
  const arrivals = { kind: "closed", connections: 3 } as const
  // Time for a first answer, however slowly the generator gets going here.
  const report = await load(target, { arrivals }, { durationMs: 1000 })
  assert.equal(most, 3)
  assert.equal(target.connections, 3)
  assert.deepEqual(Object.keys(report.outcomes), ["200"])
  assert.ok(report.offered >= 3 && report.offered <= 3 * 52, `${report.offered} requests`)
  assert.ok(report.latencyMs.p50 >= 19, `${report.latencyMs.p50} ms`)
  assert.ok(report.generatorCores > 0)
})

test("an open loop keeps to its schedule while the server stalls, and counts from the intended time", async () => {
  await using target = await serve(() => {})
  const report = await load(target, {
    arrivals: { kind: "constant", ratePerSecond: 100 },
    timeoutMs: 200,
  })
  assert.deepEqual(report.outcomes, { timeout: 30 })
  assert.ok(report.latencyMs.p50 >= 198, `${report.latencyMs.p50} ms`)
})

test("Poisson arrivals come at their mean rate, the same ones for the same seed", async () => {
  await using target = await serve((_request, response) => response.end("ok"))
  const arrivals = { kind: "poisson", ratePerSecond: 400 } as const
  const [first, second] = [await load(target, { arrivals }), await load(target, { arrivals })]
  assert.ok(Math.abs(first.offered - 120) < 50, `${first.offered} offered`)
  assert.equal(first.offered, second.offered)
})

test("who gives up destroys the request", async () => {
  let closed = 0
  await using target = await serve((_request, response) => {
    response.on("close", () => {
      if (!response.writableFinished) closed++
    })
  })
  const arrivals = { kind: "constant", ratePerSecond: 20 } as const
  // Who has given up before it is connected has nothing to destroy.
  const report = await load(target, { arrivals, timeoutMs: 1000 })
  assert.deepEqual(report.outcomes, { timeout: 6 })
  while (closed < 6) await setImmediate()
})

test("statuses and broken connections are told apart", async () => {
  let requests = 0
  await using target = await serve((request, response) => {
    const turn = requests++ % 3
    if (turn === 0) response.end("ok")
    else if (turn === 1) response.writeHead(503).end("no")
    else request.socket.destroy()
  })
  const report = await load(target, { arrivals: { kind: "constant", ratePerSecond: 60 } })
  const { "200": ok = 0, "503": refused = 0, ...others } = report.outcomes
  const broken = Object.values(others).reduce((sum, count) => sum + count, 0)
  assert.ok(Math.abs(ok - refused) <= 1 && Math.abs(ok - broken) <= 1, JSON.stringify(others))
  assert.ok(ok > 5)
})

test("fresh connections are new ones for each request", async () => {
  await using target = await serve((_request, response) => response.end("ok"))
  const arrivals = { kind: "closed", connections: 1 } as const
  const kept = await load(target, { arrivals }, { durationMs: 1000 })
  assert.ok(kept.offered > 1)
  assert.equal(target.connections, 1)
  const fresh = await load(target, { arrivals, freshConnections: true })
  assert.ok(target.connections - 1 >= fresh.offered, `${target.connections} connections`)
})

test("what was sent before the measured time is not counted", async () => {
  await using target = await serve((_request, response) => response.end("ok"))
  const arrivals = { kind: "constant", ratePerSecond: 100 } as const
  const report = await load(target, { arrivals }, { warmupMs: 200 })
  assert.equal(report.offered, 30)
})
