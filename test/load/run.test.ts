/** Whole runs against real sockets. */
import assert from "node:assert/strict"
import { once } from "node:events"
import type { AddressInfo } from "node:net"
import { createServer } from "node:net"
import { describe, test } from "node:test"
import { load, scenario } from "capstan/load"
import { resolveLoad } from "../../src/load/config.ts"
import { Run } from "../../src/load/run.ts"
import type { User } from "../../src/load/scenario/scenario.ts"
import { eventually } from "../support/cli.ts"
import { answerPatienceMs, patientLoad } from "../support/load-run.ts"
import { loadTarget } from "../support/load-target.ts"
import { openResources } from "../support/server.ts"
import { visits } from "../support/visits.ts"

const get = scenario({ tasks: { home: (user) => user.get("/") } })

test("an open model sends what its rate says, no more and no less, and leaves nothing behind", async () => {
  const before = openResources()
  {
    await using target = await loadTarget()
    const result = await load({ target: target.url, scenario: get, rate: 300, runTimeMs: 500 })
    assert.equal(result.total.requests, 150)
    assert.equal(result.total.failures, 0)
    assert.equal(result.model, "open")
    assert.equal(result.ended, "run time over")
    // Its time is that in which it sent, and not what the last answers took.
    assert.equal(Math.round(result.durationMs), 500)
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

// They wait for time to pass, and for none in particular; so they do it together.
describe("runs", { concurrency: true }, () => {
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
          // It is never answered.
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
        await get("/wrong", { checks: { "is ok": (answer) => answer.json().ok } })
        await get("/right", { checks: { "is not ok": (answer) => !answer.json().ok } })
        throw new Error("I am a bug")
      },
    }
    const beganMs = Date.now()
    const { failures, exceptions, total } = await visits(1, { tasks }, { target: target.url })
    // By itself: nothing else is to be answered within so short a time.
    const late = await visits(
      1,
      { tasks: { slow: ({ get }: User) => get("/slow") } },
      { target: target.url, timeoutMs: 100 },
    )
    assert.deepEqual(
      [...failures, ...late.failures]
        .map(({ kind, name, error, occurrences }) => [kind, name, error, occurrences])
        .toSorted((a, b) => String(a[1]).localeCompare(String(b[1]))),
      [
        ["status", "/busy", "503 Service Unavailable", 1],
        ["reset", "/reset", "connection closed before the answer was complete", 1],
        ["timeout", "/slow", "no answer within 100 ms", 1],
        ["check", "/wrong", "check: is ok", 1],
      ].toSorted((a, b) => String(a[1]).localeCompare(String(b[1]))),
    )
    assert.deepEqual([total.requests, total.failures], [4, 3])
    assert.deepEqual([late.total.requests, late.total.failures], [1, 1])
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
    const kinds = async (port: number): Promise<string[]> => {
      const target = `http://127.0.0.1:${port}`
      const { failures } = await patientLoad({ target, scenario: get, rate: 30, runTimeMs: 100 })
      return [...new Set(failures.map(({ kind }) => kind))]
    }
    assert.deepEqual(await kinds((server.address() as AddressInfo).port), ["malformed"])
    server.close()
    await once(server, "close")
    // Not the port that has just become free, which others may be given.
    assert.deepEqual(await kinds(1), ["refused"])
  })

  test("what is unanswered when the run ends is a failure, with the time it had waited", async () => {
    let asked = 0
    await using target = await loadTarget(() => {
      asked += 1
      if (asked === 3) run.stop()
    })
    const timeoutMs = answerPatienceMs()
    const plan = resolveLoad({ target: target.url, users: 3, spawnRate: 1000, timeoutMs })
    const run = new Run(plan, { scenario: get, graceMs: 100 })
    const result = await run.done
    assert.equal(result.ended, "stopped")
    assert.deepEqual(
      result.failures.map(({ kind, occurrences }) => [kind, occurrences]),
      [["unanswered", 3]],
    )
    assert.ok(result.total.latency.minMs > 95, `${result.total.latency.minMs}`)
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
      { target: target.url, scenario: get, users: 3, spawnRate: 1000 },
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
    const { total, connections } = await patientLoad({
      target: target.url,
      scenario: get,
      rate: 400,
      runTimeMs: 500,
      connectionRequestsMax: 10,
    })
    assert.equal(total.failures, 0)
    assert.ok(Math.max(...carried.values()) <= 12, "ten, give or take a fifth")
    assert.ok(carried.size >= total.requests / 12, `${carried.size} for ${total.requests}`)
    assert.equal(connections.opened, carried.size)
  })

  test("more names than there is room for are counted together, and that is said", async () => {
    await using target = await loadTarget()
    let id = 0
    const many = scenario({ tasks: { one: ({ get }) => get(`/item/${id++}`) } })
    const config = { target: target.url, scenario: many, rate: 600, runTimeMs: 500 }
    const { rows, total, notes } = await patientLoad(config)
    assert.equal(total.requests, 300)
    assert.equal(rows.length, 201)
    assert.equal(rows.find(({ name }) => name === "(other names)")?.requests, 100)
    assert.match(notes.join(), /only the first 200 names/i)
  })
})
