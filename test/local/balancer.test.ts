/** What the balancer does while all goes well: spreading, streaming, draining, closing. */
import assert from "node:assert/strict"
import { once } from "node:events"
import type { IncomingMessage, ServerResponse } from "node:http"
import { Readable } from "node:stream"
import { test } from "node:test"
import { Balancer } from "../../src/local/balancer/balancer.ts"
import { balance, replica } from "../support/balancer.ts"
import { patienceMs } from "../support/patience.ts"
import { RawClient } from "../support/raw-client.ts"

/** Answers when it is told to. */
function held(): {
  readonly answer: (request: IncomingMessage, response: ServerResponse) => void
  /** The next request that has arrived. */
  readonly arrived: () => Promise<ServerResponse>
} {
  const responses: ServerResponse[] = []
  const told = new EventTarget()
  let taken = 0
  return {
    answer(_, response) {
      responses.push(response)
      told.dispatchEvent(new Event("told"))
    },
    async arrived() {
      while (responses.length <= taken) await once(told, "told")
      return responses[taken++]!
    },
  }
}

test("a request goes to the replica with the fewest, and equals share", async () => {
  const slow = held()
  await using a = await replica("a", slow.answer)
  await using b = await replica("b")
  await using c = await replica("c")
  await using trial = await balance([a])
  const stuck = trial.call()
  const response = await slow.arrived()
  trial.balancer.add(b)
  trial.balancer.add(c)
  const names = new Set<string>()
  for (let n = 0; n < 40; n++) names.add((await trial.call()).text)
  assert.deepEqual([...names].toSorted(), ["b", "c"], "a has one already")
  assert.equal(trial.balancer.stats().a?.outstanding, 1)
  response.end("a")
  assert.equal((await stuck).text, "a")
  const { a: statsOfA, b: statsOfB, c: statsOfC } = trial.balancer.stats()
  assert.deepEqual(statsOfA, { outstanding: 0, answered: 1, failed: 0, open: false })
  assert.equal((statsOfB?.answered ?? 0) + (statsOfC?.answered ?? 0), 40)
})

test("an unready replica gets no new requests, and finishes what it has", async () => {
  const slow = held()
  await using a = await replica("a", slow.answer)
  await using b = await replica("b")
  await using trial = await balance([a])
  const begun = trial.call()
  const response = await slow.arrived()
  trial.balancer.setReady("a", false)
  trial.balancer.add(b)
  for (let n = 0; n < 5; n++) assert.equal((await trial.call()).text, "b")
  response.end("a, late")
  assert.equal((await begun).text, "a, late")
})

test("draining ends with the last answer, and then the replica is forgotten", async () => {
  const slow = held()
  await using a = await replica("a", slow.answer)
  await using b = await replica("b")
  await using trial = await balance([a])
  const begun = trial.call()
  const response = await slow.arrived()
  trial.balancer.add(b)
  let isDrained = false
  const drained = trial.balancer.drain("a").then(() => {
    isDrained = true
  })
  assert.equal((await trial.call()).text, "b")
  assert.equal(isDrained, false)
  assert.deepEqual(Object.keys(trial.balancer.stats()).toSorted(), ["a", "b"])
  response.end("done")
  assert.equal((await begun).text, "done")
  await drained
  assert.deepEqual(Object.keys(trial.balancer.stats()), ["b"])
  await trial.balancer.drain("nobody")
  trial.balancer.setReady("a", true)
  assert.deepEqual(Object.keys(trial.balancer.stats()), ["b"], "what is forgotten stays so")
})

test("two replicas can't have one name", async () => {
  await using a = await replica("a")
  await using trial = await balance([a])
  assert.throws(() => trial.balancer.add(a), /There is a backend "a" already/)
})

