import assert from "node:assert/strict"
import { once } from "node:events"
import { test } from "node:test"
import { Client } from "undici"
import * as z from "zod"
import { written } from "../../src/service/answer.ts"
import { bytes } from "../../src/service/body.ts"
import { operation } from "../../src/service/operation.ts"
import type { Outcome } from "../../src/service/outcome.ts"
import { problem } from "../../src/service/problem.ts"
import { serveApi } from "../support/api.ts"
import { eventually } from "../support/cli.ts"
import { RawClient, statusOf } from "../support/raw-client.ts"
import { simulatedTimers } from "../support/simulated-timers.ts"

const get = operation({
  method: "GET",
  path: "/items/{id}",
  params: z.object({ id: z.string() }),
  output: z.string(),
  run: ({ path }) => path.id,
})
const put = operation({
  method: "PUT",
  path: "/items/{id}",
  params: z.object({ id: z.string() }),
  body: z.any(),
  run() {},
})
const post = operation({ path: "/post", body: z.any(), output: z.any(), run: ({ body }) => body })

test("an unknown path is 404, and a known one with another method 405 with what is allowed", async () => {
  await using api = await serveApi({ get, put, post }, { docs: "on" })
  for (const [method, path] of [
    ["GET", "/"],
    ["POST", "/items"],
    ["GET", "/items/1/2"],
    ["POST", "/Post"],
    ["GET", "/post/"],
    ["GET", "/items/"],
    ["GET", "/items/?id=1"],
    ["POST", "/items/"],
  ] as const) {
    const { status, json } = await api.call(method, path)
    assert.equal(status, 404, path)
    assert.equal(json.title, "Not Found")
  }
  for (const [method, path, allow] of [
    ["POST", "/items/1", "GET, HEAD, PUT"],
    ["OPTIONS", "/items/1", "GET, HEAD, PUT"],
    ["GET", "/post?x=1", "POST"],
    ["PROPFIND", "/post", "POST"],
    ["POST", "/openapi.json", "GET, HEAD"],
    ["POST", "/docs/static/index.css", "GET, HEAD"],
  ] as const) {
    const { status, headers } = await api.call(method as "GET", path)
    assert.equal(status, 405, `${method} ${path}`)
    assert.equal(headers.allow, allow)
  }
  const withBody = await api.call("POST", "/nowhere", {
    body: "x",
    headers: { "content-type": "/" },
  })
  assert.equal(withBody.status, 404)
})

test("HEAD is GET without the body", async () => {
  await using api = await serveApi({ get })
  const { status, headers, text } = await api.call("HEAD", "/items/abc")
  assert.deepEqual(
    { status, length: headers["content-length"], text },
    { status: 200, length: "5", text: "" },
  )
})

test("an answer that the client does not accept is refused before the work", async () => {
  const image = operation({
    method: "GET",
    path: "/image",
    output: bytes("image/png", "image/webp"),
    run: () => ({ bytes: new Uint8Array(1), mediaType: "image/png" }),
  })
  const any = operation({
    method: "GET",
    path: "/any-image",
    output: bytes("image/*"),
    run: () => ({ bytes: new Uint8Array(1), mediaType: "image/gif" }),
  })
  await using api = await serveApi({ post, image, any })
  for (const [method, path, accept, status] of [
    ["POST", "/post", "text/html", 406],
    ["POST", "/post", "text/html, application/*;q=0.1", 200],
    ["POST", "/post", "application/json;q=0", 406],
    ["GET", "/image", "image/webp", 200],
    ["GET", "/image", "image/*", 200],
    ["GET", "/image", "image/jpeg, application/json", 406],
    ["GET", "/any-image", "image/gif", 200],
    ["GET", "/any-image", "text/html, */*;q=0.8", 200],
    ["GET", "/any-image", "audio/ogg", 406],
  ] as const) {
    const answer = await api.call(method, path, {
      headers: { accept },
      ...(method === "POST" ? { json: 1 } : {}),
    })
    assert.equal(answer.status, status, `${path} ${accept}`)
  }
  assert.equal(api.compute.calls.length, 5)
})

