/** What becomes of requests when replicas fail: another replica, a wait, 502 or 503. */
import assert from "node:assert/strict"
import { once } from "node:events"
import { createServer } from "node:http"
import { test } from "node:test"
import type { BalancerEvent } from "../../src/local/balancer/balancer.ts"
import {
  balance,
  endedConnectionsTo,
  nobody,
  processReplica,
  rawReplica,
  replica,
} from "../support/balancer.ts"
import { patienceMs } from "../support/patience.ts"
import { RawClient } from "../support/raw-client.ts"

const post = { method: "POST", body: '{"n":1}', path: "/work?secret=1" } as const

test("a replica that refuses connections costs no request, and is soon left alone", async () => {
  const dead = await nobody("dead")
  await using alive = await replica("alive")
  await using trial = await balance([dead, alive])
  for (let n = 0; n < 30; n++) assert.equal((await trial.call(post)).text, "alive")
  const { because, ...event } = await trial.event("circuit")
  assert.deepEqual(event, { kind: "circuit", backend: "dead", open: true })
  assert.match(because, /ECONNREFUSED/)
  assert.equal(trial.balancer.stats().dead?.open, true)
  assert.equal(trial.balancer.stats().dead?.answered, 0)
})

test("a replica that comes back is tried, and used again", async () => {
  const { name, origin } = await nobody("back")
  await using trial = await balance([{ name, origin }])
  const waiting = trial.call(post)
  await trial.event("circuit")
  const server = createServer((_, response) => response.end("back"))
  server.listen(Number(origin.port), origin.hostname)
  try {
    assert.equal((await waiting).text, "back")
    assert.equal(trial.balancer.stats().back?.open, false)
    assert.deepEqual(
      trial.events
        .filter(({ kind }) => kind === "circuit")
        .map((event) => "open" in event && event.open),
      [true, false],
    )
  } finally {
    server.close()
    server.closeAllConnections()
  }
})

test("requests wait while no replica is ready, in their order", async () => {
  const seen: string[] = []
  await using a = await replica("a", (request, response) => {
    seen.push(request.url ?? "")
    response.end("a")
  })
  await using trial = await balance()
  using client = await RawClient.connect(trial.port)
  for (const n of [1, 2, 3]) client.write(`GET /${n} HTTP/1.1`, "Host: x", "", "")
  // It is refused after those have begun to wait.
  await trial.call({ headers: { "x-envoy-expected-rq-timeout-ms": "1" } })
  trial.balancer.add(a)
  while (client.received.split("200 OK").length < 4) await once(client.socket, "data")
  assert.deepEqual(seen, ["/1", "/2", "/3"])
})

test("a wait is bounded in time: 503, Retry-After and a problem", async () => {
  await using trial = await balance([], { waitMs: 20 })
  const answer = await trial.call({ ...post, headers: { "x-request-id": "mine" } })
  assert.equal(answer.status, 503)
  assert.equal(answer.headers["retry-after"], "1")
  assert.equal(answer.headers["content-type"], "application/problem+json")
  assert.equal(answer.headers["x-request-id"], "mine")
  assert.equal(answer.headers["cache-control"], "no-store")
  assert.deepEqual(JSON.parse(answer.text), {
    type: "about:blank",
    title: "Service Unavailable",
    status: 503,
    detail: "No replica of the service became ready in time. Try again later.",
  })
  assert.equal((await trial.event("refused")).requestId, "mine")
})

test("a client's own deadline bounds its wait, and is brought forward by it", async () => {
  const header = "x-envoy-expected-rq-timeout-ms"
  let told = ""
  await using a = await replica("a", (request, response) => {
    told = String(request.headers[header])
    response.end("a")
  })
  await using trial = await balance()
  assert.equal((await trial.call({ headers: { [header]: "10" } })).status, 503)
  const deadlineMs = patienceMs()
  const waiting = trial.call({ headers: { [header]: `${deadlineMs}` } })
  // It has waited for longer than this one when this one is refused.
  assert.equal((await trial.call({ headers: { [header]: "30" } })).status, 503)
  trial.balancer.add(a)
  assert.equal((await waiting).status, 200)
  assert.ok(Number(told) < deadlineMs && Number(told) > 0, told)
  await trial.call({ headers: { [header]: "soon" } })
  assert.equal(told, "soon", "what is wrong is for the service to refuse")
})

