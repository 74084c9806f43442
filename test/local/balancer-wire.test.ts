/** What passes through the balancer, what is added and left out, and what is refused. */
import assert from "node:assert/strict"
import { once } from "node:events"
import type { IncomingMessage } from "node:http"
import { text } from "node:stream/consumers"
import { test } from "node:test"
import { lingerWhenClosed } from "../../src/core/http/linger.ts"
import { balance, rawReplica, replica } from "../support/balancer.ts"
import { RawClient, statusOf } from "../support/raw-client.ts"

/** What a replica is given, line by line. */
async function given(...lines: string[]): Promise<string> {
  await using a = await rawReplica("a")
  await using trial = await balance([a])
  using client = await RawClient.connect(trial.port)
  client.write(...lines)
  const socket = await a.connection()
  let received = ""
  while (!received.includes("\r\n\r\n")) received += String((await once(socket, "data"))[0])
  return received
}

/** What a client is given for this answer. */
async function answered(method: string, ...lines: string[]): Promise<string> {
  await using a = await rawReplica("a")
  await using trial = await balance([a])
  using client = await RawClient.connect(trial.port)
  client.write(`${method} / HTTP/1.1`, "Host: x", "Connection: close", "", "")
  const socket = await a.connection()
  await once(socket, "data")
  socket.write(lines.join("\r\n"))
  return await client.read()
}

test("a replica learns where a request comes from", async () => {
  const plain = await given("GET /a?b=c HTTP/1.1", "Host: example.org:81", "", "")
  assert.match(plain, /^GET \/a\?b=c HTTP\/1\.1\r\nHost: example\.org:81\r\n/)
  assert.match(plain, /\r\nx-forwarded-for: 127\.0\.0\.1\r\n/)
  assert.match(plain, /\r\nx-forwarded-proto: http\r\n/)
  assert.match(plain, /\r\nx-forwarded-host: example\.org:81\r\n/)
  const behind = await given(
    ...["GET / HTTP/1.1", "Host: x", "X-Forwarded-For: 192.0.2.1", "X-Forwarded-For: 192.0.2.2"],
    ...["X-Forwarded-Proto: https", "X-Forwarded-Host: example.org", "", ""],
  )
  assert.match(behind, /\r\nx-forwarded-for: 192\.0\.2\.1, 192\.0\.2\.2, 127\.0\.0\.1\r\n/)
  assert.match(behind, /\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: example\.org\r\n/)
  assert.doesNotMatch(behind, /x-forwarded-proto: http\r\n/)
})

test("a request has an id: the client's, its trace's, or a new one", async () => {
  const trace = "4bf92f3577b34da6a3ce929d0e0e4736"
  const uuid = /\r\nx-request-id: [0-9a-f]{8}-[0-9a-f-]{27}\r\n/
  assert.match(await given("GET / HTTP/1.1", "Host: x", "", ""), uuid)
  const own = await given("GET / HTTP/1.1", "Host: x", "X-Request-Id: mine", "", "")
  assert.match(own, /\r\nx-request-id: mine\r\n/)
  const odd = await given("GET / HTTP/1.1", "Host: x", "X-Request-Id: a b", "", "")
  assert.match(odd, uuid)
  assert.doesNotMatch(odd, /a b/)
  const traced = await given(
    ...["GET / HTTP/1.1", "Host: x", `traceparent: 00-${trace}-00f067aa0ba902b7-01`, "", ""],
  )
  assert.match(traced, new RegExp(`traceparent: 00-${trace}`))
  assert.doesNotMatch(traced, /x-request-id/, "the service finds it in the trace")
})

test("what belongs to one connection is not passed on", async () => {
  const request = await given(
    ...["POST / HTTP/1.1", "Host: x", "Connection: keep-alive, X-Hop, Content-Length, TE"],
    ...["X-Hop: 1", "X-Far: 2", "Keep-Alive: timeout=5", "Proxy-Connection: keep-alive"],
    ...[
      "TE: trailers, deflate",
      "Upgrade: h2c",
      "HTTP2-Settings: AA",
      "Content-Length: 2",
      "",
      "hi",
    ],
  )
  assert.doesNotMatch(request, /x-hop|keep-alive: |proxy-connection|upgrade|http2|deflate/i)
  assert.match(request, /\r\nX-Far: 2\r\n/)
  assert.match(request, /\r\nte: trailers\r\n/)
  assert.match(request, /\r\nContent-Length: 2\r\n/, "a length can't be taken away")
  const answer = await answered(
    "GET",
    ...["HTTP/1.1 200 Fine", "Connection: X-Hop, keep-alive", "X-Hop: 1", "X-Far: 2"],
    ...[
      "Keep-Alive: timeout=5",
      "Set-Cookie: a=1",
      "Set-Cookie: b=2",
      "Content-Length: 2",
      "",
      "hi",
    ],
  )
  assert.match(answer, /^HTTP\/1\.1 200 Fine\r\nX-Far: 2\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n/)
  assert.doesNotMatch(answer, /x-hop|timeout=5/i)
})