test("a URL that can't be decoded, and a request without a host, are malformed", async () => {
  await using api = await serveApi({ get })
  const { status, json } = await api.call("GET", "/items/%zz")
  assert.equal(status, 400)
  assert.match(json.detail, /%/)
  using client = await RawClient.connect(api.port)
  client.write("GET /items/1 HTTP/1.1", "connection: close", "", "")
  assert.equal(statusOf(await client.read()), 400)
  assert.deepEqual(
    (await api.untilRecords(2)).map(({ status, outcome }) => ({ status, outcome })),
    [
      { status: 400, outcome: "bad-request" },
      { status: 400, outcome: "bad-request" },
    ],
  )
})

test("a parameter may be anything but empty: a long one is for its schema to refuse", async () => {
  await using api = await serveApi({ get })
  for (const id of ["a/b", "a\nb", "-.", "é", " "]) {
    const { json } = await api.call("GET", `/items/${encodeURIComponent(id)}`)
    assert.equal(json, id)
  }
  assert.equal((await api.call("GET", `/items/${"x".repeat(5000)}`)).status, 200)
})

test("above the bound an idle connection makes room, and none on which a request is under way", async () => {
  await using api = await serveApi({ post }, { connectionsMax: 2 })
  const answer = Promise.withResolvers<Outcome>()
  api.compute.outcome = () => answer.promise
  const send = (client: RawClient): void =>
    client.write(
      "POST /post HTTP/1.1",
      "host: x",
      "content-type: application/json",
      "content-length: 1",
      "",
      "1",
    )
  using idle = await RawClient.connect(api.port)
  using first = await RawClient.connect(api.port)
  send(first)
  using second = await RawClient.connect(api.port)
  send(second)
  assert.equal(await idle.read(), "")
  await eventually(() => api.compute.calls.length === 2 || undefined, "both calls")
  using third = await RawClient.connect(api.port)
  assert.equal(await third.read(), "")
  answer.resolve({ kind: "done", reply: { kind: "json", text: "1" } })
  for (const client of [first, second]) {
    assert.equal(statusOf(await client.read("\r\n\r\n1")), 200)
  }
  using fourth = await RawClient.connect(api.port)
  send(fourth)
  assert.equal(statusOf(await fourth.read("\r\n\r\n1")), 200)
  assert.ok(
    api.logged.some(
      ({ msg, connectionsMax }) => /connections/.test(`${msg}`) && connectionsMax === 2,
    ),
  )
})

test("a request is shed before its body is sent, at once", async () => {
  await using api = await serveApi({ post }, { bodyBytesMax: 2 ** 31 - 1 })
  api.compute.shed = { kind: "shed", reason: "queue-full", retryAfterMs: 1200 }
  using client = await RawClient.connect(api.port)
  client.write(
    "POST /post HTTP/1.1",
    "host: x",
    "content-type: application/json",
    "content-length: 2000000000",
    "",
    "",
  )
  const received = await client.read()
  assert.equal(statusOf(received), 503)
  assert.match(received, /retry-after: 2\r\n/)
  assert.match(received, /connection: close/i)
  assert.match(received, /"status":503/)
  const [record] = await api.untilRecords(1)
  assert.equal(record?.outcome, "shed")
  assert.equal(record?.shedReason, "queue-full")
  assert.equal(api.compute.calls.length, 0)
  assert.equal(api.compute.heldMost, 0)
})

test("a client whose small body was shed keeps its connection", async () => {
  await using api = await serveApi({ post })
  const sockets = new Set<unknown>()
  api.app.server.on("connection", (socket) => sockets.add(socket))
  api.compute.shed = { kind: "shed", reason: "bytes-full", retryAfterMs: 1 }
  const client = new Client(api.url)
  const request = {
    method: "POST",
    path: "/post",
    headers: { "content-type": "application/json" },
  } as const
  for (let n = 0; n < 20; n++) {
    const { statusCode, headers, body } = await client.request({
      ...request,
      body: JSON.stringify("x".repeat(n * 3000)),
    })
    await body.dump()
    assert.equal(statusCode, 503)
    assert.equal(headers["retry-after"], "1")
    assert.equal(headers.connection, "keep-alive")
  }
  api.compute.shed = undefined
  const { statusCode, body } = await client.request({ ...request, body: "1" })
  await body.dump()
  assert.equal(statusCode, 200)
  await client.close()
  assert.equal(sockets.size, 1)
})

