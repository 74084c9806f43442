import assert from "node:assert/strict"
import { once } from "node:events"
import type { Socket } from "node:net"
import { Readable } from "node:stream"
import { test } from "node:test"
import * as z from "zod"
import { bytes } from "../../src/service/body.ts"
import { nestingMax } from "../../src/service/input/json.ts"
import type { Pieces } from "../../src/service/input/received.ts"
import { operation } from "../../src/service/operation.ts"
import { serveApi } from "../support/api.ts"
import { RawClient, statusOf } from "../support/raw-client.ts"
import { simulatedTimers } from "../support/simulated-timers.ts"

const jsonType = { "content-type": "application/json" }
const anything = operation({
  path: "/json",
  body: z.any(),
  output: z.any(),
  run: ({ body }) => body,
})
const size = operation({
  path: "/bytes",
  body: bytes("image/png", "text/*"),
  output: z.any(),
  run: ({ body }) => ({
    size: body.bytes.byteLength,
    alone: body.bytes.buffer.byteLength,
    mediaType: body.mediaType,
  }),
})
const ignoring = operation({ path: "/ignoring", run() {} })

test("what is not JSON is malformed, and it says where", async () => {
  await using api = await serveApi({ anything })
  for (const [body, why] of [
    ['{"a": 1', /JSON.*position|Expected|Unterminated/],
    ["undefined", /JSON/],
    ["{'a': 1}", /JSON/],
    ["NaN", /JSON/],
    [" ", /JSON/],
    [Buffer.from([0x22, 0xff, 0x22]), /UTF-8/],
  ] as const) {
    const { status, json, headers } = await api.call("POST", "/json", { body, headers: jsonType })
    assert.equal(status, 400, String(body))
    assert.match(json.detail, why)
    assert.equal(headers.connection, "keep-alive", "a body that was read costs no connection")
  }
})

test("JSON nested deeper than a stack could follow is malformed; brackets in strings do not count", async () => {
  await using api = await serveApi({ anything })
  const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth)
  const send = (body: string) => api.call("POST", "/json", { body, headers: jsonType })
  assert.equal((await send(nested(nestingMax))).status, 200)
  const tooDeep = await send(nested(nestingMax + 1))
  assert.equal(tooDeep.status, 400)
  assert.match(tooDeep.json.detail, /128 levels/)
  assert.equal((await send(nested(400_000))).status, 400)
  assert.equal((await send('{"a":'.repeat(150_000))).status, 400)
  const text = `\\"${"[".repeat(1000)}`
  assert.equal((await send(`"${text}"`)).text, `"${text}"`)
})

test("a body of another type, or in another coding, is unsupported; the answer says which are not", async () => {
  await using api = await serveApi({ anything, size })
  const post = (path: string, headers: Record<string, string>) =>
    api.call("POST", path, { body: "{}", headers })
  for (const type of [
    "text/plain",
    "application/xml",
    "application/jsonp",
    "application/json; charset=latin1",
    "application/json, text/plain",
    "application/+json",
    "application/vnd.api+jsonp",
    "application/vnd.api+json; charset=latin1",
    "text/vnd.api+json",
    "garbage",
  ]) {
    const { status, json, headers } = await post("/json", { "content-type": type })
    assert.equal(status, 415, type)
    assert.match(json.detail, /application\/json or another application\/\*\+json/)
    assert.equal(headers.accept, "application/json")
  }
  assert.equal((await post("/json", {})).status, 415)
  for (const type of [
    "Application/JSON",
    "application/json;charset=UTF-8",
    'application/json; charset="utf-8"',
    "application/vnd.api+json",
    "application/merge-patch+json; charset=utf-8",
    'Application/Ld+Json; profile="https://example.org/a,b"',
  ]) {
    assert.equal((await post("/json", { "content-type": type })).status, 200, type)
  }
  const packed = await post("/json", { ...jsonType, "content-encoding": "gzip" })
  assert.equal(packed.status, 415)
  assert.equal(packed.headers["accept-encoding"], "identity")
  const image = await post("/bytes", { "content-type": "image/jpeg" })
  assert.equal(image.status, 415)
  assert.equal(image.headers.accept, "image/png, text/*")
})

