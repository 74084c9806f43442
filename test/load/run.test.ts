/** Whole runs against real sockets. */
import assert from "node:assert/strict"
import { once } from "node:events"
import type { AddressInfo } from "node:net"
import { createServer } from "node:net"
import { test } from "node:test"
import { load, scenario } from "capstan/load"
import { resolveLoad } from "../../src/load/config.ts"
import { Run } from "../../src/load/run.ts"
import type { User } from "../../src/load/scenario/scenario.ts"
import { eventually } from "../support/cli.ts"
import { loadTarget } from "../support/load-target.ts"
import { openResources } from "../support/server.ts"
import { visits } from "../support/visits.ts"

const get = scenario({ tasks: { home: (user) => user.get("/") } })

test("an open model sends what its rate says, no more and no less, and leaves nothing behind", async () => {
  const before = openResources()
  {
    await using target = await loadTarget()
    const result = await load({ target: target.url, scenario: get, rate: 150, runTimeMs: 1000 })
    assert.equal(result.total.requests, 150)
    assert.equal(result.total.failures, 0)
    assert.equal(result.model, "open")
    assert.equal(result.ended, "run time over")
    assert.ok(Math.abs(result.durationMs - 1000) < 200, `${result.durationMs}`)
    assert.deepEqual(
      result.rows.map(({ method, name, requests, meanBytes }) => [
        method,
        name,
        requests,
        meanBytes,
      ]),
      [["GET", "/", 150, 2]],
    )
    assert.equal(result.total.latencyHistogram.total, 150)
  }
  for (const kind of ["Timeout", "TCPSocketWrap"]) {
    // A socket that was closed is gone when the system has said so.
    await eventually(
      () => (openResources()[kind] ?? 0) <= (before[kind] ?? 0) || undefined,
      `nothing being left of ${kind}`,
    )
  }
})

test("a target that stalls can't hide behind requests that were not sent", async () => {
  // Nothing is answered for a second from 0.5 s on: 200 requests a second, so the ones due meanwhile
  // wait for what is left of that second. Of all 400, those are half, evenly from 0 to 1000 ms.
  const held: (() => void)[] = []
  let state: "before" | "stalled" | "after" = "before"
  let stalledMs = 0
  await using target = await loadTarget((_, response) => {
    if (state === "stalled") held.push(() => response.end())
    else response.end()
  })
  const timers = [
    setTimeout(() => {
      state = "stalled"
      stalledMs = -performance.now()
    }, 500),
    setTimeout(() => {
      state = "after"
      stalledMs += performance.now()
      for (const release of held) release()
    }, 1500),
  ]
  const result = await load({ target: target.url, scenario: get, rate: 200, runTimeMs: 2000 })
  for (const timer of timers) clearTimeout(timer)
  const { percentilesMs } = result.total.latency
  assert.equal(result.total.requests, 400)
  // The n-th percentile above 50 is 20 ms further for each percent, as computed by hand; from there
  // on it is how long the stall was in truth that counts, and some time for answering so many.
  for (const [percent, expectedMs] of [
    [75, 500],
    [90, 800],
    [99, 980],
  ] as const) {
    const found = percentilesMs[percent]
    const wantedMs = expectedMs + stalledMs - 1000
    assert.ok(Math.abs(found - wantedMs) < 200, `p${percent}: ${found}, not ${wantedMs} ms`)
  }
})

test("users wait for their answers, and the same stall costs each of them one request", async () => {
  let stalled = false
  await using target = await loadTarget((_, response) => {
    const delayMs = stalled ? 10 : 600
    stalled = true
    setTimeout(() => response.end(), delayMs)
  })
  const result = await load({ target: target.url, scenario: get, users: 1, runTimeMs: 1200 })
  assert.equal(result.model, "closed")
  assert.ok(result.total.requests > 3 && result.total.requests < 70, `${result.total.requests}`)
  const slow = result.total.latencyHistogram.toJSON().filter(([us]) => us > 500_000)
  assert.deepEqual(
    slow.map(([, count]) => count),
    [1],
  )
  assert.ok(result.total.latency.maxMs >= 590)
})