test("connections are kept on both sides", async () => {
  await using a = await replica("a", (request, response) => {
    request.pipe(response)
  })
  await using trial = await balance([a])
  using client = await RawClient.connect(trial.port)
  for (let n = 1; n <= 20; n++) {
    const body = `body ${n}`.padEnd(10)
    client.write("POST / HTTP/1.1", "Host: x", "Content-Length: 10", "", body)
    assert.match(await client.read(body), /^HTTP\/1\.1 200 OK\r\n/)
    client.received = ""
  }
  assert.equal(a.connections(), 1)
})

test("a body larger than any buffer flows both ways", async () => {
  await using a = await replica("a", (request, response) => {
    request.pipe(response)
  })
  await using trial = await balance([a])
  const piece = Buffer.alloc(65_536, "x")
  const body = Readable.from(
    (function* () {
      for (let n = 0; n < 256; n++) yield piece
    })(),
  )
  const answer = await trial.call({ method: "POST", body })
  assert.equal(answer.text.length, 256 * piece.length)
})

test("a replica sends no faster than the client reads", async () => {
  const chunk = Buffer.alloc(65_536)
  const bytesMax = 64 * 2 ** 20
  let sentBytes = 0
  await using a = await replica("a", (request, response) => {
    if (request.url === "/other") return response.end()
    const fill = (): void => {
      while (sentBytes < bytesMax) {
        sentBytes += chunk.length
        if (!response.write(chunk)) break
      }
    }
    response.on("drain", fill)
    fill()
    return
  })
  await using trial = await balance([a])
  using client = await RawClient.connect(trial.port)
  client.socket.pause()
  client.write("GET / HTTP/1.1", "Host: x", "", "")
  // Until nothing moves any more while other things do.
  let before = -1
  while (before < sentBytes && sentBytes < bytesMax) {
    before = sentBytes
    for (let n = 0; n < 20; n++) await trial.call({ path: "/other" })
  }
  assert.ok(sentBytes > 0 && sentBytes < bytesMax, `${sentBytes} bytes`)
})

test("a client that takes nothing of its answer is cut off", async () => {
  const gone = Promise.withResolvers<void>()
  await using a = await replica("a", (_, response) => {
    response.on("close", gone.resolve)
    const fill = (): void => {
      while (response.write(Buffer.alloc(65_536)));
    }
    response.on("drain", fill)
    fill()
  })
  await using trial = await balance([a], { stallTimeoutMs: 100 })
  using client = await RawClient.connect(trial.port)
  client.socket.pause()
  client.write("GET / HTTP/1.1", "Host: x", "", "")
  await gone.promise
})

test("events arrive one by one, as they are sent", async () => {
  const slow = held()
  await using a = await replica("a", slow.answer)
  await using trial = await balance([a])
  using client = await RawClient.connect(trial.port)
  client.write("GET / HTTP/1.1", "Host: x", "", "")
  const response = await slow.arrived()
  response.writeHead(200, { "content-type": "text/event-stream" })
  response.flushHeaders()
  await client.read("text/event-stream")
  response.write("data: 1\n\n")
  await client.read("data: 1")
  response.write("data: 2\n\n")
  await client.read("data: 2")
  response.end()
  await client.read("\r\n0\r\n\r\n")
})

test("a client that leaves ends its request at the replica", async () => {
  const slow = held()
  await using a = await replica("a", slow.answer)
  await using trial = await balance([a])
  const leave = new AbortController()
  const begun = trial.call({ signal: leave.signal })
  const response = await slow.arrived()
  const closed = once(response, "close")
  leave.abort()
  await assert.rejects(begun)
  await closed
  assert.equal(response.writableFinished, false)
  await trial.balancer.drain("a")
})

test("a thousand connections at once are all answered", async () => {
  await using a = await replica("a")
  await using b = await replica("b")
  await using trial = await balance([a, b])
  const answers = await Promise.all(
    Array.from({ length: 1000 }, (_, n) =>
      trial.call({ method: "POST", body: String(n), path: `/${n}` }),
    ),
  )
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]))
  assert.deepEqual(trial.events, [])
})

