import assert from "node:assert/strict"
import { once } from "node:events"
import type { Socket } from "node:net"
import { test } from "node:test"
import * as z from "zod"
import { operation } from "../../src/service/operation.ts"
import { serveApi } from "../support/api.ts"
import { RawClient, statusOf } from "../support/raw-client.ts"
import { simulatedTimers } from "../support/simulated-timers.ts"

const post = operation({ path: "/post", body: z.any(), output: z.any(), run: ({ body }) => body })

test("what is not HTTP is answered as far as that goes, and recorded", async () => {
  await using api = await serveApi({ post })
  const keep = "connection: keep-alive"
  const chunked = "transfer-encoding: chunked"
  const hidden = "GET /hidden HTTP/1.1"
  for (const [sent, status] of [
    [["GARBAGE", "", ""], 400],
    [["GET / HTTP/1.1", "host: x", `big: ${"x".repeat(20_000)}`, "", ""], 431],
    [
      ["POST /post HTTP/1.1", "host: x", "content-length: 1", "transfer-encoding: chunked", "", ""],
      400,
    ],
    [["POST /post HTTP/1.1", "host: x", "content-length: 1", "content-length: 2", "", ""], 400],
    [["GET / HTTP/1.1", "host: x", "bad header: x", "", ""], 400],
    [["POST /post HTTP/1.0", keep, chunked, "", "0", "", hidden, "host: x", "", ""], 400],
    [["POST /%ff HTTP/1.0", keep, chunked, "", "0", "", hidden, "host: x", "", ""], 400],
    [["POST /post HTTP/1.1", "host: x", "host: x", "", hidden, "host: x", "", ""], 400],
    [["POST http://y/post HTTP/1.1", "host: x", "", hidden, "host: x", "", ""], 400],
    [["POST /post HTTP/2.0", "host: x", "", hidden, "host: x", "", ""], 505],
    [["POST /post", "host: x", "", hidden, "host: x", "", ""], 505],
  ] as const) {
    using client = await RawClient.connect(api.port)
    client.write(...sent)
    const received = await client.read()
    assert.equal(statusOf(received), status, sent.join(" ").slice(0, 60))
    assert.match(received, /content-type: application\/problem\+json/)
    assert.match(received, /x-request-id: \S/)
    assert.match(received, /connection: close/)
  }
  assert.deepEqual(
    (await api.untilRecords(11)).map(({ status }) => status),
    [400, 431, 400, 400, 400, 400, 400, 400, 400, 505, 505],
  )
})

test("an address with a host in it is the path behind that, where both are one", async () => {
  await using api = await serveApi({ post })
  for (const [address, host] of [
    ["http://x/post", "X"],
    ["http://x:80/post", "x"],
    ["https://x/post", "x:443"],
  ] as const) {
    using client = await RawClient.connect(api.port)
    client.write(`POST ${address} HTTP/1.1`, `host: ${host}`, "content-type: application/json")
    client.write("", "content-length: 1", "", "1")
    assert.equal(statusOf(await client.read("\r\n\r\n1")), 200, address)
  }
})

test("what can't be read is not answered behind what was answered in the same turn", async () => {
  const now = operation({
    method: "GET",
    path: "/now",
    thread: "main",
    output: z.any(),
    run: () => "now",
  })
  await using api = await serveApi({ now })
  for (const [path, status] of [
    ["/now", 200],
    ["/nowhere", 404],
  ] as const) {
    using client = await RawClient.connect(api.port)
    client.write(`GET ${path} HTTP/1.1`, "host: x", "", "GARBAGE", "", "")
    const answers = (await client.read()).match(/HTTP\/1\.1 \d+/g)
    assert.deepEqual(answers, [`HTTP/1.1 ${status}`])
  }
})

test("a broken chunk in the middle of a body is malformed, and recorded so", async () => {
  await using api = await serveApi({ post })
  using client = await RawClient.connect(api.port)
  client.write(
    "POST /post HTTP/1.1",
    "host: x",
    "content-type: application/json",
    "transfer-encoding: chunked",
    "",
    "1",
    "[",
    "zz",
  )
  client.write("", "")
  assert.equal(statusOf(await client.read()), 400)
  const [record] = await api.untilRecords(1)
  assert.deepEqual(
    { status: record?.status, outcome: record?.outcome, operation: record?.operation },
    { status: 400, outcome: "bad-request", operation: "post" },
  )
  assert.equal(api.compute.held, 0)
})

test("a client that takes too long to send headers or body gets 408", async (t) => {
  simulatedTimers(t)
  await using api = await serveApi(
    { post },
    { headersTimeoutMs: 400_000, requestTimeoutMs: 500_000 },
  )
  const { server } = api.app
  assert.deepEqual([server.headersTimeout, server.requestTimeout], [400_000, 500_000])
  const sockets: Socket[] = []
  api.app.server.on("connection", (socket) => sockets.push(socket))
  using headers = await RawClient.connect(api.port)
  headers.write("POST /post HTTP/1.1", "host: x", "")
  using body = await RawClient.connect(api.port)
  body.write(
    "POST /post HTTP/1.1",
    "host: x",
    "content-type: application/json",
    "content-length: 100000",
    "",
    "[",
  )
  using silent = await RawClient.connect(api.port)
  while (sockets.filter(({ bytesRead }) => bytesRead > 0).length < 2 || sockets.length < 3) {
    await new Promise(setImmediate)
  }
  while (api.compute.held === 0) await new Promise(setImmediate)
  // Time is up, for all of them.
  Object.assign(server, { headersTimeout: 1, requestTimeout: 1 })
  assert.equal(statusOf(await headers.read()), 408)
  assert.equal(statusOf(await body.read()), 408)
  await silent.read()
  const statuses = (await api.untilRecords(2)).map(({ status, operation }) => [status, operation])
  assert.deepEqual(new Set(statuses.map(String)), new Set(["408,", "408,post"]))
  assert.equal(api.compute.held, 0)
  // What comes late is thrown away, all of it.
  body.write(" ".repeat(90_000))
  while (sockets.every(({ bytesRead }) => bytesRead < 90_000)) await new Promise(setImmediate)
  assert.equal(api.compute.held, 0)
  body.write(" ".repeat(9_999))
  body.socket.end()
  await once(body.socket, "close")
  assert.equal(body.received.split("HTTP/1.1").length - 1, 1, "one answer")
  // Who never said a word has made no request.
  assert.equal(api.records.length, 2)
})
