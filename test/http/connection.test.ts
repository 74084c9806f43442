import assert from "node:assert/strict"
import { test } from "node:test"
import { Client, Pool } from "undici"
import * as z from "zod"
import { operation } from "../../src/service/operation.ts"
import { type ApiTrial, serveApi } from "../support/api.ts"
import { RawClient } from "../support/raw-client.ts"

const echo = operation({
  path: "/echo",
  body: z.union([z.int(), z.string()]),
  output: z.any(),
  run: ({ body }) => body,
})
const ping = operation({ method: "GET", path: "/ping", thread: "main", run() {} })

/** How many requests a connection is good for. */
async function requestsUntilClosed(api: ApiTrial, max: number): Promise<number> {
  const client = new Client(api.url)
  let closedAfter = max
  for (let count = 1; count <= max; count++) {
    const { headers, body } = await client.request({ method: "GET", path: "/ping" })
    await body.dump()
    if (headers.connection === "close") {
      closedAfter = count
      break
    }
  }
  await client.close()
  return closedAfter
}

test("a well-behaved client loses no request by bounded connections", async () => {
  await using api = await serveApi({ echo }, { connectionRequestsMax: 20, connectionAgeMs: 100 })
  let connections = 0
  api.app.server.on("connection", () => {
    connections += 1
  })
  const pool = new Pool(api.url, { connections: 8 })
  const total = 1500
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < total) {
      next += 1
      const body = JSON.stringify(next)
      const response = await pool.request({
        method: "POST",
        path: "/echo",
        body,
        headers: { "content-type": "application/json" },
      })
      assert.equal(response.statusCode, 200)
      assert.equal(await response.body.text(), body)
    }
  }
  await Promise.all(Array.from({ length: 16 }, worker))
  await pool.close()
  assert.ok(connections >= total / 24, `${connections} connections`)
  assert.ok(api.records.every(({ outcome }) => outcome === "ok"))
})

test("the bound on requests differs from connection to connection, by a fifth at most", async () => {
  await using api = await serveApi({ ping }, { connectionRequestsMax: 50, connectionAgeMs: 0 })
  const counts: number[] = []
  for (let n = 0; n < 12; n++) counts.push(await requestsUntilClosed(api, 100))
  assert.ok(Math.min(...counts) >= 40 && Math.max(...counts) <= 60, counts.join(" "))
  assert.ok(new Set(counts).size > 1, counts.join(" "))
})

test("a connection past its age is closed behind its next response", async () => {
  let nowMs = 1000
  await using api = await serveApi(
    { ping },
    { connectionRequestsMax: 0, connectionAgeMs: 1000 },
    { now: () => nowMs },
  )
  const client = new Client(api.url)
  const isLast = async (): Promise<boolean> => {
    const { headers, body } = await client.request({ method: "GET", path: "/ping" })
    await body.dump()
    return headers.connection === "close"
  }
  assert.equal(await isLast(), false)
  nowMs += 799
  assert.equal(await isLast(), false)
  nowMs += 402
  assert.equal(await isLast(), true)
  assert.equal(await isLast(), false, "the next connection is young")
  await client.close()
})

test("0 leaves connections alone", async () => {
  let nowMs = 0
  await using api = await serveApi(
    { ping },
    { connectionRequestsMax: 0, connectionAgeMs: 0 },
    { now: () => (nowMs += 1_000_000) },
  )
  assert.equal(await requestsUntilClosed(api, 200), 200)
})

test("while draining every response is its connection's last, and is served all the same", async () => {
  await using api = await serveApi({ echo, ping }, { docs: "on", corsOrigins: ["*"] })
  api.draining = true
  for (const [method, path, status] of [
    ["GET", "/ping", 204],
    ["POST", "/echo", 200],
    ["GET", "/nowhere", 404],
    ["GET", "/docs", 200],
    ["GET", "/docs/static/swagger-ui.css", 200],
    ["GET", "/openapi.json", 200],
    ["OPTIONS", "/echo", 204],
  ] as const) {
    const answer = await api.call(method, path, method === "POST" ? { json: 1 } : {})
    assert.equal(answer.status, status, path)
    assert.equal(answer.headers.connection, "close", path)
  }
})

test("a request that was there before the drain ends with a goodbye", async () => {
  await using api = await serveApi({ echo })
  const { promise, resolve } = Promise.withResolvers<void>()
  api.compute.outcome = async () => {
    api.draining = true
    await promise
    return { kind: "done", reply: { kind: "json", text: "1" } }
  }
  const answer = api.call("POST", "/echo", { json: 1 })
  resolve()
  assert.equal((await answer).headers.connection, "close")
})

test("of requests sent one behind the other, the last is answered with the goodbye", async () => {
  for (const [how, end] of [
    ["a drain", (api: ApiTrial) => (api.draining = true)],
    ["its age", () => (nowMs += 2000)],
  ] as const) {
    await using api = await serveApi(
      { echo },
      { connectionRequestsMax: 0, connectionAgeMs: 1000 },
      { now: () => nowMs },
    )
    const { promise, resolve } = Promise.withResolvers<void>()
    api.compute.outcome = async ({ input }) => {
      await promise
      return { kind: "done", reply: { kind: "json", text: JSON.stringify(input?.body) } }
    }
    using client = await RawClient.connect(api.port)
    for (const n of [1, 2, 3]) {
      const head = ["host: x", "content-type: application/json", "content-length: 1"]
      client.write("POST /echo HTTP/1.1", ...head, "", `${n}`)
    }
    while (api.compute.calls.length < 3) await new Promise(setImmediate)
    end(api)
    resolve()
    const answers = (await client.read()).split("HTTP/1.1 ").slice(1)
    assert.deepEqual(
      answers.map((answer) => [answer.slice(0, 3), /^connection: (.*)\r$/im.exec(answer)?.[1]]),
      [
        ["200", "keep-alive"],
        ["200", "keep-alive"],
        ["200", "close"],
      ],
      how,
    )
  }
})

test("of requests sent one behind the other few are under way, and all are answered in order", async () => {
  await using api = await serveApi({ echo }, { connectionRequestsMax: 0 })
  const { promise, resolve } = Promise.withResolvers<void>()
  api.compute.outcome = async ({ input }) => {
    await promise
    return { kind: "done", reply: { kind: "json", text: JSON.stringify(input?.body) } }
  }
  using client = await RawClient.connect(api.port)
  const count = 1000
  const head = ["host: x", "content-type: application/json"]
  for (let n = 0; n < count; n += 1) {
    const body = `"n${n}"`
    client.write("POST /echo HTTP/1.1", ...head, `content-length: ${body.length}`, "", body)
  }
  // Each of them takes a turn or more.
  for (let turn = 0; turn < 10; turn += 1) assert.equal((await api.call("GET", "/no")).status, 404)
  assert.equal(api.compute.calls.length, 16)
  resolve()
  assert.deepEqual(
    (await client.read(`"n${count - 1}"`)).match(/(?<="n)\d+(?=")/g)?.map(Number),
    Array.from({ length: count }, (_, n) => n),
  )
  const records = await api.untilRecords(count + 10)
  assert.equal(records.filter(({ status }) => status === 200).length, count)
})

/** Of the test of goodbyes: when all requests have come, the connection is young. */
let nowMs = 0
