/** The load generator of the benches: what it sends, when, and what it makes of the answers. */
import assert from "node:assert/strict"
import { once } from "node:events"
import { createServer, type RequestListener } from "node:http"
import { suite, test } from "node:test"
import { generate } from "../../bench/generator/generate.ts"
import type { Report, Stream, StreamReport } from "../../bench/generator/plan.ts"
import { eventually } from "../support/cli.ts"
import { patienceMs } from "../support/patience.ts"

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
    // A target that answers is waited for, however long this machine stands still.
    streams: [{ ...defaults, timeoutMs: patienceMs(), ...stream }],
  })
  assert.ok(streams.only)
  return { ...streams.only, generatorCores }
}

/**
 * Loads until the report shows something: where the generator or its target stood still all the while,
 * nothing has been answered, or nobody reached. Tells how many connections the last load made.
 */
async function loadUntil(
  target: Target,
  stream: Parameters<typeof load>[1],
  shows: (report: StreamReport) => boolean,
): Promise<Awaited<ReturnType<typeof load>> & { readonly connections: number }> {
  return await eventually(async () => {
    const before = target.connections
    const report = await load(target, stream)
    return shows(report) ? { ...report, connections: target.connections - before } : undefined
  }, "a load that shows something")
}

suite("the generator", { concurrency: 3 }, () => {
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
    // Each answer takes 20 ms at least, so there is no time for more than so many.
    const report = await loadUntil(target, { arrivals }, ({ offered }) => offered >= 3)
    assert.equal(most, 3)
    assert.deepEqual(Object.keys(report.outcomes), ["200"])
    assert.ok(report.offered <= 3 * 16, `${report.offered} requests`)
    assert.ok(report.latencyMs.p50 >= 19, `${report.latencyMs.p50} ms`)
    assert.ok(report.generatorCores > 0)
    assert.equal(report.connections, 3)
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
    let begun = 0
    let closed = 0
    await using target = await serve((_request, response) => {
      begun++
      response.on("close", () => {
        if (!response.writableFinished) closed++
      })
    })
    const arrivals = { kind: "constant", ratePerSecond: 20 } as const
    // Who has given up before it is connected has nothing to destroy.
    const report = await loadUntil(target, { arrivals, timeoutMs: 300 }, () => begun > 0)
    assert.deepEqual(report.outcomes, { timeout: 6 })
    await eventually(() => closed === begun || undefined, "the requests to be destroyed")
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
    const some = ({ offered }: StreamReport): boolean => offered > 1
    assert.equal((await loadUntil(target, { arrivals }, some)).connections, 1)
    const fresh = await loadUntil(target, { arrivals, freshConnections: true }, some)
    assert.ok(fresh.connections >= fresh.offered, `${fresh.connections} connections`)
  })

  test("what was sent before the measured time is not counted", async () => {
    await using target = await serve((_request, response) => response.end("ok"))
    const arrivals = { kind: "constant", ratePerSecond: 100 } as const
    const report = await load(target, { arrivals }, { warmupMs: 200 })
    assert.equal(report.offered, 30)
  })
})
