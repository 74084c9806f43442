/** When there is no room for bodies, those that come slowly go, and not whoever comes. */
import assert from "node:assert/strict"
import { test } from "node:test"
import * as z from "zod"
import { bytes, file, multipart } from "../../src/service/body.ts"
import { operation } from "../../src/service/operation.ts"
import { serveApi } from "../support/api.ts"
import { RawClient, statusOf } from "../support/raw-client.ts"

const output = z.any()
const run = () => 1
const operations = {
  size: operation({ path: "/bytes", body: bytes("text/plain"), output, run }),
  form: operation({ path: "/form", body: multipart({ files: { a: file() } }), output, run }),
}

/** There is room for 200,000 bytes, and time passes as the test says. */
async function serveFew() {
  let nowMs = 0
  const attention = { lostMs: 0, begin() {}, end() {} }
  const api = await serveApi(operations, {}, { now: () => nowMs, attention })
  api.compute.arrive = ({ bytes: more, bytesToSpare = () => 0 }) => {
    const missing = api.compute.held + more - 200_000
    return missing > 0 && missing > bytesToSpare()
      ? { kind: "shed", reason: "bytes-full", retryAfterMs: 1000 }
      : undefined
  }

  return Object.assign(api, {
    wait(ms: number): void {
      nowMs += ms
    },
    /** Time passes in which nothing could be read. */
    stall(ms: number): void {
      nowMs += ms
      attention.lostMs += ms
    },
    /** Begins a body, with 60,000 bytes or more. */
    async begin(
      path = "/bytes",
      type = "text/plain",
      head = "",
      declared = 100_000,
    ): Promise<RawClient> {
      const client = await RawClient.connect(api.port)
      client.write(`POST ${path} HTTP/1.1`, "host: x", `content-type: ${type}`)
      client.write("", `content-length: ${declared}`, "", head.padEnd(60_000, "x"))
      const before = api.compute.held
      while (api.compute.held < before + Math.max(60_000, head.length)) {
        await new Promise(setImmediate)
      }
      return client
    },
    async sendSmall(): Promise<number> {
      const headers = { "content-type": "text/plain" }
      return (await api.call("POST", "/bytes", { body: Buffer.alloc(80_000), headers })).status
    },
  })
}

test("whoever has been silent for longest makes room for a newcomer, and is told why", async () => {
  await using api = await serveFew()
  using first = await api.begin()
  api.wait(100)
  using second = await api.begin()
  assert.equal(await api.sendSmall(), 503, "Nobody is slow yet.")

  api.wait(3_000)
  assert.equal(await api.sendSmall(), 200)
  const refused = await first.read()
  assert.equal(statusOf(refused), 503)
  assert.match(refused, /The body came slowly, and others needed the room/)
  assert.match(refused, /retry-after: \d/i)
  assert.equal(second.received, "")
  assert.equal(await api.sendSmall(), 200, "There is room now.")

  second.write("x".repeat(40_000))
  assert.equal(statusOf(await second.read("1")), 200)
  await api.untilRecords(5)
  assert.equal(api.compute.held, 0)
  assert.equal(api.records.find(({ shedReason }) => shedReason === "slow-body")?.status, 503)
})

test("whoever sends fast keeps its room, until it falls silent", async () => {
  await using api = await serveFew()
  using fast = await api.begin("/bytes", "text/plain", "x".repeat(100_000), 180_000)
  api.wait(2_000)
  const before = api.compute.held
  fast.write("x".repeat(40_000))
  while (api.compute.held === before) await new Promise(setImmediate)
  api.wait(100)
  assert.equal(await api.sendSmall(), 503)
  api.wait(1_900)
  assert.equal(await api.sendSmall(), 200)
  assert.equal(statusOf(await fast.read()), 503)
})

test("nobody is slow by the time in which the process itself could not read", async () => {
  await using api = await serveFew()
  using first = await api.begin()
  api.stall(60_000)
  using second = await api.begin()
  assert.equal(await api.sendSmall(), 503)
  api.wait(1_900)
  api.stall(5_000)
  assert.equal(await api.sendSmall(), 503)
  api.wait(100)
  assert.equal(await api.sendSmall(), 200)
  assert.equal(statusOf(await first.read()), 503)
  assert.equal(second.received, "")
})

test("a form makes room, too", async () => {
  await using api = await serveFew()
  const head = '--X\r\ncontent-disposition: form-data; name="a"; filename="b"\r\n\r\n'
  using slow = await api.begin("/form", "multipart/form-data; boundary=X", head)
  using other = await api.begin()
  api.wait(3_000)
  assert.equal(await api.sendSmall(), 200)
  assert.equal(statusOf(await slow.read()), 503)
  assert.equal(other.received, "")
})

test("nobody has to go for a body that is only announced, or when it would be in vain", async () => {
  await using api = await serveFew()
  using slow = await api.begin()
  api.wait(3_000)
  using announced = await RawClient.connect(api.port)
  announced.write("POST /bytes HTTP/1.1", "host: x", "content-type: text/plain")
  announced.write("", "content-length: 190000", "", "")
  // By then its head has been read.
  assert.equal((await api.call("GET", "/nothing")).status, 404)
  assert.equal(slow.received, "")
  // There is no room for this one, whoever goes.
  const headers = { "content-type": "text/plain" }
  const large = await api.call("POST", "/bytes", { body: Buffer.alloc(210_000), headers })
  assert.equal(large.status, 503)
  assert.equal(slow.received, "")
})
