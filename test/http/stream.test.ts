import assert from "node:assert/strict"
import { once } from "node:events"
import { test } from "node:test"
import { Agent, EventSource, request } from "undici"
import * as z from "zod"
import { written } from "../../src/service/answer.ts"
import { operation } from "../../src/service/operation.ts"
import { type Outcome, streamWindow } from "../../src/service/outcome.ts"
import { problem } from "../../src/service/problem.ts"
import { type ApiTrial, serveApi } from "../support/api.ts"
import { RawClient } from "../support/raw-client.ts"

const count = operation({
  method: "GET",
  path: "/count/{to}",
  params: z.object({ to: z.int() }),
  output: z.object({ n: z.int() }),
  async *run({ path }) {
    for (let n = 0; n < path.to; n++) yield { n }
  },
})
const sse = { accept: "text/event-stream" }
const end = "id: end\nevent: end\ndata: {}\n\n"

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

test("items come as events to a client that accepts events", async () => {
  await using api = await serveApi({ count })
  const { headers, text } = await api.call("GET", "/count/2", { headers: sse })
  assert.equal(headers["content-type"], "text/event-stream")
  assert.equal(headers["cache-control"], "no-store")
  assert.equal(text, `id: 1\ndata: {"n":0}\n\nid: 2\ndata: {"n":1}\n\n${end}`)
})

test("an EventSource gets each item once, then an end, and does not start the run again", async () => {
  for (const items of [2, 0]) {
    await using api = await serveApi({ count })
    const source = new EventSource(`${api.url}/count/${items}`, {
      node: { reconnectionTime: 1, dispatcher: new Agent({ pipelining: 0 }) },
    })
    const got: string[] = []
    source.onmessage = ({ data, lastEventId }) => got.push(`${lastEventId} ${data}`)
    source.addEventListener("end", (event) => got.push((event as MessageEvent).lastEventId))
    // It tells of each connection that is over, and of the last one when it is closed for good.
    await new Promise<void>((resolve) => {
      source.onerror = () => source.readyState === EventSource.CLOSED && resolve()
    })
    assert.deepEqual(got, items === 0 ? ["end"] : ['1 {"n":0}', '2 {"n":1}', "end"])
    const [, again] = await api.untilRecords(2)
    assert.deepEqual([again?.status, again?.outcome], [204, "ok"])
    assert.equal(api.compute.calls.length, 1)
    assert.equal(api.compute.arrivals.length, 1)
  }
})

test("an EventSource does not start a run again that has failed", async () => {
  await using api = await serveApi({ count })
  api.compute.outcome = ({ onItem }) => {
    onItem?.("1")
    return { kind: "error", fault: { message: "a bug", stack: undefined } }
  }
  const source = new EventSource(`${api.url}/count/1`, {
    node: { reconnectionTime: 1, dispatcher: new Agent({ pipelining: 0 }) },
  })
  await new Promise<void>((resolve) => {
    source.onerror = () => source.readyState === EventSource.CLOSED && resolve()
  })
  assert.equal(api.compute.calls.length, 1)
})

test("the end of events is no end of lines, and another id no end", async () => {
  await using api = await serveApi({ count })
  for (const [accept, id, status] of [
    ["text/event-stream", "end", 204],
    ["text/event-stream", "1", 200],
    ["application/x-ndjson", "end", 200],
  ] as const) {
    const headers = { accept, "last-event-id": id }
    assert.equal((await api.call("GET", "/count/1", { headers })).status, status)
  }
})

test("events are numbered on where the operation continues behind the last, else from 1", async () => {
  const letters = ["a", "b", "c"]
  const resumed = operation({
    method: "GET",
    path: "/resumed",
    headers: z.object({ "last-event-id": z.int().default(0) }),
    output: z.string(),
    *run({ headers }) {
      yield* letters.slice(headers["last-event-id"])
    },
  })
  await using api = await serveApi({ count, resumed })
  const headers = { ...sse, "last-event-id": "2" }
  const { text } = await api.call("GET", "/resumed", { headers })
  assert.equal(text, `id: 3\ndata: "c"\n\n${end}`)
  assert.match((await api.call("GET", "/count/1", { headers })).text, /^id: 1\n/)
  const first = await api.call("GET", "/resumed", { headers: sse })
  assert.match(first.text, /^id: 1\ndata: "a"\n/)
})

test("while nothing comes a comment does, before the first event too, and none behind the end", async () => {
  await using api = await serveApi({ count }, { streamHeartbeatMs: 20 })
  for (const last of [
    { kind: "done", reply: { kind: "empty" } },
    { kind: "shed", reason: "no-workers", retryAfterMs: 1 },
  ] as const) {
    const over = Promise.withResolvers<Outcome>()
    let push: ((json: string) => void) | undefined
    api.compute.outcome = ({ onItem }) => {
      push = onItem
      return over.promise
    }
    using client = await RawClient.connect(api.port)
    client.write("GET /count/1 HTTP/1.1", "host: x", "accept: text/event-stream", "", "")
    const head = await client.read(":\n\n")
    assert.match(head, /^HTTP\/1\.1 200 /)
    assert.doesNotMatch(head, /data/)
    push?.("1")
    await client.until((received) => /data: 1\n[\s\S]*:\n\n/.exec(received)?.[0])
    over.resolve(last)
    const rest = await client.read("0\r\n\r\n")
    if (last.kind === "done") assert.match(rest, /id: end\nevent: end\ndata: \{\}\n\n/)
    else assert.match(rest, /id: end\nevent: error\ndata: .*"status":503/)
  }
  const records = await api.untilRecords(2)
  assert.deepEqual(
    records.map(({ outcome, shedReason }) => [outcome, shedReason]),
    [
      ["ok", undefined],
      ["shed", "no-workers"],
    ],
  )
})

test("lines have no comments among them, and neither have events where there is to be none", async () => {
  await using api = await serveApi({ count }, { streamHeartbeatMs: 1 })
  await using never = await serveApi({ count }, { streamHeartbeatMs: 0 })
  await using beating = await serveApi({ count }, { streamHeartbeatMs: 1 })
  const over = Promise.withResolvers<Outcome>()
  for (const { compute } of [api, never, beating]) compute.outcome = () => over.promise
  const texts = [
    api.call("GET", "/count/1").then(({ text }) => text),
    never.call("GET", "/count/1", { headers: sse }).then(({ text }) => text),
  ]
  // As long as another's heart takes for some beats.
  using client = await RawClient.connect(beating.port)
  client.write("GET /count/1 HTTP/1.1", "host: x", "accept: text/event-stream", "", "")
  await client.until((received) => (received.split(":\n\n").length > 5 ? true : undefined))
  over.resolve({ kind: "done", reply: { kind: "empty" } })
  assert.deepEqual(await Promise.all(texts), ["", end])
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
