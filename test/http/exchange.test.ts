import assert from "node:assert/strict"
import { once } from "node:events"
import type { Socket } from "node:net"
import { test } from "node:test"
import * as z from "zod"
import { written } from "../../src/service/answer.ts"
import { operation } from "../../src/service/operation.ts"
import type { Outcome } from "../../src/service/outcome.ts"
import { problem } from "../../src/service/problem.ts"
import { type ApiTrial, serveApi } from "../support/api.ts"
import { eventually } from "../support/cli.ts"
import { RawClient } from "../support/raw-client.ts"

const common = { body: z.any(), output: z.any(), run: ({ body }: { body: unknown }) => body }
const cancels = operation({ ...common, path: "/cancels" })
const finishes = operation({ ...common, path: "/finishes", onDisconnect: "finish" })
const limited = operation({ ...common, path: "/limited", deadlineMs: 5000 })

/** A computing side that answers when it is told to. */
function slowly() {
  const begun = Promise.withResolvers<void>()
  const done = Promise.withResolvers<Outcome>()
  return {
    begun: begun.promise,
    finish: () => done.resolve({ kind: "done", reply: { kind: "json", text: "1" } }),
    outcome: () => {
      begun.resolve()
      return done.promise
    },
  }
}

function post(path: string): readonly string[] {
  return [
    `POST ${path} HTTP/1.1`,
    "host: x",
    "content-type: application/json",
    "content-length: 2",
    "",
    "{}",
  ]
}

test("a client that leaves cancels its work, and is recorded as 499", async () => {
  await using api = await serveApi({ cancels })
  const work = slowly()
  api.compute.outcome = work.outcome
  using client = await RawClient.connect(api.port)
  client.write(...post("/cancels"))
  await work.begun
  assert.equal(api.compute.held, 2)
  client.socket.resetAndDestroy()
  const [record] = await api.untilRecords(1)
  assert.deepEqual(
    { status: record?.status, outcome: record?.outcome, operation: record?.operation },
    { status: 499, outcome: "cancelled", operation: "cancels" },
  )
  assert.equal(api.compute.cancels, 1)
  while (api.compute.held > 0) await new Promise(setImmediate)
})

test("work that is to be finished goes on, and its input is held until it is done", async () => {
  await using api = await serveApi({ finishes })
  const work = slowly()
  api.compute.outcome = work.outcome
  using client = await RawClient.connect(api.port)
  client.write(...post("/finishes"))
  await work.begun
  client.socket.destroy()
  const [record] = await api.untilRecords(1)
  assert.equal(record?.status, 499)
  assert.equal(api.compute.cancels, 0)
  assert.equal(api.compute.held, 2)
  work.finish()
  while (api.compute.held > 0) await new Promise(setImmediate)
})

test("a client that leaves while it sends its body leaves nothing behind", async () => {
  await using api = await serveApi({ cancels })
  using client = await RawClient.connect(api.port)
  client.write(
    "POST /cancels HTTP/1.1",
    "host: x",
    "content-type: application/json",
    "content-length: 5000",
    "",
    "[",
  )
  while (api.compute.held === 0) await new Promise(setImmediate)
  assert.equal(api.compute.held, 5000)
  client.socket.destroy()
  const [record] = await api.untilRecords(1)
  assert.equal(record?.status, 499)
  assert.equal(api.compute.held, 0)
  assert.equal(api.compute.calls.length, 0)
})

test("a client that does not take its answer is given up on", async () => {
  await using api = await serveApi({ cancels }, { headersTimeoutMs: 100, requestTimeoutMs: 100 })
  neverLate(api)
  const text = JSON.stringify("x".repeat(50_000_000))
  api.compute.outcome = () => ({ kind: "done", reply: { kind: "json", text } })
  using client = await RawClient.connect(api.port)
  client.socket.pause()
  client.write(...post("/cancels"))
  const [record] = await api.untilRecords(1)
  assert.equal(record?.status, 499)
})

test("beyond what may be held of unread answers, who does not read makes room for who does", async () => {
  await using api = await serveApi({ cancels }, { unreadBytesMax: 1_000_000 })
  const text = JSON.stringify("x".repeat(20_000_000))
  api.compute.outcome = () => ({ kind: "done", reply: { kind: "json", text } })
  using silent = await RawClient.connect(api.port)
  silent.socket.pause()
  silent.write(...post("/cancels"))
  await eventually(() => api.compute.calls.length === 1 || undefined, "the first call")
  assert.equal((await api.call("POST", "/cancels", { json: {} })).bytes.length, text.length)
  const statuses = (await api.untilRecords(2)).map(({ status }) => status)
  assert.deepEqual(statuses, [499, 200])
  assert.ok(
    api.logged.some(
      ({ msg, unreadBytesMax }) => /unread/.test(`${msg}`) && unreadBytesMax === 1_000_000,
    ),
  )
})

