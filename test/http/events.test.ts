import assert from "node:assert/strict"
import { test } from "node:test"
import { Agent, EventSource } from "undici"
import * as z from "zod"
import { operation } from "../../src/service/operation.ts"
import type { Outcome } from "../../src/service/outcome.ts"
import { serveApi } from "../support/api.ts"
import { RawClient } from "../support/raw-client.ts"
import { count, sse } from "../support/stream.ts"

const end = "id: end\nevent: end\ndata: {}\n\n"

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