test("a client that is sending a large body when it is shed reads the 503", async (t) => {
  // Who lingers for a late client is not overtaken by a stall.
  simulatedTimers(t)
  await using api = await serveApi({ post }, { bodyBytesMax: 2 ** 31 - 1 })
  api.compute.shed = { kind: "shed", reason: "bytes-full", retryAfterMs: 1 }
  using client = await RawClient.connect(api.port)
  client.write(
    "POST /post HTTP/1.1",
    "host: x",
    "content-type: application/json",
    "content-length: 20000000",
    "",
    "",
  )
  const piece = Buffer.alloc(1_000_000, " ")
  for (let n = 0; n < 10; n++) client.socket.write(piece)
  const received = await client.read()
  assert.equal(client.failed, undefined, "no reset has overtaken the answer")
  assert.equal(statusOf(received), 503)
})

test("each outcome has its answer", async () => {
  await using api = await serveApi({ post })
  const fault = { message: "secret", stack: "Error: secret\n    at /home/me/secret.ts:1" }
  for (const [outcome, status, recorded, wanted] of [
    [
      { kind: "problem", problem: written(problem(418, "Short.", { spout: 1 })) },
      418,
      "problem",
      { spout: 1 },
    ],
    [{ kind: "invalid", problem: written(problem(422, "Wrong.")) }, 422, "bad-request", {}],
    [{ kind: "error", fault }, 500, "error", {}],
    [{ kind: "crashed", how: "exit", fault }, 500, "crashed", {}],
    [{ kind: "crashed", how: "out-of-memory", fault }, 500, "crashed", {}],
    [{ kind: "shed", reason: "deadline", retryAfterMs: 0 }, 503, "shed", {}],
    [{ kind: "expired", where: "queue" }, 504, "expired", {}],
    [{ kind: "done", reply: { kind: "empty" } }, 204, "ok", {}],
  ] as const) {
    api.compute.outcome = () => outcome
    const before = api.records.length
    const answer = await api.call("POST", "/post", { json: 1 })
    assert.equal(answer.status, status)
    assert.doesNotMatch(answer.text, /secret/)
    if (status >= 400) assert.equal(answer.headers["content-type"], "application/problem+json")
    assert.deepEqual({ ...answer.json, ...wanted }, answer.json ?? {})
    if (status === 500) assert.equal(answer.json.requestId, answer.headers["x-request-id"])
    if (status === 503) assert.equal(answer.headers["retry-after"], "1")
    if (outcome.kind === "crashed") {
      assert.equal(/memory/.test(answer.json.detail), outcome.how === "out-of-memory")
    }
    assert.equal((await api.untilRecords(before + 1)).at(-1)?.outcome, recorded)
  }
  const stacks = api.logged.filter(({ err }) => err !== undefined)
  assert.equal(stacks.length, 3)
})

test("the computing side failing to take a call is a bug like any other", async () => {
  await using api = await serveApi({ post })
  api.compute.run = () => {
    throw new Error("no")
  }
  assert.equal((await api.call("POST", "/post", { json: 1 })).status, 500)
  assert.equal(api.compute.held, 0)
})

test("an operation can't have the documentation's path", async () => {
  const docs = operation({ method: "GET", path: "/docs/mine", run() {} })
  await assert.rejects(serveApi({ docs }, { docs: "on" }), /"docs".*\/docs\/mine.*documentation/)
  const spelled = operation({ method: "GET", path: "/%64ocs", run() {} })
  await assert.rejects(serveApi({ spelled }, { docs: "on" }), /"spelled".*\/%64ocs.*documentation/)
  await using api = await serveApi({ docs }, { docs: "off" })
  assert.equal((await api.call("GET", "/docs/mine")).status, 204)
  assert.equal((await api.call("GET", "/openapi.json")).status, 404)
})

test("a request that is half closed counts as left, and leaves nothing behind", async () => {
  await using api = await serveApi({ post })
  const { promise, resolve } = Promise.withResolvers<void>()
  api.compute.outcome = () => {
    resolve()
    return new Promise(() => {})
  }
  using client = await RawClient.connect(api.port)
  client.write(
    "POST /post HTTP/1.1",
    "host: x",
    "content-type: application/json",
    "content-length: 2",
    "",
    "{}",
  )
  await promise
  client.socket.end()
  await once(client.socket, "close")
  const [record] = await api.untilRecords(1)
  assert.equal(record?.status, 499)
  assert.equal(api.compute.cancels, 1)
})