test("a generator that stood still says so, and its requests count from when they were due", async () => {
  await using target = await loadTarget()
  const running = load({ target: target.url, scenario: get, rate: 100, runTimeMs: 1500 })
  await new Promise((resolve) => setTimeout(resolve, 300))
  const untilMs = performance.now() + 400
  while (performance.now() < untilMs);
  const result = await running
  assert.equal(result.total.requests, 150)
  assert.ok(result.generator.lagMs.max > 350, `${result.generator.lagMs.max}`)
  assert.ok(result.generator.loopDelayMsMax > 300)
  assert.ok(result.total.latency.maxMs > 350)
  assert.ok(result.total.latency.maxMs > result.total.service.maxMs)
})

test("there are as many users as asked for, and each is one at a time", async () => {
  let inHand = 0
  let most = 0
  await using target = await loadTarget((_, response) => {
    inHand += 1
    most = Math.max(most, inHand)
    setTimeout(() => {
      inHand -= 1
      response.end()
    }, 20)
  })
  const result = await load({ target: target.url, scenario: get, users: 7, runTimeMs: 1300 })
  assert.equal(most, 7)
  assert.equal(result.history[0]?.users, 7)
  assert.equal(target.connections(), 7)
})

test("tasks are chosen by weight, users wait between them, and requests have names", async () => {
  await using target = await loadTarget()
  const weighted = scenario({
    wait: { constantMs: 5 },
    tasks: {
      often: { weight: 4, run: ({ get }) => get("/item/7?x=1", { name: "/item/{id}" }) },
      seldom: { weight: 1, run: ({ post }) => post("/order", { json: { n: 1 } }) },
    },
  })
  const { rows, total } = await load({
    target: `${target.url}/base/`,
    scenario: weighted,
    users: 10,
    runTimeMs: 1000,
  })
  const often = rows.find(({ name }) => name === "/item/{id}")?.requests ?? 0
  assert.ok(Math.abs(often / total.requests - 0.8) < 0.12, `${often} of ${total.requests}`)
  assert.ok(total.requests < 2000, "they waited")
})

test("what is sent is what the task said: path, query, headers, body, state from before", async () => {
  const seen: unknown[] = []
  await using target = await loadTarget(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const { method, url, headers } = request
    seen.push([
      method,
      url,
      headers["x-key"],
      headers["content-type"],
      Buffer.concat(chunks).toString(),
    ])
    response.setHeader("content-type", "application/json")
    response.end('{"token":"abc"}')
  })
  const tasks = {
    async login({ post, put }: User) {
      const { token } = (await post("/login", { json: { user: "ä" } })).json()
      await put("/things", {
        query: { page: 2, q: "a b" },
        headers: { "x-key": token, "content-type": "text/plain" },
        body: "raw",
      })
    },
  }
  await visits(1, { tasks }, { target: `${target.url}/api`, headers: { "x-key": "all" } })
  assert.deepEqual(seen, [
    ["POST", "/api/login", "all", "application/json", '{"user":"ä"}'],
    ["PUT", "/api/things?page=2&q=a+b", "abc", "text/plain", "raw"],
  ])
})

test("failures are told apart by name, counted, and kept with an example", async () => {
  await using target = await loadTarget((request, response) => {
    switch (request.url) {
      case "/busy":
        response.writeHead(503).end("come back later")
        break
      case "/reset":
        request.socket.destroy()
        break
      case "/slow":
        break
      default:
        response.setHeader("content-type", "application/json")
        response.end('{"ok":false}')
    }
  })
  const tasks = {
    async all({ get }: User) {
      const busy = await get("/busy")
      assert.deepEqual([busy.ok, busy.status, busy.text], [false, 503, "come back later"])
      const reset = await get("/reset")
      assert.deepEqual([reset.ok, reset.status], [false, 0])
      await get("/slow")
      await get("/wrong", { checks: { "is ok": (answer) => answer.json().ok } })
      await get("/right", { checks: { "is not ok": (answer) => !answer.json().ok } })
      throw new Error("I am a bug")
    },
  }
  const beganMs = Date.now()
  const config = { target: target.url, timeoutMs: 800 }
  const { failures, exceptions, total } = await visits(1, { tasks }, config)
  assert.deepEqual(
    failures
      .map(({ kind, name, error, occurrences }) => [kind, name, error, occurrences])
      .toSorted((a, b) => String(a[1]).localeCompare(String(b[1]))),
    [
      ["status", "/busy", "503 Service Unavailable", 1],
      ["reset", "/reset", "connection closed before the answer was complete", 1],
      ["timeout", "/slow", "no answer within 800 ms", 1],
      ["check", "/wrong", "check: is ok", 1],
    ].toSorted((a, b) => String(a[1]).localeCompare(String(b[1]))),
  )
  assert.deepEqual([total.requests, total.failures], [5, 4])
  assert.match(failures.find(({ kind }) => kind === "status")?.example ?? "", /come back later/)
  assert.deepEqual(
    exceptions.map(({ task, message, occurrences }) => [task, message, occurrences]),
    [["all", "Error: I am a bug", 1]],
  )
  assert.match(exceptions[0]?.stack ?? "", /run\.test\.ts/)
  for (const { firstSeenMs, lastSeenMs } of failures) {
    assert.ok(firstSeenMs <= lastSeenMs && firstSeenMs > beganMs - 100)
    assert.ok(lastSeenMs < Date.now() + 100)
  }
})