test("a small request leaves in one piece, body included", async () => {
  const request = await given("POST / HTTP/1.1", "Host: x", "Content-Length: 5", "", "hello")
  assert.match(request, /\r\n\r\nhello$/)
})

test("a body that comes in chunks leaves in chunks", async () => {
  await using a = await replica("a", async (request, response) => {
    response.end(`${request.headers["transfer-encoding"]}: ${await text(request)}`)
  })
  await using trial = await balance([a])
  const chunked = ["POST / HTTP/1.1", "Host: x", "Transfer-Encoding: chunked", ""]
  for (const [body, chunks] of [
    ["hello", ["3", "hel", "2", "lo"]],
    ["", []],
  ] as const) {
    using client = await RawClient.connect(trial.port)
    client.write(...chunked, ...chunks, "0", "", "")
    await client.read(`chunked: ${body}`)
  }
  assert.equal(a.connections(), 1)
})

test("an answer that comes before the body's end lets the client send the rest", async () => {
  await using a = await rawReplica("a")
  await using trial = await balance([a])
  using client = await RawClient.connect(trial.port)
  client.write("POST / HTTP/1.1", "Host: x", "Content-Length: 10", "", "first")
  const socket = await a.connection()
  let received = ""
  socket.on("data", (chunk) => {
    received += chunk
  })
  const until = async (end: string): Promise<void> => {
    while (!received.endsWith(end)) await once(socket, "data")
  }
  await until("first")
  socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
  await client.read("\r\n\r\nok")
  client.socket.write("later")
  await until("firstlater")
  const next = trial.call()
  await until("\r\n\r\n")
  socket.write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnext")
  assert.equal((await next).text, "next", "on the same connection")
})

test("a request without a body has none for the replica either", async () => {
  for (const method of ["GET", "DELETE", "OPTIONS"]) {
    const request = await given(`${method} / HTTP/1.1`, "Host: x", "", "")
    assert.doesNotMatch(request, /content-length|transfer-encoding/i, method)
  }
  const post = await given("POST / HTTP/1.1", "Host: x", "", "")
  assert.match(post, /content-length: 0\r\n/)
  assert.doesNotMatch(post, /transfer-encoding/i)
})

test("a client of HTTP/1.0 needs no host, and gets an answer that it can read", async () => {
  await using a = await replica("a", (_, response) => {
    response.write("in ")
    response.end("pieces")
  })
  await using trial = await balance([a])
  using client = await RawClient.connect(trial.port)
  client.write("GET / HTTP/1.0", "", "")
  const received = await client.read()
  assert.match(received, /^HTTP\/1\.1 200 OK\r\n/)
  assert.match(received, /\r\n\r\nin pieces$/)
  assert.doesNotMatch(received, /transfer-encoding/i)
})

test("HEAD, 204 and 304 keep their headers and have no body", async () => {
  const head = await answered("HEAD", "HTTP/1.1 200 OK", "Content-Length: 1000", "", "")
  assert.match(head, /Content-Length: 1000\r\n/)
  assert.match(head, /\r\n\r\n$/)
  const empty = await answered("GET", "HTTP/1.1 204 No Content", "", "")
  assert.match(empty, /^HTTP\/1\.1 204 No Content\r\n/)
  assert.doesNotMatch(empty, /transfer-encoding|content-length/i)
  const same = await answered("GET", "HTTP/1.1 304 Not Modified", 'ETag: "1"', "", "")
  assert.match(same, /^HTTP\/1\.1 304 Not Modified\r\nETag: "1"\r\n/)
  assert.match(same, /\r\n\r\n$/)
})

test("an answer that ends with its connection is passed on whole", async () => {
  await using a = await rawReplica("a")
  await using trial = await balance([a])
  const begun = trial.call()
  const socket = await a.connection()
  await once(socket, "data")
  socket.end("HTTP/1.1 200 OK\r\n\r\nall there is")
  assert.equal((await begun).text, "all there is")
})

