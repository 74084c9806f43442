import assert from "node:assert/strict"
import { once } from "node:events"
import { test } from "node:test"
import { request } from "undici"
import * as z from "zod"
import { written } from "../../src/service/answer.ts"
import { operation } from "../../src/service/operation.ts"
import { type Outcome, streamWindow } from "../../src/service/outcome.ts"
import { problem } from "../../src/service/problem.ts"
import { type ApiTrial, serveApi } from "../support/api.ts"
import { RawClient } from "../support/raw-client.ts"
import { count, sse } from "../support/stream.ts"

test("items come as NDJSON, one a line", async () => {
  await using api = await serveApi({ count })
  for (const accept of [
    "*/*",
    "application/x-ndjson",
    "text/event-stream;q=0.5, application/x-ndjson",
  ]) {
    const { status, headers, text } = await api.call("GET", "/count/3", { headers: { accept } })
    assert.equal(status, 200)
    assert.equal(headers["content-type"], "application/x-ndjson")
    assert.equal(text, '{"n":0}\n{"n":1}\n{"n":2}\n')
  }
})

test("a stream without items is an empty 200, and another type is not acceptable", async () => {
  await using api = await serveApi({ count })
  const { status, text, headers } = await api.call("GET", "/count/0")
  assert.deepEqual([status, text, headers["content-type"]], [200, "", "application/x-ndjson"])
  const other = await api.call("GET", "/count/0", { headers: { accept: "application/json" } })
  assert.equal(other.status, 406)
  assert.match(other.json.detail, /application\/x-ndjson or text\/event-stream/)
})

test("each item is sent when it is made", async () => {
  const { promise, resolve } = Promise.withResolvers<void>()
  const slow = operation({
    method: "GET",
    path: "/slow",
    output: z.int(),
    async *run() {
      yield 1
      await promise
      yield 2
    },
  })
  await using api = await serveApi({ slow })
  const { body } = await request(`${api.url}/slow`)
  const [first] = await once(body, "data")
  assert.equal(String(first), "1\n")
  resolve()
  const [second] = await once(body, "data")
  assert.equal(String(second), "2\n")
  await body.dump()
})

const failures: readonly (readonly [Outcome, number, string])[] = [
  [{ kind: "problem", problem: written(problem(409, "No more.")) }, 409, "problem"],
  [{ kind: "error", fault: { message: "secret", stack: "secret" } }, 500, "error"],
  [{ kind: "crashed", how: "exit", fault: { message: "secret", stack: "secret" } }, 500, "crashed"],
  [{ kind: "expired", where: "running" }, 504, "expired"],
]

test("a failure before the first item has a status of its own", async () => {
  await using api = await serveApi({ count })
  for (const [outcome, status] of failures) {
    api.compute.outcome = () => outcome
    for (const headers of [{}, sse]) {
      const answer = await api.call("GET", "/count/1", { headers })
      assert.equal(answer.status, status)
      assert.equal(answer.headers["content-type"], "application/problem+json")
    }
  }
})

test("a failure after the first item is an error event", async () => {
  await using api = await serveApi({ count })
  for (const [outcome, status, recorded] of failures) {
    api.compute.outcome = ({ onItem }) => {
      onItem?.("1")
      return outcome
    }
    const before = api.records.length
    const { text } = await api.call("GET", "/count/1", { headers: sse })
    const [, first, event] =
      /^(id: 1\ndata: 1\n\n)id: end\nevent: error\ndata: (.*)\n\n$/.exec(text) ?? []
    assert.equal(first, "id: 1\ndata: 1\n\n")
    assert.equal(JSON.parse(event as string).status, status)
    assert.doesNotMatch(text, /secret/)
    assert.equal((await api.untilRecords(before + 1)).at(-1)?.outcome, recorded)
  }
})

test("a failure after the first item breaks an NDJSON stream off", async () => {
  await using api = await serveApi({ count })
  for (const [outcome, , recorded] of failures) {
    api.compute.outcome = async ({ onItem }) => {
      onItem?.("1")
      await new Promise(setImmediate)
      return outcome
    }
    const before = api.records.length
    const { statusCode, body } = await request(`${api.url}/count/1`)
    assert.equal(statusCode, 200)
    await assert.rejects(body.text())
    const record = (await api.untilRecords(before + 1)).at(-1)
    assert.deepEqual([record?.status, record?.outcome], [200, recorded])
  }
})

test("an item that does not fit its schema is a failure", async () => {
  const odd = operation({
    method: "GET",
    path: "/odd",
    output: z.int(),
    *run() {
      yield "not a number" as never
    },
  })
  await using api = await serveApi({ odd })
  assert.equal((await api.call("GET", "/odd")).status, 500)
})

test("no more is asked for while a client does not read, and the rest once it does", async () => {
  await using api = await serveApi({ count })
  const item = JSON.stringify("x".repeat(100_000))
  const total = 400
  const { promise, resolve } = Promise.withResolvers<Outcome>()
  api.compute.outcome = ({ onItem }) => {
    let sent = 0
    // Like a worker: no more than the window, and what was pulled.
    const make = (): void => {
      while (sent < Math.min(total, streamWindow + api.compute.pulled)) {
        sent += 1
        onItem?.(item)
      }
      if (sent === total) resolve({ kind: "done", reply: { kind: "empty" } })
      else setImmediate(make)
    }
    make()
    return promise
  }
  using client = await RawClient.connect(api.port)
  client.socket.pause()
  client.write("GET /count/1 HTTP/1.1", "host: x", "connection: close", "", "")
  // It comes to a halt: the same number twice, some turns apart.
  let before = -1
  while (api.compute.calls.length === 0 || before !== api.compute.pulled) {
    before = api.compute.pulled
    for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate)
  }
  assert.ok(api.compute.pulled < total / 2, `${api.compute.pulled} pulled`)
  client.socket.resume()
  const received = await client.read()
  assert.equal(received.split(item).length - 1, total)
})

