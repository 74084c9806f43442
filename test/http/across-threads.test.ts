import assert from "node:assert/strict"
import { after, before, test } from "node:test"
import { zstdDecompressSync } from "node:zlib"
import { Pool } from "undici"
import { RawClient, statusOf } from "../support/raw-client.ts"
import { type ServedTrial, serveTrial } from "../support/server.ts"

let trial: ServedTrial
before(async () => {
  trial = await serveTrial(
    // Workers that are nice make thousands of calls a matter of minutes while others want this machine.
    { connectionRequestsMax: 50, connectionAgeMs: 200, workerNice: 0 },
    new URL("../fixtures/http/service.ts", import.meta.url),
  )
})
after(() => trial[Symbol.asyncDispose]())

const port = () => Number(new URL(trial.server.url).port)

async function post(
  path: string,
  body: Uint8Array<ArrayBuffer> | FormData,
  headers: Record<string, string> = {},
) {
  return await fetch(`${trial.server.url}${path}`, { method: "POST", body, headers })
}

test("bytes cross to a worker and back", async () => {
  for (const size of [0, 1, 5000, 5_000_000]) {
    const sent = Uint8Array.from({ length: size }, (_, at) => at % 251)
    const response = await post("/reverse", sent, { "content-type": "image/png" })
    assert.equal(response.status, 200)
    assert.equal(response.headers.get("content-type"), "application/octet-stream")
    assert.equal(response.headers.get("content-length"), String(size))
    assert.ok(Buffer.from(await response.arrayBuffer()).equals(sent.reverse()))
  }
})

test("a form crosses to a worker", async () => {
  const form = new FormData()
  form.append("times", "3")
  form.append("text", new File(["ab"], "a.txt", { type: "text/plain" }))
  const response = await post("/form", form)
  assert.equal(await response.text(), '"ababab"')
})

test("an answer is compressed on the worker", async () => {
  const pool = new Pool(trial.server.url)
  const { headers, body } = await pool.request({
    method: "GET",
    path: "/packed",
    headers: { "accept-encoding": "zstd" },
  })
  assert.equal(headers["content-encoding"], "zstd")
  const text = zstdDecompressSync(await body.arrayBuffer()).toString()
  assert.equal(JSON.parse(text), "packed ".repeat(10_000))
  await pool.close()
})

test("a stream crosses item by item, whole", async () => {
  const items = 2000
  const { status, text } = await trial.call("POST", "/stream", { items, size: 100 })
  assert.equal(status, 200)
  const lines = text.trimEnd().split("\n")
  assert.equal(lines.length, items)
  for (const [n, line] of lines.entries()) assert.equal(line, `"${String(n % 10).repeat(100)}"`)
})

test("a stream that fails late breaks off, or says so in an event", async () => {
  for (const [end, status] of [
    ["problem", 409],
    ["bug", 500],
    ["exit", 500],
  ] as const) {
    await assert.rejects(trial.call("POST", "/stream", { items: 3, end }), end)
    const events = await trial.call(
      "POST",
      "/stream",
      { items: 3, end },
      { headers: { accept: "text/event-stream" } },
    )
    assert.equal(events.status, 200)
    assert.match(
      events.text,
      new RegExp(`data: "2"\n\nid: end\nevent: error\ndata: .*"status":${status}`),
    )
    assert.doesNotMatch(events.text, /secret/)
  }
  const early = await trial.call("POST", "/stream", { items: 0, end: "problem" })
  assert.equal(early.status, 409)
})

test("a client that does not read a stream holds it up, and frees its worker by leaving", async () => {
  using client = await RawClient.connect(port())
  client.socket.pause()
  const body = JSON.stringify({ items: 1_000_000, size: 10_000 })
  client.write(
    "POST /stream HTTP/1.1",
    "host: x",
    "content-type: application/json",
    `content-length: ${body.length}`,
    "",
    body,
  )
  await trial.untilDemand(({ busy }) => busy === 1)
  client.socket.destroy()
  await trial.untilDemand(({ busy }) => busy === 0)
})

test("keep-alive clients lose no request to bounded connections, with work on workers", async () => {
  const pool = new Pool(trial.server.url, { connections: 8 })
  const total = 1200
  let next = 0
  let closed = 0
  const client = async (): Promise<void> => {
    while (next++ < total) {
      const { statusCode, headers, body } = await pool.request({ method: "GET", path: "/thread" })
      await body.dump()
      assert.equal(statusCode, 200)
      if (headers.connection === "close") closed += 1
    }
  }
  await Promise.all(Array.from({ length: 16 }, client))
  await pool.close()
  assert.ok(closed >= total / 60, `${closed} connections were closed`)
})

test("HEAD runs the operation and sends no body", async () => {
  using client = await RawClient.connect(port())
  client.write("HEAD /packed HTTP/1.1", "host: x", "connection: close", "", "")
  const received = await client.read()
  assert.equal(statusOf(received), 200)
  assert.match(received, /content-length: 70002\r\n/)
  assert.ok(received.endsWith("\r\n\r\n"))
})

test("one request for hours of work is refused for good, and asks for no cores", async () => {
  await using troubled = await serveTrial()
  for (let n = 0; n < 3; n++) {
    const { status, json } = await troubled.call("POST", "/mispriced", { ms: 1_125_000, cpuMs: 0 })
    assert.deepEqual([status, json.errors[0].code], [422, "over_deadline"])
  }
  assert.equal((await troubled.call("POST", "/mispriced", { ms: 1, cpuMs: 0 })).status, 200)
  const { text } = await troubled.probe("/metrics")
  const count = /_request_duration_seconds_count{operation="mispriced",outcome="bad-request"} 3\n/
  assert.match(text, count)
  assert.doesNotMatch(text, /capstan_shed_total{/)
  assert.ok((await troubled.probe("/demand")).json.cores < 1)
})