test("one connection too many costs an idle one, and is closed when there is none; it is said", async () => {
  const slow = held()
  await using a = await replica("a", slow.answer)
  await using trial = await balance([a], { connectionsMax: 1 })
  using idle = await RawClient.connect(trial.port)
  using busy = await RawClient.connect(trial.port)
  assert.equal(await idle.read(), "")
  busy.write("GET / HTTP/1.1", "Host: x", "", "")
  const response = await slow.arrived()
  using refused = await RawClient.connect(trial.port)
  assert.equal(await refused.read(), "")
  assert.deepEqual(await trial.event("connections-full"), {
    kind: "connections-full",
    connectionsMax: 1,
  })
  response.end("a")
  assert.match(await busy.read("\r\n\r\na"), /^HTTP\/1\.1 200 /)
})

test("who does not read an answer makes room for who does, beyond what may be held of them", async () => {
  const body = Buffer.alloc(20_000_000, "x")
  let given = 0
  const pieces = function* () {
    for (let at = 0; at < body.length; at += 100_000) {
      given += 1
      yield body.subarray(at, at + 100_000)
    }
  }
  await using a = await replica("a", (_, response) => {
    response.setHeader("content-length", body.length)
    Readable.from(pieces()).pipe(response)
  })
  await using trial = await balance([a], { unreadBytesMax: 1 })
  using silent = await RawClient.connect(trial.port)
  silent.write("GET / HTTP/1.1", "Host: x", "", "")
  await silent.read("x")
  silent.socket.pause()
  // Until all that lies between them is full: all of it is in this process.
  for (let [before, turns] = [0, 0]; turns < 100; turns += 1) {
    if (given !== before) turns = 0
    before = given
    await new Promise(setImmediate)
  }
  using reading = await RawClient.connect(trial.port)
  reading.write("GET / HTTP/1.1", "Host: x", "Connection: close", "", "")
  assert.ok((await reading.read()).length > body.length)
  assert.deepEqual(await trial.event("unread-full"), { kind: "unread-full", unreadBytesMax: 1 })
  silent.socket.resume()
  assert.ok((await silent.read()).length < body.length)
})

test("a port in use is the system's own error", async () => {
  await using trial = await balance()
  await assert.rejects(Balancer.listen({ host: "127.0.0.1", port: trial.port }), {
    code: "EADDRINUSE",
    port: trial.port,
  })
})

test("closing answers what is under way, says goodbye, and is over when the clients have gone", async () => {
  const slow = held()
  await using a = await replica("a", slow.answer)
  await using trial = await balance([a])
  using busy = await RawClient.connect(trial.port)
  using idle = await RawClient.connect(trial.port)
  busy.write("GET / HTTP/1.1", "Host: x", "", "")
  const response = await slow.arrived()
  idle.write("GET / HTTP/1.1", "Host: x", "", "")
  ;(await slow.arrived()).end("first")
  await idle.read("first")
  const closed = trial.balancer.close(patienceMs())
  // It was about to be sent, and is not lost.
  idle.write("GET / HTTP/1.1", "Host: x", "", "")
  ;(await slow.arrived()).end("second")
  assert.match(await idle.read("second"), /connection: close/i)
  response.end("done")
  assert.match(await busy.read("done"), /connection: close/i)
  busy.socket.end()
  idle.socket.end()
  await closed
  await assert.rejects(RawClient.connect(trial.port), { code: "ECONNREFUSED" })
})

test("closing cuts off what is not done in time, and says so", async () => {
  const slow = held()
  await using a = await replica("a", slow.answer)
  await using trial = await balance([a])
  using client = await RawClient.connect(trial.port)
  client.write("GET / HTTP/1.1", "Host: x", "", "")
  await slow.arrived()
  await trial.balancer.close(0)
  const received = await client.read()
  assert.match(received, /^HTTP\/1\.1 502 Bad Gateway/)
  assert.match(received, /stopped before the request had been answered/)
})