test("files of the documentation that nobody reads make room, too", async () => {
  await using api = await serveApi({ cancels }, { docs: "on", unreadBytesMax: 1_000_000 })
  const path = "/docs/static/swagger-ui-bundle.js"
  const silent: RawClient[] = []
  try {
    // More than the system takes. Of each the server holds but a piece: together they reach the bound.
    await eventually(async () => {
      const client = await RawClient.connect(api.port, "127.0.0.2")
      silent.push(client)
      client.socket.pause()
      client.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`.repeat(16))
      assert.ok((await api.call("GET", path)).bytes.length > 1_000_000)
      return api.logged.find(({ msg }) => /unread/.test(`${msg}`))
    }, "the bound to be reached")
    const [first] = silent
    first!.socket.resume()
    await first!.read()
  } finally {
    for (const client of silent) client[Symbol.dispose]()
  }
})

test("a slow call behind a large answer is waited for", async () => {
  await using api = await serveApi({ cancels })
  const connected = once(api.app.server, "connection")
  const text = JSON.stringify("x".repeat(100_000))
  const slow = Promise.withResolvers<Outcome>()
  api.compute.outcome = () =>
    api.compute.calls.length > 1 ? slow.promise : { kind: "done", reply: { kind: "json", text } }
  using client = await RawClient.connect(api.port)
  const [socket] = (await connected) as [Socket]
  client.write(...post("/cancels"))
  client.write(...post("/cancels"))
  await client.read(text)
  await eventually(() => api.compute.calls.length > 1 || undefined, "the slow call")
  await eventually(() => !socket.timeout || undefined, "the client's time to be unlimited")
  slow.resolve({ kind: "done", reply: { kind: "json", text: '"slow"' } })
  await client.read('"slow"')
  assert.deepEqual(
    (await api.untilRecords(2)).map(({ status }) => status),
    [200, 200],
  )
})

test("a large answer behind a slow call is given up on too", async () => {
  await using api = await serveApi({ cancels }, { headersTimeoutMs: 100, requestTimeoutMs: 100 })
  neverLate(api)
  const text = JSON.stringify("x".repeat(50_000_000))
  const slow = Promise.withResolvers<Outcome>()
  api.compute.outcome = () => {
    if (api.compute.calls.length === 1) return slow.promise
    setImmediate(slow.resolve, { kind: "done", reply: { kind: "json", text: "1" } })
    return { kind: "done", reply: { kind: "json", text } }
  }
  using client = await RawClient.connect(api.port)
  client.socket.pause()
  client.write(...post("/cancels"))
  client.write(...post("/cancels"))
  assert.deepEqual(
    (await api.untilRecords(2)).map(({ status }) => status),
    [200, 499],
  )
})

test("a connection waits for another request after a large answer as after a small one", async () => {
  await using api = await serveApi({ cancels }, { keepAliveTimeoutMs: 300_000 })
  const connected = once(api.app.server, "connection")
  const text = JSON.stringify("x".repeat(100_000))
  api.compute.outcome = () => ({ kind: "done", reply: { kind: "json", text } })
  using client = await RawClient.connect(api.port)
  const [socket] = (await connected) as [Socket]
  client.write(...post("/cancels"))
  await api.untilRecords(1)
  assert.ok((socket.timeout ?? 0) >= 300_000, `${socket.timeout} ms`)
})

test("garbage behind a request costs it nothing, and is not answered", async () => {
  await using api = await serveApi({ cancels })
  const work = slowly()
  api.compute.outcome = work.outcome
  using client = await RawClient.connect(api.port)
  client.write(...post("/cancels"))
  await work.begun
  const errors = once(api.app.server, "clientError")
  client.write("garbage", "", "")
  await errors
  work.finish()
  const answers = await client.read()
  assert.deepEqual(answers.match(/HTTP\/1\.1 \d+/g), ["HTTP/1.1 200"])
  const [record] = await api.untilRecords(1)
  assert.equal(record?.status, 200)
  assert.equal(api.compute.cancels, 0)
})

test("a client can wait for less than the operation would take, never for more", async () => {
  await using api = await serveApi({ cancels, limited }, { deadlineMs: 20_000 })
  const allowedMs = async (path: string, header?: string) => {
    const headers = header === undefined ? {} : { "x-envoy-expected-rq-timeout-ms": header }
    const { status, json } = await api.call("POST", path, { json: 1, headers })
    const call = api.compute.calls.at(-1)
    return status === 200 && call
      ? Math.round(call.deadlineAtMs - call.arrivedAtMs)
      : [status, json.detail]
  }
  assert.equal(await allowedMs("/cancels"), 20_000)
  assert.equal(await allowedMs("/limited"), 5000)
  assert.equal(await allowedMs("/limited", "250"), 250)
  assert.equal(await allowedMs("/limited", "00900"), 900)
  assert.equal(await allowedMs("/limited", "5001"), 5000)
  assert.equal(await allowedMs("/limited", "9".repeat(20)), 5000)
  for (const wrong of ["0", "-1", "1.5", "1e3", "soon", ""]) {
    assert.deepEqual(
      await allowedMs("/limited", wrong),
      [
        400,
        "The header x-envoy-expected-rq-timeout-ms must be a whole number of milliseconds, 1 or more.",
      ],
      wrong,
    )
  }
})

test("every response carries the client's id, its trace's, or a new one", async () => {
  await using api = await serveApi({ cancels })
  const id = async (headers: Record<string, string>, path = "/cancels") => {
    const { headers: sent } = await api.call("POST", path, { json: 1, headers })
    return sent["x-request-id"]
  }
  const fresh = /^[0-9a-f-]{36}$/
  const trace = "4bf92f3577b34da6a3ce929d0e0e4736"
  const traceparent = `00-${trace}-00f067aa0ba902b7-01`
  assert.equal(await id({ "x-request-id": "abc-1._Z" }), "abc-1._Z")
  assert.equal(await id({ "x-request-id": "abc" }, "/nowhere"), "abc")
  assert.equal(await id({ traceparent }), trace)
  assert.equal(await id({ traceparent, "x-request-id": "mine" }), "mine")
  for (const bad of ["", "a b", "x".repeat(129), "a\tb", "{}"]) {
    assert.match(`${await id({ "x-request-id": bad })}`, fresh)
  }
  assert.match(`${await id({ traceparent: `00-${"0".repeat(32)}-00f067aa0ba902b7-01` })}`, fresh)
  assert.notEqual(await id({}), await id({}))
})

test("tries of one request can be told by its key or its id, not by its trace", async () => {
  await using api = await serveApi({ cancels })
  const tries = async (headers: Record<string, string>) => {
    for (let n = 0; n < 2; n++) await api.call("POST", "/cancels", { json: 1, headers })
    const [first, second] = api.compute.calls.slice(-2).map(({ tryId }) => tryId)
    assert.deepEqual(
      // By its headers, and by its body.
      api.compute.arrivals.slice(-4).map(({ tryId }) => tryId),
      [first, first, second, second],
    )
    return first === second
  }
  assert.equal(await tries({ "idempotency-key": "k", "x-request-id": "a" }), true)
  assert.equal(await tries({ "x-request-id": "a" }), true)
  assert.equal(await tries({}), false)
  const traceparent = `00-${"ab".repeat(16)}-00f067aa0ba902b7-01`
  assert.equal(await tries({ traceparent }), false)
})

test("one line a request, by importance, and nothing secret in it", async () => {
  await using api = await serveApi({ cancels })
  const answers: Outcome[] = [
    { kind: "done", reply: { kind: "json", text: '"secret"' } },
    { kind: "problem", problem: written(problem(404, "secret")) },
    { kind: "shed", reason: "deadline", retryAfterMs: 1 },
    { kind: "expired", where: "running" },
    { kind: "crashed", how: "exit", fault: { message: "it died", stack: undefined } },
  ]
  for (const outcome of answers) {
    api.compute.outcome = () => outcome
    await api.call("POST", "/cancels?token=secret", {
      json: "secret",
      headers: { authorization: "secret", cookie: "secret" },
    })
  }
  await api.untilRecords(answers.length)
  const lines = api.logged.filter(({ method }) => method === "POST")
  assert.deepEqual(
    lines.map(({ level, status, outcome }) => ({ level, status, outcome })),
    [
      { level: 30, status: 200, outcome: "ok" },
      { level: 30, status: 404, outcome: "problem" },
      { level: 40, status: 503, outcome: "shed" },
      { level: 40, status: 504, outcome: "expired" },
      { level: 50, status: 500, outcome: "crashed" },
    ],
  )
  for (const line of lines) {
    assert.equal(line.path, "/cancels")
    assert.equal(line.operation, "cancels")
    assert.equal(typeof line.requestId, "string")
    assert.equal(typeof line.durationMs, "number")
  }
  assert.doesNotMatch(JSON.stringify(api.logged), /secret/)
})

test("a client that leaves with several requests under way leaves none of them behind", async () => {
  await using api = await serveApi({ cancels })
  api.compute.outcome = () => new Promise(() => {})
  using client = await RawClient.connect(api.port)
  client.write(...post("/cancels"))
  client.write(...post("/cancels"))
  while (api.compute.calls.length < 2) await new Promise(setImmediate)
  client.socket.resetAndDestroy()
  await api.untilRecords(2)
  assert.deepEqual([api.compute.cancels, api.compute.held], [2, 0])
})

/** Node's own limits on sending a request are not those that the test is about. */
function neverLate({ app: { server } }: ApiTrial): void {
  Object.assign(server, { headersTimeout: 0, requestTimeout: 0 })
}
