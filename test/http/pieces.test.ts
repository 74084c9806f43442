/** What is held of a body is about what has come of it, however small the pieces it comes in. */
import assert from "node:assert/strict"
import { test } from "node:test"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import * as z from "zod"
import { bytes, file, multipart } from "../../src/service/body.ts"
import { operation } from "../../src/service/operation.ts"
import { serveApi } from "../support/api.ts"
import { eventually } from "../support/cli.ts"
import { RawClient } from "../support/raw-client.ts"

setFlagsFromString("--expose-gc")
const collect: () => void = runInNewContext("gc")

function heldNow(): number {
  collect()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/** Some of what is held no more goes when memory has been collected more than once. */
async function untilHeld(before: number, bytesMax: number): Promise<void> {
  await eventually(() => heldNow() - before <= bytesMax || undefined, `${bytesMax} bytes`)
}

const output = z.any()
const run = () => 1
const operations = {
  json: operation({ path: "/json", body: z.any(), output, run }),
  bytes: operation({ path: "/bytes", body: bytes("text/plain"), output, run }),
  field: operation({
    path: "/field",
    body: multipart({ fields: z.object({ a: z.string() }) }),
    output,
    run,
  }),
  file: operation({ path: "/file", body: multipart({ files: { a: file() } }), output, run }),
}
const formType = "multipart/form-data; boundary=X"
const partHead = (more: string) =>
  `--X\r\ncontent-disposition: form-data; name="a"${more}\r\ncontent-type: text/plain\r\n\r\n`

const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`
const count = 65_536
/** Of the connection, the library, and what V8 keeps meanwhile. */
const besideBytes = 500_000

for (const { path, type, begin } of [
  { path: "/json", type: "application/json", begin: '"' },
  { path: "/bytes", type: "text/plain", begin: " " },
  { path: "/field", type: formType, begin: partHead("") },
  { path: "/file", type: formType, begin: partHead('; filename="b"') },
]) {
  test(`${path} in pieces of a byte`, async () => {
    await using api = await serveApi(operations)
    using client = await RawClient.connect(api.port)
    const before = heldNow()
    client.write(`POST ${path} HTTP/1.1`, "host: x", `content-type: ${type}`)
    client.write("", "transfer-encoding: chunked", "", chunk(begin))
    for (let sent = 0; sent < count; sent += 4096) {
      client.write(chunk("a").repeat(4096))
      await new Promise(setImmediate)
    }
    await eventually(() => api.compute.held >= count || undefined, "the body")
    await untilHeld(before, 2 * count + besideBytes)
  })
}

test("many small bodies in pieces of a byte, one behind another", async () => {
  await using api = await serveApi(operations)
  const bodies = 50
  const clients = await Promise.all(
    Array.from({ length: bodies }, () => RawClient.connect(api.port)),
  )
  const open = (client: RawClient) => {
    client.write("POST /json HTTP/1.1", "host: x", "content-type: application/json")
    client.write("", "transfer-encoding: chunked", "", chunk('"'))
  }
  try {
    for (const client of clients) open(client)
    await eventually(() => api.compute.arrivals.length >= bodies || undefined, "the requests")
    const before = heldNow()
    const length = 3_000
    for (const client of clients) client.write(chunk("a").repeat(length))
    // Each of these takes a turn or more, so that the bodies have been read by then.
    for (let turn = 0; turn < 10; turn++) await api.call("GET", "/openapi.json")
    await untilHeld(before, 2 * bodies * length + 2 * besideBytes)
    for (const client of clients) client.write(`${chunk('"')}0\r\n\r\n`)
    for (const client of clients) assert.match(await client.read("1"), /200 OK/)
  } finally {
    for (const client of clients) client[Symbol.dispose]()
  }
})