test("a client that leaves a stream cancels it", async () => {
  await using api = await serveApi({ count })
  api.compute.outcome = ({ onItem }) => {
    onItem?.("1")
    return new Promise(() => {})
  }
  using client = await RawClient.connect(api.port)
  client.write("GET /count/1 HTTP/1.1", "host: x", "", "")
  await client.read("1\n")
  client.socket.destroy()
  const [record] = await api.untilRecords(1)
  assert.deepEqual([record?.status, record?.outcome], [499, "cancelled"])
  assert.equal(api.compute.cancels, 1)
})

test("a stream that is to be finished is pulled to its end when the client has left", async () => {
  const finish = operation({
    method: "GET",
    path: "/finish",
    output: z.string(),
    onDisconnect: "finish",
    *run() {
      yield ""
    },
  })
  await using api = await serveApi({ finish })
  const begun = Promise.withResolvers<void>()
  const left = Promise.withResolvers<void>()
  const item = JSON.stringify("x".repeat(1_000_000))
  const total = 100
  api.compute.outcome = async ({ onItem }) => {
    for (let n = 0; n < streamWindow; n++) onItem?.(item)
    begun.resolve()
    await left.promise
    for (let n = streamWindow; n < total; n++) {
      while (n >= streamWindow + api.compute.pulled) await new Promise(setImmediate)
      onItem?.(item)
    }
    return { kind: "done", reply: { kind: "empty" } }
  }
  using client = await RawClient.connect(api.port)
  client.socket.pause()
  client.write("GET /finish HTTP/1.1", "host: x", "", "")
  await begun.promise
  client.socket.destroy()
  await api.untilRecords(1)
  left.resolve()
  while (api.compute.pulled < total - streamWindow) await new Promise(setImmediate)
  assert.equal(api.compute.cancels, 0)
})

test("a client that stops reading a stream is given up on", async () => {
  await using api = await serveApi({ count }, { headersTimeoutMs: 100, requestTimeoutMs: 100 })
  neverLate(api)
  api.compute.outcome = ({ onItem }) => {
    for (let n = 0; n < streamWindow; n++) onItem?.(JSON.stringify("x".repeat(2_000_000)))
    return new Promise(() => {})
  }
  using client = await RawClient.connect(api.port)
  client.socket.pause()
  client.write("GET /count/1 HTTP/1.1", "host: x", "", "")
  const [record] = await api.untilRecords(1)
  assert.equal(record?.status, 499)
  assert.equal(api.compute.cancels, 1)
})

test("an item that comes when the answer is over is ignored", async () => {
  const done: Outcome = { kind: "done", reply: { kind: "empty" } }
  const expired: Outcome = { kind: "expired", where: "running" }
  for (const [items, outcome, accept, wanted] of [
    [0, expired, "*/*", '"status":504'],
    [1, expired, "text/event-stream", '"status":504'],
    [1, done, "*/*", "0\r\n\r\n"],
  ] as const) {
    await using api = await serveApi({ count })
    const front = Promise.withResolvers<Outcome>()
    const behind = Promise.withResolvers<(json: string) => void>()
    api.compute.outcome = ({ input, onItem }) => {
      if ((input?.path as { to: number } | undefined)?.to === 1) return front.promise
      for (let n = 0; n < items; n++) onItem?.("1")
      if (onItem) behind.resolve(onItem)
      return outcome
    }
    using client = await RawClient.connect(api.port)
    // What waits behind another answer can't leave, so it stays over and not gone.
    client.write("GET /count/1 HTTP/1.1", "host: x", "", "")
    client.write("GET /count/2 HTTP/1.1", "host: x", `accept: ${accept}`, "", "")
    const push = await behind.promise
    await new Promise(setImmediate)
    push('"late"')
    front.resolve(done)
    assert.doesNotMatch(await client.read(wanted), /late/)
    await api.untilRecords(2)
    // A stream that ended after that is as good as any.
    assert.equal((await api.call("GET", "/count/1")).status, 200)
  }
})

test("a problem that JSON can't hold ends a stream all the same", async () => {
  await using api = await serveApi({
    it: operation({
      path: "/it",
      output: z.any(),
      *run() {
        yield 1
        throw problem(409, "No.", { big: 1n })
      },
    }),
  })
  const { text, headers } = await api.call("POST", "/it", { headers: sse })
  const event = /event: error\ndata: (.*)\n\n$/.exec(text)?.[1]
  const { status, requestId } = JSON.parse(event as string)
  assert.deepEqual([status, requestId], [500, headers["x-request-id"]])
  assert.equal((await api.untilRecords(1))[0]?.outcome, "error")
  assert.ok(api.logged.some(({ err }) => /BigInt/.test(JSON.stringify(err))))
})

/** Node's own limits on sending a request are not those that the test is about. */
function neverLate({ app: { server } }: ApiTrial): void {
  Object.assign(server, { headersTimeout: 0, requestTimeout: 0 })
}