test("a wait is bounded in number", async () => {
  await using trial = await balance([], { waitingMax: 2 })
  const leave = new AbortController()
  const waiting = [1, 2, 3].map(() => trial.call({ signal: leave.signal }).catch(() => undefined))
  const { because } = await trial.event("refused")
  assert.match(because, /as many requests wait as may/)
  leave.abort()
  await Promise.all(waiting)
})

test("a client that leaves waits no longer", async () => {
  const seen: string[] = []
  await using a = await replica("a", (request, response) => {
    seen.push(request.url ?? "")
    response.end("a")
  })
  await using trial = await balance([], { waitingMax: 1 })
  using client = await RawClient.connect(trial.port)
  client.write("GET /left HTTP/1.1", "Host: x", "", "")
  const isTaken = async (): Promise<boolean> => {
    const headers = { "x-envoy-expected-rq-timeout-ms": "1" }
    return (await trial.call({ headers })).text.includes("as many requests wait as may")
  }
  while (!(await isTaken()));
  client.socket.destroy()
  while (await isTaken());
  trial.balancer.add(a)
  await trial.call({ path: "/stayed" })
  assert.deepEqual(seen, ["/stayed"])
})

test("a request that a killed replica never read goes to another one", async () => {
  await using doomed = await processReplica("doomed")
  await using other = await replica("other")
  await using trial = await balance([doomed])
  assert.equal((await trial.call(post)).text, "doomed")
  doomed.process.kill("SIGSTOP")
  // One on the connection that is kept, one on a new connection: both lie in its buffers.
  const [kept, fresh] = [trial.call(post), trial.call(post)]
  while (trial.balancer.stats().doomed?.outstanding !== 2) await new Promise(setImmediate)
  trial.balancer.add(other)
  doomed.process.kill("SIGKILL")
  assert.deepEqual([(await kept).text, (await fresh).text], ["other", "other"])
  // One of them may have met the dead replica a second time before it was forgotten.
  assert.ok(trial.events.filter(({ kind }) => kind === "retried").length >= 2)
})

test("a request that a killed replica had read is answered 502", async () => {
  await using doomed = await processReplica("doomed")
  await using other = await replica("other")
  await using trial = await balance([doomed])
  using client = await RawClient.connect(trial.port)
  client.write("POST /hang?secret=1 HTTP/1.1", "Host: x", "Content-Length: 1", "", "x")
  // It has read it, and says so.
  await client.read("102 Processing")
  trial.balancer.add(other)
  const exit = once(doomed.process, "exit")
  doomed.process.kill("SIGKILL")
  await exit
  trial.balancer.drop("doomed")
  const received = await client.read("}")
  const [head = "", body = ""] = received.slice(received.indexOf("HTTP/1.1 502")).split("\r\n\r\n")
  assert.match(head, /^HTTP\/1\.1 502 Bad Gateway/)
  const { detail, requestId, ...rest } = JSON.parse(body)
  assert.deepEqual(rest, { type: "about:blank", title: "Bad Gateway", status: 502 })
  assert.match(detail, /\(doomed\) ended before it had answered/)
  assert.match(head, new RegExp(`x-request-id: ${requestId}`))
  const lost = await trial.event("lost")
  assert.deepEqual([lost.backend, lost.method, lost.path], ["doomed", "POST", "/hang"])
  assert.equal((await trial.call(post)).text, "other")
})

test("a request that meets a connection which was closed a moment before goes to another replica", {
  skip: process.platform !== "linux" && "reads the kernel's table of connections",
}, async () => {
  await using doomed = await processReplica("doomed")
  await using other = await replica("other")
  const refusing = await nobody("refusing")
  const port = Number(doomed.origin.port)
  const kill = (event: BalancerEvent): void => {
    if (event.kind !== "retried" || event.backend !== "refusing") return
    // Without a turn of the event loop, so that nobody can notice.
    doomed.process.kill("SIGKILL")
    const endMs = performance.now() + patienceMs()
    while (endedConnectionsTo(port) === 0 && performance.now() < endMs);
    trial.balancer.setReady("refusing", false)
    trial.balancer.setReady("doomed", true)
  }
  await using trial = await balance([doomed], { logged: kill })
  assert.equal((await trial.call(post)).text, "doomed")
  trial.balancer.setReady("doomed", false)
  trial.balancer.add(refusing)
  const begun = trial.call(post)
  await trial.event("retried")
  while (!trial.events.some((event) => event.kind === "retried" && event.backend === "doomed")) {
    if (trial.events.some(({ kind }) => kind === "lost")) break
    await new Promise(setImmediate)
  }
  trial.balancer.add(other)
  trial.balancer.drop("doomed")
  assert.equal((await begun).text, "other")
})

