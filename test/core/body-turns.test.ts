/** However fast bodies come, one turn of the event loop reads few bytes of them, and all of them come. */
import assert from "node:assert/strict"
import { once } from "node:events"
import { createServer, type IncomingMessage } from "node:http"
import type { AddressInfo } from "node:net"
import { test } from "node:test"
import { Worker } from "node:worker_threads"
import { BodyTurns, chunkBytes, turnBytes } from "../../src/core/http/body-turns.ts"

const mebibyte = 2 ** 20

/** Sends bodies of so many bytes at once, each on a connection of its own, from another thread. */
const sender = `
import { request } from "node:http"
import { parentPort, workerData } from "node:worker_threads"
const { port, bodies, bytes } = workerData
const body = Buffer.alloc(bytes)
const answers = Array.from({ length: bodies }, () => new Promise((resolve, reject) => {
  request({ port, method: "POST" }, (response) => response.resume().on("end", resolve))
    .on("error", reject).end(body)
}))
await Promise.all(answers)
parentPort.postMessage("answered")
`

/** The most bytes that a turn has read while all of these bodies came. */
async function mostInATurn(bodies: number, bytes: number): Promise<number> {
  const turns = new BodyTurns()
  let most = 0
  let inThisTurn = 0
  let received = 0
  const server = createServer((request, response) => {
    request.on("data", (chunk: Buffer) => {
      inThisTurn += chunk.length
      received += chunk.length
      turns.took(request, chunk.length)
    })
    request.on("end", () => response.end())
  })
  await once(server.listen(0, "127.0.0.1"), "listening")
  let turn = setImmediate(function next() {
    most = Math.max(most, inThisTurn)
    inThisTurn = 0
    turn = setImmediate(next)
  })
  const { port } = server.address() as AddressInfo
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(sender)}`), {
    workerData: { port, bodies, bytes },
  })
  try {
    await once(worker, "message")
    assert.equal(received, bodies * bytes)
    return most
  } finally {
    clearImmediate(turn)
    await worker.terminate()
    server.close()
    server.closeAllConnections()
  }
}

for (const bodies of [1, 40]) {
  test(`of ${bodies} at once, a turn reads its bytes and at most one chunk of each beyond`, async () => {
    const most = await mostInATurn(bodies, Math.floor((64 * mebibyte) / bodies))
    assert.ok(most <= turnBytes + bodies * chunkBytes, `${most} bytes`)
  })
}

test("each turn has its bytes anew, whether or not a body rests", async () => {
  const turns = new BodyTurns()
  let isPaused = false
  const request = {
    isPaused: () => isPaused,
    pause: () => {
      isPaused = true
    },
    resume: () => {
      isPaused = false
    },
  } as unknown as IncomingMessage
  for (let turn = 0; turn < 5; turn++) {
    turns.took(request, turnBytes - 1)
    assert.equal(isPaused, false, `in turn ${turn}`)
    await new Promise(setImmediate)
  }
  turns.took(request, turnBytes)
  assert.equal(isPaused, true)
  await new Promise(setImmediate)
  assert.equal(isPaused, false)
})