test("a port where nobody listens, and one where nobody speaks HTTP, are failures by name", async () => {
  const server = createServer((socket) => socket.resume().end("hello?\r\n\r\n")).listen(
    0,
    "127.0.0.1",
  )
  await once(server, "listening")
  const target = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const kinds = async (): Promise<string[]> => {
    const { failures } = await load({ target, scenario: get, rate: 10, runTimeMs: 300 })
    return [...new Set(failures.map(({ kind }) => kind))]
  }
  assert.deepEqual(await kinds(), ["malformed"])
  server.close()
  await once(server, "close")
  assert.deepEqual(await kinds(), ["refused"])
})

test("what is unanswered when the run ends is a failure, with the time it had waited", async () => {
  let asked = 0
  await using target = await loadTarget(() => {
    asked += 1
    if (asked === 3) run.stop()
  })
  const plan = resolveLoad({ target: target.url, users: 3, spawnRate: 1000 })
  const run = new Run(plan, { scenario: get, graceMs: 300 })
  const result = await run.done
  assert.equal(result.ended, "stopped")
  assert.deepEqual(
    result.failures.map(({ kind, occurrences }) => [kind, occurrences]),
    [["unanswered", 3]],
  )
  assert.ok(result.total.latency.minMs > 290, `${result.total.latency.minMs}`)
})

test("a signal ends a run early, and the result is that of the part that ran", async () => {
  const stop = new AbortController()
  let asked = 0
  await using target = await loadTarget((_, response) => {
    asked += 1
    if (asked === 20) stop.abort()
    response.end()
  })
  const result = await load(
    { target: target.url, scenario: get, rate: 100 },
    { signal: stop.signal },
  )
  assert.equal(result.ended, "stopped")
  assert.equal(result.total.requests, asked)
})

test("connections are replaced when they have carried their share, and none is cut off", async () => {
  const carried = new Map<unknown, number>()
  await using target = await loadTarget(({ socket }, response) => {
    carried.set(socket, (carried.get(socket) ?? 0) + 1)
    response.end()
  })
  const { total, connections } = await load({
    target: target.url,
    scenario: get,
    rate: 200,
    runTimeMs: 1000,
    connectionRequestsMax: 10,
  })
  assert.equal(total.failures, 0)
  assert.ok(Math.max(...carried.values()) <= 12, "ten, give or take a fifth")
  assert.equal(connections.opened, target.connections())
})

test("a task that does nothing does not keep the thread to itself", async () => {
  const idle = scenario({ tasks: { nothing: () => {} } })
  const result = await load({
    target: "http://127.0.0.1:1",
    scenario: idle,
    users: 3,
    runTimeMs: 300,
  })
  assert.equal(result.total.requests, 0)
})

test("more names than there is room for are counted together, and that is said", async () => {
  await using target = await loadTarget()
  let id = 0
  const many = scenario({ tasks: { one: ({ get }) => get(`/item/${id++}`) } })
  const { rows, total, notes } = await load({
    target: target.url,
    scenario: many,
    rate: 500,
    runTimeMs: 600,
  })
  assert.equal(total.requests, 300)
  assert.equal(rows.length, 201)
  assert.equal(rows.find(({ name }) => name === "(other names)")?.requests, 100)
  assert.match(notes.join(), /only the first 200 names/i)
})