test("what no server could do by its deadline is the client's mistake, and is told what it takes", async () => {
  const limited = operation({
    path: "/post",
    body: z.any(),
    output: z.any(),
    deadlineMs: 10_000,
    run() {},
  })
  await using api = await serveApi({ limited })
  const refuse = async (costMs: number, header?: string) => {
    api.compute.outcome = ({ arrivedAtMs, deadlineAtMs }) => {
      return { kind: "too-costly", costMs, timeAllowedMs: Math.round(deadlineAtMs - arrivedAtMs) }
    }
    const headers = header === undefined ? {} : { "x-envoy-expected-rq-timeout-ms": header }
    const before = api.records.length
    const answer = await api.call("POST", "/post", { json: 1, headers })
    assert.equal(answer.status, 422)
    assert.equal(answer.headers["content-type"], "application/problem+json")
    assert.equal(answer.headers["retry-after"], undefined)
    const record = (await api.untilRecords(before + 1)).at(-1)
    assert.deepEqual([record?.outcome, record?.shedReason], ["bad-request", undefined])
    return answer.json.errors
  }
  const code = "over_deadline"
  const takes = "of CPU time on one core, and its deadline is"
  assert.deepEqual(await refuse(1_125_000), [
    { path: [], code, message: `This would take 1125000 ms ${takes} 10000 ms. Ask for less work.` },
  ])
  const path = ["headers", "x-envoy-expected-rq-timeout-ms"]
  const byHeader = `${takes} 250 ms by the header ${path[1]} and 10000 ms without it.`
  assert.deepEqual(await refuse(300.2, "250"), [
    {
      path,
      code,
      message: `This would take 301 ms ${byHeader} Allow more time, or ask for less work.`,
    },
  ])
  assert.deepEqual(await refuse(10_001, "250"), [
    { path, code, message: `This would take 10001 ms ${byHeader} Ask for less work.` },
  ])
})

test("where the upload took most of the time, the answer says so, and what is late is not begun", async () => {
  const upload = operation({ path: "/upload", deadlineMs: 1000, body: bytes("*/*"), run() {} })
  for (const [tookMs, status, calls, said] of [
    [1500, 504, 0, /upload was slow: the body took 1500 ms.*1000 ms.*not begun/],
    [700, 504, 1, /upload was slow: the body took 700 ms.*1000 ms.*too little was left/],
    [700, 503, 1, /upload was slow: the body took 700 ms.*too little was left/],
    [100, 504, 1, /was not done by its deadline, and was stopped/],
    [100, 503, 1, /too much to do/],
  ] as const) {
    let nowMs = 0
    await using api = await serveApi({ upload }, {}, { now: () => nowMs })
    api.compute.outcome = () =>
      status === 504
        ? { kind: "expired", where: "running" }
        : { kind: "shed", reason: "deadline", retryAfterMs: 1 }
    using client = await RawClient.connect(api.port)
    client.write("POST /upload HTTP/1.1", "host: x", "content-type: text/plain")
    client.write("", "content-length: 2", "connection: close", "", "a")
    // It is asked about the first byte.
    while (api.compute.arrivals.length < 2) await new Promise(setImmediate)
    nowMs = tookMs
    client.write("b")
    const received = await client.read()
    assert.equal(statusOf(received), status)
    assert.match(received, said)
    assert.equal(api.compute.calls.length, calls)
    const [record] = await api.untilRecords(1)
    assert.equal(record?.outcome, status === 504 ? "expired" : "shed")
  }
})

test("an operation that takes no body has no slow upload, and neither has a quick one", async () => {
  let nowMs = 0
  await using api = await serveApi({ get, post }, {}, { now: () => nowMs })
  api.compute.outcome = () => {
    nowMs += 60_000
    return { kind: "expired", where: "running" }
  }
  for (const answer of [
    await api.call("GET", "/items/1"),
    await api.call("POST", "/post", { json: 1 }),
  ]) {
    assert.equal(answer.status, 504)
    assert.match(answer.json.detail, /was not done by its deadline/)
  }
})