test("bytes arrive as they were sent, in a buffer of their own that can be transferred", async () => {
  await using api = await serveApi({ size })
  for (const length of [0, 1, 100, 100_000]) {
    for (const chunked of [false, true]) {
      const whole = Buffer.alloc(length, "x")
      const body = chunked
        ? Readable.from([whole.subarray(0, length / 2), whole.subarray(length / 2)])
        : whole
      const { json } = await api.call("POST", "/bytes", {
        body,
        headers: { "content-type": "text/plain; charset=utf-8" },
      })
      assert.deepEqual(json, { size: length, alone: length, mediaType: "text/plain" })
    }
  }
  for (const { input, received, transfer } of api.compute.calls) {
    const here = input?.body as { readonly bytes: Uint8Array } | undefined
    const there = received?.body as { readonly pieces: Pieces } | undefined
    const pieces = there?.pieces ?? [here?.bytes as Uint8Array]
    assert.deepEqual(
      transfer,
      pieces.map(({ buffer }) => buffer),
    )
  }
})

test("a body that is too large is refused by its declared length, before any of it is sent", async () => {
  await using api = await serveApi({ anything }, { bodyBytesMax: 1000 })
  using client = await RawClient.connect(api.port)
  client.write(
    "POST /json HTTP/1.1",
    "host: x",
    "content-type: application/json",
    "content-length: 1001",
    "expect: 100-continue",
    "",
    "",
  )
  const received = await client.read()
  assert.equal(statusOf(received), 413)
  assert.match(received, /at most 1000 bytes/)
  assert.equal(api.compute.arrivals.length, 0, "it is no demand")
})

test("a body that turns out too large is refused, and a client that is still sending reads why", async (t) => {
  // Who lingers for a late client is not overtaken by a stall.
  simulatedTimers(t)
  const limited = operation({
    path: "/json",
    body: z.any(),
    output: z.any(),
    bodyBytesMax: 100_000,
    run: ({ body }) => body,
  })
  await using api = await serveApi({ limited })
  using client = await RawClient.connect(api.port)
  client.write(
    "POST /json HTTP/1.1",
    "host: x",
    "content-type: application/json",
    "transfer-encoding: chunked",
    "",
    "",
  )
  const chunk = Buffer.alloc(50_000, " ")
  for (let sent = 0; sent < 100; sent++) {
    client.write(chunk.length.toString(16), chunk.toString(), "")
  }
  const received = await client.read()
  assert.equal(client.failed, undefined, "no reset has overtaken the answer")
  assert.equal(statusOf(received), 413)
  assert.match(received, /connection: close/i)
  assert.equal((await api.untilRecords(1))[0]?.status, 413)
  assert.equal(api.compute.held, 0)
})

test("a client that waits for 100 Continue gets it when its body is wanted, and not before", async () => {
  await using api = await serveApi({ anything })
  const head = [
    "POST /json HTTP/1.1",
    "host: x",
    "content-type: application/json",
    "content-length: 2",
    "expect: 100-continue",
    "",
    "",
  ]
  {
    using client = await RawClient.connect(api.port)
    client.write(...head)
    await client.read("100 Continue")
    client.write("{}")
    assert.match(await client.read("{}"), /200 OK/)
  }
  {
    api.compute.shed = { kind: "shed", reason: "queue-full", retryAfterMs: 1 }
    using client = await RawClient.connect(api.port)
    client.write(...head)
    assert.equal(statusOf(await client.read()), 503)
  }
})

test("a body that nobody asked for is ignored, whatever it claims to be", async () => {
  await using api = await serveApi({ ignoring })
  const { status } = await api.call("POST", "/ignoring", {
    body: "}{",
    headers: { "content-type": "//" },
  })
  assert.equal(status, 204)
  assert.equal((await api.call("POST", "/ignoring", { json: { a: 1 } })).status, 204)
  assert.equal(api.compute.heldMost, 0)
})