test("a replica that hangs up without an answer may have worked: 502, and no second try", async () => {
  await using a = await rawReplica("a")
  await using other = await replica("other")
  await using trial = await balance([a])
  const begun = trial.call(post)
  const socket = await a.connection()
  await once(socket, "data")
  trial.balancer.add(other)
  socket.end()
  assert.equal((await begun).status, 502)
  assert.equal(trial.balancer.stats().other?.answered, 0)
})

test("a replica that ends in the middle of an answer ends the client's, and cleanly it is not", async () => {
  await using a = await rawReplica("a")
  await using trial = await balance([a])
  using client = await RawClient.connect(trial.port)
  client.write("GET / HTTP/1.1", "Host: x", "", "")
  const socket = await a.connection()
  await once(socket, "data")
  socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n")
  await client.read("half")
  socket.destroy()
  const received = await client.read()
  assert.doesNotMatch(received, /\r\n0\r\n\r\n/)
  assert.equal((await trial.event("lost")).because, "It broke off in the middle of an answer.")
  assert.equal(trial.balancer.stats().a?.failed, 1)
})

/** What a client and the books are told when this is all that a replica says. */
async function answered(text: string) {
  await using a = await rawReplica("a")
  await using trial = await balance([a])
  const begun = trial.call(post)
  const socket = await a.connection()
  await once(socket, "data")
  socket.write(text)
  const answer = await begun
  const { detail } = JSON.parse(answer.text)
  return { status: answer.status, detail, failed: trial.balancer.stats().a?.failed }
}

const chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

test("an answer that is not HTTP is a 502 that says so", async () => {
  const { status, detail } = await answered("what?\r\n\r\n")
  assert.equal(status, 502)
  assert.match(detail, /\(a\) gave an answer that is not HTTP/)
})

test("trailers that are none are a 502 as well", async () => {
  const { status } = await answered(`${chunked}2\r\nhi\r\n0\r\na b: c\r\n\r\n`)
  assert.equal(status, 502)
})

test("a replica that has begun to speak has read the request: no second try", async () => {
  await using a = await rawReplica("a")
  await using other = await replica("other")
  await using trial = await balance([a])
  using client = await RawClient.connect(trial.port)
  client.write("GET / HTTP/1.1", "Host: x", "", "")
  const socket = await a.connection()
  await once(socket, "data")
  trial.balancer.add(other)
  socket.write("HTTP/1.1 102 Processing\r\n\r\n")
  await client.read("102 Processing")
  socket.resetAndDestroy()
  assert.match(await client.read("}"), /HTTP\/1\.1 502 Bad Gateway/)
  assert.equal(trial.balancer.stats().other?.answered, 0)
})

test("a client that leaves after an early answer ends its request at the replica", async () => {
  await using a = await replica("a", (_, response) => {
    response.statusCode = 404
    response.end("no")
  })
  await using trial = await balance([a])
  using client = await RawClient.connect(trial.port)
  client.write("POST / HTTP/1.1", "Host: x", "Content-Length: 100", "", "some of it")
  await client.read("no")
  assert.equal(trial.balancer.stats().a?.outstanding, 1)
  client.socket.destroy()
  await trial.balancer.drain("a")
})

test("an answer that stops being HTTP behind its head is a 502, too", async () => {
  const { status, detail, failed } = await answered(`${chunked}what?\r\n`)
  assert.equal(status, 502)
  assert.match(detail, /\(a\) gave an answer that is not HTTP/)
  assert.equal(failed, 1)
})

test("what is said on an idle connection is nobody's answer", async () => {
  await using a = await rawReplica("a")
  await using trial = await balance([a])
  const first = trial.call(post)
  const socket = await a.connection()
  await once(socket, "data")
  socket.write("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none")
  assert.equal((await first).text, "one")
  socket.write("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison")
  // By the time that this is answered, that has come in.
  using other = await RawClient.connect(trial.port)
  other.write("nonsense", "", "")
  await other.read()
  const second = trial.call(post)
  const next = await Promise.race([a.connection(), once(socket, "data")])
  assert.ok(!Array.isArray(next), "it was sent on the same connection")
  next.write("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\ntwo")
  assert.equal((await second).text, "two")
})