test("trailers pass both ways", async () => {
  let sent: IncomingMessage | undefined
  await using a = await replica("a", (request, response) => {
    request.resume()
    request.on("end", () => {
      sent = request
      response.writeHead(200, { trailer: "x-sum" })
      response.write("body")
      response.addTrailers({ "content-length": "0", "x-sum": "42" })
      response.end()
    })
  })
  await using trial = await balance([a])
  using client = await RawClient.connect(trial.port)
  client.write(
    ...["POST / HTTP/1.1", "Host: x", "Transfer-Encoding: chunked", "Trailer: x-check", ""],
    ...["2", "hi", "0", "Host: y", "X-Check: 7", "", ""],
  )
  const received = await client.read("x-sum: 42\r\n\r\n")
  assert.match(received, /\r\ntrailer: x-sum\r\n/)
  assert.doesNotMatch(received, /content-length/i)
  assert.deepEqual({ ...sent?.trailers }, { "x-check": "7" })
})

test("a request of HTTP/1.0 with chunks is refused, and nothing behind it is passed on", async () => {
  await using a = await rawReplica("a")
  await using trial = await balance([a])
  using client = await RawClient.connect(trial.port)
  const next = ["GET /hidden HTTP/1.1", "Host: x", "", ""]
  client.write(
    ...["POST / HTTP/1.0", "Host: x", "Connection: keep-alive", "Transfer-Encoding: chunked", ""],
    ...["2", "hi", "0", "", ...next],
  )
  const received = await client.read()
  assert.deepEqual(received.match(/HTTP\/1\.1 \d+/g), ["HTTP/1.1 400"])
  assert.match(received, /connection: close/i)
  assert.match(received, /content-length instead/)
  assert.equal(trial.balancer.stats().a?.answered, 0)
  assert.equal(trial.balancer.stats().a?.outstanding, 0)
})

test("a body is asked for when the replica wants it: 100 Continue", async () => {
  await using a = await rawReplica("a")
  await using trial = await balance([a])
  using client = await RawClient.connect(trial.port)
  client.write("POST / HTTP/1.1", "Host: x", "Expect: 100-continue", "Content-Length: 5", "", "")
  const socket = await a.connection()
  assert.match(String((await once(socket, "data"))[0]), /\r\nExpect: 100-continue\r\n/)
  assert.equal(client.received, "", "nobody has asked for it yet")
  socket.write("HTTP/1.1 100 Continue\r\n\r\n")
  await client.read("100 Continue\r\n\r\n")
  client.write("hello")
  assert.equal(String((await once(socket, "data"))[0]), "hello")
  socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
  const received = await client.read("\r\n\r\nok")
  assert.doesNotMatch(received, /connection: close/i)
})

test("a body that is refused before it was asked for is never sent, and the connection ends", async () => {
  await using a = await rawReplica("a")
  await using trial = await balance([a])
  using client = await RawClient.connect(trial.port)
  client.write("POST / HTTP/1.1", "Host: x", "Expect: 100-continue", "Content-Length: 5", "", "")
  const socket = await a.connection()
  await once(socket, "data")
  socket.write("HTTP/1.1 413 Payload Too Large\r\nContent-Length: 2\r\n\r\nno")
  const received = await client.read()
  assert.match(received, /^HTTP\/1\.1 413 /)
  assert.match(received, /connection: close/i)
  client.socket.end()
  await trial.balancer.drain("a")
})

test("a gigabyte that is refused is not read for it, and the client learns why", async () => {
  await using a = await replica("a", (request, response) => {
    // As the service does it: the answer at once, and the connection ends in good order.
    lingerWhenClosed(request.socket)
    response.writeHead(413, { connection: "close" })
    response.end("too large")
    request.resume()
  })
  await using trial = await balance([a])
  using client = await RawClient.connect(trial.port)
  client.write("POST / HTTP/1.1", "Host: x", `Content-Length: ${2 ** 30}`, "", "")
  client.socket.write(Buffer.alloc(2 ** 20))
  const received = await client.read("too large")
  assert.match(received, /^HTTP\/1\.1 413 /)
  assert.match(received, /connection: close/i)
  client.socket.write(Buffer.alloc(2 ** 20))
  assert.equal(client.failed, undefined, "what is still sent is taken, so that the answer arrives")
  client.socket.end()
  await trial.balancer.drain("a")
  assert.equal(trial.events.length, 0)
})

test("interim answers pass: 102 and 103", async () => {
  const received = await answered(
    "GET",
    ...["HTTP/1.1 102 Processing", "", "HTTP/1.1 103 Early Hints", "Link: </a.css>; rel=preload"],
    ...["", "HTTP/1.1 200 OK", "Content-Length: 2", "", "ok"],
  )
  assert.match(received, /^HTTP\/1\.1 102 Processing\r\n\r\nHTTP\/1\.1 103 Early Hints\r\n/)
  assert.match(received, /Link: <\/a\.css>; rel=preload\r\n\r\nHTTP\/1\.1 200 OK\r\n/)
})

