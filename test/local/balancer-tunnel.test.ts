/** Connections that become something else, or would like to. */
import assert from "node:assert/strict"
import type { IncomingMessage } from "node:http"
import type { Socket } from "node:net"
import { test } from "node:test"
import { balance, replica } from "../support/balancer.ts"
import { patienceMs } from "../support/patience.ts"
import { RawClient, statusOf } from "../support/raw-client.ts"

test("a connection can become a WebSocket, and lives as long as both sides want", async () => {
  await using a = await replica("a")
  let replicaSide: Socket | undefined
  a.server.on("upgrade", (request: IncomingMessage, socket: Socket, head: Buffer) => {
    replicaSide = socket
    socket.on("error", () => {})
    const accept = request.headers["sec-websocket-key"]
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-Accept: ${accept}\r\n\r\nhello `,
    )
    socket.write(`${head}`.toUpperCase())
    socket.on("data", (chunk) => socket.write(String(chunk).toUpperCase()))
  })
  await using trial = await balance([a])
  using client = await RawClient.connect(trial.port)
  client.write(
    ...["GET /chat HTTP/1.1", "Host: x", "Connection: keep-alive, Upgrade", "Upgrade: websocket"],
    // What is behind so long a head is not read together with it.
    ...["Sec-WebSocket-Key: k", `Cookie: ${"x".repeat(600)}`, "", "early "],
  )
  const received = await client.read("EARLY ")
  assert.match(received, /^HTTP\/1\.1 101 Switching Protocols\r\nX-Accept: k\r\n/)
  assert.match(received, /\r\nupgrade: websocket\r\n\r\nhello EARLY $/)
  client.socket.write("ping")
  await client.read("PING")
  assert.equal(trial.balancer.stats().a?.outstanding, 1)
  replicaSide?.destroy()
  await client.read()
  client.socket.end()
  await trial.balancer.drain("a")
})

test("a WebSocket client that leaves is gone for the replica, too", async () => {
  await using a = await replica("a")
  const closed = Promise.withResolvers<void>()
  a.server.on("upgrade", (_request, socket: Socket) => {
    socket.on("error", () => {})
    socket.once("end", () => socket.end())
    socket.once("close", () => closed.resolve())
    socket.write(
      "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    )
    socket.resume()
  })
  await using trial = await balance([a])
  using client = await RawClient.connect(trial.port)
  client.write("GET / HTTP/1.1", "Host: x", "Connection: Upgrade", "Upgrade: websocket", "", "")
  await client.read("101")
  client.socket.destroy()
  await closed.promise
})

test("a replica that hangs up ends it, whether or not the client says anything any more", async () => {
  await using a = await replica("a")
  a.server.on("upgrade", (_request, socket: Socket) => {
    socket.on("error", () => {})
    socket.end(
      "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nbye",
    )
  })
  await using trial = await balance([a])
  using client = await RawClient.connect(trial.port)
  client.socket.allowHalfOpen = true
  client.write("GET / HTTP/1.1", "Host: x", "Connection: Upgrade", "Upgrade: websocket", "", "")
  await client.read("bye")
  await trial.balancer.drain("a")
})

test("a replica that wants no WebSocket says so, and the connection ends", async () => {
  await using a = await replica("a", (_, response) => {
    response.statusCode = 404
    response.end("none here")
  })
  await using trial = await balance([a], { waitMs: 20 })
  using client = await RawClient.connect(trial.port)
  const upgrade = ["Host: x", "Connection: Upgrade", "Upgrade: websocket", "", ""]
  client.write("GET / HTTP/1.1", ...upgrade)
  const received = await client.read()
  assert.match(received, /^HTTP\/1\.1 404 Not Found\r\n/)
  assert.match(received, /none here$|none here\r\n0\r\n\r\n$/)
  trial.balancer.setReady("a", false)
  using waiting = await RawClient.connect(trial.port)
  waiting.write("GET / HTTP/1.1", ...upgrade)
  assert.equal(statusOf(await waiting.read()), 503)
})

test("a client that was refused a WebSocket and never hangs up is hung up on", {
  timeout: patienceMs(),
}, async () => {
  await using a = await replica("a")
  await using trial = await balance([a])
  using client = await RawClient.connect(trial.port)
  client.write("GET / HTTP/1.1", "Host: x", "Connection: Upgrade", "Upgrade: websocket", "", "")
  await client.read()
  // It waits for clients that are still there, for longer than this test may take.
  await trial.balancer.close(2 * patienceMs())
})

test("an upgrade that was sent too early does not overtake the answer in front of it", async () => {
  const asked: string[] = []
  await using a = await replica("a", (request, response) => {
    asked.push(`${request.url} ${request.headers.upgrade}`)
    response.end(request.url)
  })
  await using trial = await balance([a])
  using client = await RawClient.connect(trial.port)
  const upgrade = ["Host: x", "Connection: Upgrade, close", "Upgrade: websocket", "", ""]
  client.write("GET /first HTTP/1.1", "Host: x", "", "GET /second HTTP/1.1", ...upgrade)
  const received = await client.read()
  assert.match(received, /\/first[\s\S]*200 OK[\s\S]*\/second/)
  assert.deepEqual(asked.toSorted(), ["/first undefined", "/second undefined"])
})

test("a client that asks for a tunnel and is gone at once harms nobody else", async () => {
  await using a = await replica("a")
  await using trial = await balance([a])
  for (let i = 0; i < 20; i++) {
    using client = await RawClient.connect(trial.port)
    client.write("CONNECT example.org:443 HTTP/1.1", "Host: example.org:443", "", "")
    client.socket.resetAndDestroy()
  }
  assert.equal((await trial.call()).status, 200)
})