test("bytes are held while a body is received and waits, and given back once", async () => {
  await using api = await serveApi({ anything, size })
  api.compute.outcome = () => {
    assert.equal(api.compute.held, 2)
    return { kind: "done", reply: { kind: "json", text: "1" } }
  }
  await api.call("POST", "/json", { json: {} })
  api.compute.outcome = undefined
  await api.call("POST", "/json", { body: "{", headers: jsonType })
  await api.call("POST", "/bytes", {
    body: Readable.from([Buffer.alloc(300_000)]),
    headers: { "content-type": "text/plain" },
  })
  await api.untilRecords(3)
  assert.equal(api.compute.held, 0)
  assert.ok(api.compute.heldMost >= 300_000)
  // One that did not declare its length is asked about again as it grows.
  const chunked = api.compute.arrivals.filter(({ name }) => name === "size")
  assert.equal(chunked[0]?.bytes, 0)
  assert.ok(chunked.slice(1).reduce((sum, { bytes }) => sum + bytes, 0) >= 300_000)
})

test("a declared length is weighed, and held only as the body comes", async () => {
  await using api = await serveApi({ size })
  const declared = 200_000
  using client = await RawClient.connect(api.port)
  client.write(
    "POST /bytes HTTP/1.1",
    "host: x",
    "content-type: text/plain",
    `content-length: ${declared}`,
    "connection: close",
    "",
    "",
  )
  while (api.compute.arrivals.length === 0) await new Promise(setImmediate)
  assert.equal(api.compute.arrivals[0]?.bytes, declared)
  assert.equal(api.compute.held, 0)
  client.write("x")
  while (api.compute.held === 0) await new Promise(setImmediate)
  assert.ok(api.compute.held < declared / 2, `${api.compute.held} held`)
  client.write("x".repeat(declared - 1))
  assert.equal(statusOf(await client.read()), 200)
  assert.equal(api.compute.heldMost, declared, "no more than was declared")
  await api.untilRecords(1)
  assert.equal(api.compute.held, 0)
})

test("a body that grows past what may be held is shed, whether or not it was declared", async () => {
  for (const body of [
    Readable.from(Array.from({ length: 20 }, () => Buffer.alloc(50_000))),
    Buffer.alloc(1_000_000),
  ]) {
    await using api = await serveApi({ size })
    const arrive = api.compute.arrive.bind(api.compute)
    api.compute.arrive = (arrival) => {
      arrive(arrival)
      return api.compute.held > 150_000
        ? { kind: "shed", reason: "bytes-full", retryAfterMs: 2500 }
        : undefined
    }
    const { status, headers } = await api.call("POST", "/bytes", {
      body,
      headers: { "content-type": "text/plain" },
    })
    assert.equal(status, 503)
    assert.equal(headers["retry-after"], "3")
    await api.untilRecords(1)
    assert.equal(api.compute.held, 0)
  }
})

test("a body that is accepted asks for no more room than it may have, declared or not", async () => {
  await using api = await serveApi({ size }, { bodyBytesMax: 100_000 })
  async function* undeclared() {
    yield Buffer.alloc(70_000)
    yield Buffer.alloc(30_000)
  }
  for (const body of [Buffer.alloc(100_000), Readable.from(undeclared())]) {
    api.compute.heldMost = 0
    const headers = { "content-type": "text/plain" }
    assert.equal((await api.call("POST", "/bytes", { body, headers })).status, 200)
    assert.equal(api.compute.heldMost, 100_000)
  }
})

test("who sends on though it was refused is read for a while, and then broken off", async () => {
  await using api = await serveApi({ size })
  const accepted = once(api.app.server, "connection") as Promise<[Socket]>
  using client = await RawClient.connect(api.port)
  const [socket] = await accepted
  client.write("POST /bytes HTTP/1.1", "host: x", "content-type: text/plain")
  client.write("", "content-length: 1000000000", "", "")
  assert.equal(statusOf(await client.read("too large")), 413)
  const piece = Buffer.alloc(65_536)
  const gone = once(socket, "close")
  while (!socket.destroyed) {
    client.socket.write(piece)
    await new Promise(setImmediate)
  }
  await gone
  const mebibytes = socket.bytesRead / 2 ** 20
  assert.ok(mebibytes > 8 && mebibytes < 16, `${mebibytes} MiB`)
})