test("what comes in one read is passed on whole, however many pieces it has", async () => {
  const received = await answered(
    "GET",
    ...["HTTP/1.1 200 OK", "Transfer-Encoding: chunked", "", "2", "hi", "4", " you", "5", " all!"],
    ...["0", "", ""],
  )
  assert.match(received, /hi you all!/)
})

test("what can't follow an answer is not announced in it", async () => {
  const lines = ["HTTP/1.1 200 OK", "Trailer: x-sum", "Transfer-Encoding: chunked", ""]
  const head = await answered("HEAD", ...lines, "")
  assert.match(head, /^HTTP\/1\.1 200 OK\r\n/)
  assert.doesNotMatch(head, /trailer/i)
  const empty = await answered("GET", "HTTP/1.1 204 No Content", "Content-Length: 0", "", "")
  assert.doesNotMatch(empty, /content-length/i)
})

test("of a flood of interim answers few are passed on, and the answer behind it", async () => {
  const hint = "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n"
  const received = await answered(
    "GET",
    ...Array<string>(10_000).fill(hint),
    ...["HTTP/1.1 200 OK", "Content-Length: 2", "", "ok"],
  )
  const count = received.split("103 Early Hints").length - 1
  assert.ok(count > 0 && count < 100, `${count}`)
  assert.match(received, /HTTP\/1\.1 200 OK\r\n[\s\S]*ok$/)
})

test("a hint or a head that can't be passed on harms nobody else", async () => {
  const hinted = await answered(
    "GET",
    ...["HTTP/1.1 103 Early Hints", "Link: nonsense", "", "HTTP/1.1 200 OK"],
    ...["Content-Length: 2", "", "ok"],
  )
  assert.match(hinted, /^HTTP\/1\.1 200 OK\r\n/)
  const odd = await answered("GET", "HTTP/1.1 200 O\x01K", "Content-Length: 2", "", "ok")
  assert.match(odd, /^HTTP\/1\.1 502 Bad Gateway\r\n/)
})

test("what else is offered is left, and the request is answered as it is", async () => {
  await using a = await replica("a")
  await using trial = await balance([a])
  using client = await RawClient.connect(trial.port)
  client.write(
    ...["POST / HTTP/1.1", "Host: x", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c"],
    ...["HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA", "Content-Length: 2", "", "hi"],
  )
  assert.equal(statusOf(await client.read("\r\n\r\na")), 200)
})

test("what is no HTTP request is answered 400, 431, 405 or 505, as a problem", async () => {
  await using a = await replica("a")
  await using trial = await balance([a])
  const refused: readonly (readonly [status: number, lines: readonly string[]])[] = [
    [400, ["nonsense", "", ""]],
    [400, ["GET / HTTP/1.1", "Host: x", "Content-Length: 1", "Transfer-Encoding: chunked", "", ""]],
    [400, ["GET / HTTP/1.1", "Host: x", "Content-Length: 1, 2", "", ""]],
    [400, ["GET / HTTP/1.1", "Host : x", "", ""]],
    [400, ["POST / HTTP/1.1", "Host: x", "Transfer-Encoding: chunked", "", "zz", ""]],
    [431, ["GET / HTTP/1.1", "Host: x", `X-Long: ${"x".repeat(20_000)}`, "", ""]],
    [400, ["GET / HTTP/1.1", "Host: x", "Host: y", "", ""]],
    [400, ["GET http://y/ HTTP/1.1", "Host: x", "", ""]],
    [505, ["GET / HTTP/2.0", "Host: x", "", ""]],
    [505, ["GET /", "", ""]],
    [405, ["CONNECT example.org:443 HTTP/1.1", "Host: example.org:443", "", ""]],
    [
      400,
      [
        "GET / HTTP/1.1",
        "Host: x",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Content-Length: 1",
        "",
        "",
      ],
    ],
  ]
  for (const [status, lines] of refused) {
    using client = await RawClient.connect(trial.port)
    client.write(...lines)
    const received = await client.read()
    assert.equal(statusOf(received), status, `${lines.join("\n")}\n${received}`)
    assert.match(received, /\r\ncontent-type: application\/problem\+json\r\n/)
    assert.match(received, /\r\nx-request-id: [0-9a-f-]{36}\r\n/)
    assert.equal(JSON.parse(received.split("\r\n\r\n")[1] ?? "").status, status)
  }
  assert.equal((await trial.call()).status, 200)
})

test("headers that take too long are answered 408", async () => {
  await using trial = await balance([], { headersTimeoutMs: 50 })
  using client = await RawClient.connect(trial.port)
  client.write("GET / HTTP/1.1", "Host: x", "")
  assert.equal(statusOf(await client.read()), 408)
})
