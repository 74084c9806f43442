/** A client that sends requests without waiting for answers: all are answered, and few are under way. */
import assert from "node:assert/strict"
import { once } from "node:events"
import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from "node:http"
import type { AddressInfo, Socket } from "node:net"
import { type Duplex, PassThrough } from "node:stream"
import { type TestContext, test } from "node:test"
import { Pipelines } from "../../src/core/http/pipelines.ts"
import { Slices } from "../../src/core/http/slices.ts"
import { turnRequestsMax } from "../../src/core/http/turn.ts"
import { eventually } from "../support/cli.ts"
import { RawClient } from "../support/raw-client.ts"

interface Trial extends AsyncDisposable {
  readonly server: Server
  readonly pipelines: Pipelines
  readonly port: number
  /** Those that are under way, oldest first. From the first call to `answerAll` on there are none. */
  readonly begun: (readonly [IncomingMessage, ServerResponse])[]
  /** Answers each with its path: those that are there, the newest first, then whatever comes. */
  answerAll(): void
}

async function serveTrial(
  options: ServerOptions = {},
  begin?: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<Trial> {
  let isOpen = false
  const begun: (readonly [IncomingMessage, ServerResponse])[] = []
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    let bytes = 0
    for await (const chunk of request) bytes += chunk.length
    response.end(`${request.url}${bytes === 0 ? "" : ` ${bytes}`};`)
  }
  const pipelines = new Pipelines((request, response) => {
    if (begin !== undefined) begin(request, response)
    else if (isOpen) answer(request, response).catch(() => {})
    else begun.push([request, response])
  })
  const server = createServer(options, pipelines.arrived)
  server.on("connection", pipelines.connected)
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  return {
    server,
    pipelines,
    port: (server.address() as AddressInfo).port,
    begun,
    answerAll() {
      isOpen = true
      const there = begun.filter(([request]) => !request.destroyed)
      for (const [request, response] of there.reverse()) answer(request, response).catch(() => {})
    },
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close")
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

const get = (n: number): string => `GET /${n} HTTP/1.1\r\nHost: x\r\n\r\n`

/** The paths that were answered, in the order of the answers. */
const pathsIn = (received: string): readonly string[] => received.match(/\/\d+(?= ?\d*;)/g) ?? []

test("of a connection few requests are under way, and it is not read while others wait", async () => {
  await using trial = await serveTrial()
  const accepted = once(trial.server, "connection") as Promise<[Socket]>
  using client = await RawClient.connect(trial.port)
  const [socket] = await accepted
  const count = 5_000
  client.write(Array.from({ length: count }, (_, n) => get(n)).join(""))
  // Each of these takes a turn or more of the server's event loop.
  for (let turn = 0; turn < 10; turn += 1) {
    using other = await RawClient.connect(trial.port)
    other.write("nonsense", "", "")
    await other.read()
  }
  assert.equal(trial.begun.length, 16)
  assert.ok(socket.bytesRead <= 2 * 65_536, `${socket.bytesRead} bytes`)

  trial.answerAll()
  await client.read(`/${count - 1};`)
  assert.deepEqual(
    pathsIn(client.received),
    Array.from({ length: count }, (_, n) => `/${n}`),
  )
})

test("a body that stands behind requests that wait is read when it is its turn", async () => {
  await using trial = await serveTrial()
  using client = await RawClient.connect(trial.port)
  const bodyBytes = 500_000
  client.write(Array.from({ length: 20 }, (_, n) => get(n)).join(""))
  client.write("POST /20 HTTP/1.1", "Host: x", `Content-Length: ${bodyBytes}`, "", "")
  client.socket.write(Buffer.alloc(bodyBytes))
  client.write(get(21))
  while (trial.begun.length < 16) await new Promise(setImmediate)
  trial.answerAll()
  await client.read("/21;")
  assert.equal(pathsIn(client.received).length, 22)
  assert.match(client.received, /\/20 500000;/)
})

const lateMs = 1_000

/** A connection of which node:http says that the rest of a request is late, while others before it wait. */
async function lateTrial({ mock }: TestContext, rest: "request" | "headers", partial: string) {
  mock.timers.enable({ apis: ["setInterval"] })
  const limits = { headersTimeout: 300, requestTimeout: 300, connectionsCheckingInterval: 5 }
  const trial = await serveTrial(limits)
  const client = await RawClient.connect(trial.port)
  client.write(Array.from({ length: 17 }, (_, n) => get(n)).join("") + partial)
  const [error, socket] = await once(trial.server, "clientError")
  assert.equal(error.code, "ERR_HTTP_REQUEST_TIMEOUT")
  const say = mock.fn()
  trial.pipelines.late(socket, rest, lateMs, say)
  const timesSaid = (): number => {
    mock.timers.tick(3 * lateMs)
    return say.mock.callCount()
  }
  assert.equal(timesSaid(), 0, "It is not read.")
  return {
    trial,
    client,
    timesSaid,
    async [Symbol.asyncDispose]() {
      client[Symbol.dispose]()
      await trial[Symbol.asyncDispose]()
      mock.timers.reset()
    },
  }
}

test("a request that is not read to its end, as others wait, is not late by its client's fault", async (t) => {
  await using late = await lateTrial(t, "request", "GET /17 HTTP/1.1\r\nHo")
  const { client, trial, timesSaid } = late
  client.write("st: x\r\n\r\n")
  trial.answerAll()
  await client.read("/17;")
  assert.equal(timesSaid(), 0)
})

const announced = "POST /17 HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n"

test("it is late when it is read again and the rest still does not come", async (t) => {
  for (const partial of ["GET /17 HTTP/1.1\r\nHo", announced]) {
    await using late = await lateTrial(t, "request", partial)
    late.trial.answerAll()
    while (late.timesSaid() === 0) await new Promise(setImmediate)
    assert.equal(late.timesSaid(), 1)
  }
})

test("where only headers are late, a body may take its time", async (t) => {
  await using late = await lateTrial(t, "headers", announced.slice(0, 25))
  const { client, trial, timesSaid } = late
  client.write(announced.slice(25))
  const arrived = once(trial.server, "request")
  trial.answerAll()
  await arrived
  assert.equal(timesSaid(), 0)
})

/** How much one turn of the event loop does, at the most. */
class Turns implements Disposable {
  inThis = 0
  most = 0
  #next = setImmediate(() => this.#ends())

  #ends(): void {
    this.most = Math.max(this.most, this.inThis)
    this.inThis = 0
    this.#next = setImmediate(() => this.#ends())
  }

  [Symbol.dispose](): void {
    clearImmediate(this.#next)
  }
}

/** A server that answers at once, and the most requests that one turn of its event loop has begun. */
async function serveAtOnce(
  answer = (request: IncomingMessage, response: ServerResponse): unknown =>
    response.end(`${request.url};`),
) {
  const turns = new Turns()
  const trial = await serveTrial({}, (request, response) => {
    turns.inThis += 1
    answer(request, response)
  })
  return {
    ...trial,
    most: () => turns.most,
    async [Symbol.asyncDispose]() {
      turns[Symbol.dispose]()
      await trial[Symbol.asyncDispose]()
    },
  }
}

test("a turn begins few of those that were sent ahead, though they are answered at once", async () => {
  await using trial = await serveAtOnce()
  const count = 1_000
  const clients = await Promise.all(Array.from({ length: 5 }, () => RawClient.connect(trial.port)))
  try {
    const requests = Array.from({ length: count }, (_, n) => get(n))
    for (const client of clients) client.write(requests.join(""))
    for (const client of clients) {
      await client.read(`/${count - 1};`)
      assert.deepEqual(
        pathsIn(client.received),
        Array.from({ length: count }, (_, n) => `/${n}`),
      )
    }
    // The first of each connection is alone there.
    assert.ok(trial.most() <= turnRequestsMax + clients.length, `${trial.most()}`)
  } finally {
    for (const client of clients) client[Symbol.dispose]()
  }
})

test("that more was sent behind a request is known though it was not read", async () => {
  const more: boolean[] = []
  await using trial = await serveTrial({}, (request, response) => {
    more.push(trial.pipelines.hasMoreBehind(request))
    response.end(`${request.url};`)
  })
  using client = await RawClient.connect(trial.port)
  client.write(get(0).replace("Host: x", `Host: ${"x".repeat(600)}`) + get(1))
  await client.read("/1;")
  assert.deepEqual(more, [true, false])
})

test("a request that is alone is answered while many are before it that were sent ahead", async () => {
  await using trial = await serveAtOnce()
  using flooding = await RawClient.connect(trial.port)
  using other = await RawClient.connect(trial.port)
  const count = 2_000
  flooding.write(Array.from({ length: count }, (_, n) => get(n)).join(""))
  await flooding.read("/0;")
  other.write(get(0))
  await other.read("/0;")
  assert.ok(pathsIn(flooding.received).length < count / 2)
  await flooding.read(`/${count - 1};`)
})

test("of several connections that send ahead each has its turns", async () => {
  await using trial = await serveAtOnce()
  const count = 1_000
  const requests = Array.from({ length: count }, (_, n) => get(n)).join("")
  using first = await RawClient.connect(trial.port)
  using second = await RawClient.connect(trial.port)
  first.write(requests)
  second.write(requests)
  await second.read("/100;")
  assert.ok(pathsIn(first.received).length < count / 2, "The first is not done before the second.")
  for (const client of [first, second]) await client.read(`/${count - 1};`)
})

/** As a computation would. */
function takeMs(ms: number): void {
  const untilMs = performance.now() + ms
  while (performance.now() < untilMs);
}

/** That many clients, all of which the server has: it accepts one in a turn. */
async function accepted(
  { server, port }: Trial,
  count: number,
  address?: string,
): Promise<readonly RawClient[]> {
  let left = count
  server.on("connection", ({ remoteAddress }) => {
    if (remoteAddress === (address ?? remoteAddress)) left -= 1
  })
  const clients = await Promise.all(
    Array.from({ length: count }, () => RawClient.connect(port, address)),
  )
  await eventually(() => left === 0 || undefined, "all to be accepted")
  return clients
}

test("where requests take long, another peer's is not behind all of them", async () => {
  let begun = 0
  let before = 0
  await using trial = await serveAtOnce((request, response) => {
    if (request.url === "/1") before = begun
    begun += 1
    takeMs(5)
    response.end(`${request.url};`)
  })
  using light = await RawClient.connect(trial.port)
  const many = await accepted(trial, 30, "127.0.0.2")
  try {
    for (const client of many) client.write(get(0))
    light.write(get(1))
    await light.read("/1;")
    for (const client of many) await client.read("/0;")
    assert.equal(begun, many.length + 1)
    assert.ok(before < many.length / 2, `${before} of ${many.length} before it`)
  } finally {
    for (const client of many) client[Symbol.dispose]()
  }
})

test("what a request does right after it has begun counts as its time, too", async () => {
  // As an operation on the main thread does, whose input is read before.
  await using trial = await serveAtOnce(async (request, response) => {
    await Promise.resolve()
    await new Promise<void>((resolve) => process.nextTick(resolve))
    takeMs(5)
    response.end(`${request.url};`)
  })
  const clients = await accepted(trial, 30)
  try {
    for (const client of clients) client.write(get(0))
    for (const client of clients) await client.read("/0;")
    assert.ok(trial.most() <= 2, `${trial.most()} in a turn`)
  } finally {
    for (const client of clients) client[Symbol.dispose]()
  }
})

test("behind an answer that is not taken no other request begins", async () => {
  let begun = 0
  let taken = 0
  let mostUntaken = 0
  const answer = "x".repeat(2 ** 20)
  await using trial = await serveAtOnce(async (request, response) => {
    begun += 1
    response.once("finish", () => {
      taken += 1
    })
    mostUntaken = Math.max(mostUntaken, begun - taken)
    // As an operation on the main thread does.
    await Promise.resolve()
    response.end(`${answer}${request.url};`)
  })
  const accepted = once(trial.server, "connection") as Promise<[Socket]>
  using client = await RawClient.connect(trial.port)
  const [socket] = await accepted
  client.socket.pause()
  const count = 100
  client.write(Array.from({ length: count }, (_, n) => get(n)).join(""))
  // Some the system takes, as many as it likes: then nothing moves.
  await eventually(async () => {
    const before = begun
    for (let turn = 0; turn < 100; turn += 1) await new Promise(setImmediate)
    return (begun > 0 && begun === before && socket.writableLength > 0) || undefined
  }, "an answer to lie there")
  assert.ok(mostUntaken <= 2, `${mostUntaken} answers lie there`)
  // Not by RawClient, which looks through all of it for each piece.
  let bytes = 0
  client.socket.removeAllListeners("data").on("data", ({ length }: Buffer) => {
    bytes += length
  })
  client.socket.resume()
  await eventually(() => bytes > count * answer.length || undefined, "all answers")
  assert.equal(begun, count)
})

test("of what takes long to read a turn reads a few milliseconds, whoever sends it", async () => {
  const bytesPerMs = 300
  const bytes = 60_000
  let all = 0
  using turns = new Turns()
  // As node:http reads a body in pieces of a byte: it calls back for each.
  const read = ({ length }: Buffer): void => {
    all += length
    turns.inThis += length
    takeMs(length / bytesPerMs)
  }
  const sockets = Array.from({ length: 4 }, () => new PassThrough().on("data", read))
  for (const socket of sockets) new Slices(socket as Duplex as Socket)
  for (const socket of sockets) socket.write(Buffer.alloc(bytes, "a"))
  await eventually(() => all === sockets.length * bytes || undefined, "all to be read")
  await new Promise(setImmediate)
  // 4 ms of it, and what had begun by then.
  assert.ok(turns.most <= 2 * 4096, `${turns.most} bytes in a turn`)
})

test("of many that send ahead few requests are made, and nobody is cut off", async () => {
  await using trial = await serveTrial()
  let arrived = 0
  trial.server.on("request", () => {
    arrived += 1
  })
  const floods = await Promise.all(Array.from({ length: 10 }, () => RawClient.connect(trial.port)))
  try {
    for (const flood of floods) flood.write(get(0).repeat(500) + get(1))
    const most = 16 * floods.length
    while (trial.begun.length < most) await new Promise(setImmediate)
    assert.ok(arrived < 2 * most + 20 * floods.length, `${arrived} requests`)
    trial.answerAll()
    for (const flood of floods) {
      assert.equal(pathsIn(await flood.read("/1;")).length, 501)
    }
  } finally {
    for (const client of floods) client[Symbol.dispose]()
  }
})

test("requests of any form that come at once are answered, each in its turn", async () => {
  await using trial = await serveAtOnce((request, response) => {
    let bytes = 0
    request.on("data", ({ length }) => {
      bytes += length
    })
    request.on("end", () => response.end(`${request.url} ${bytes};`))
  })
  using client = await RawClient.connect(trial.port)
  const sent: [path: string, bytes: number][] = []
  let all = ""
  for (const bytes of [0, 3, 511, 512, 513, 4_000, 70_000]) {
    // As if requests were in them, and as if nothing else was.
    for (const filling of ["x", "\r\n\r\n", get(0)]) {
      const body = filling.repeat(bytes).slice(0, bytes)
      const path = `/${sent.length}`
      sent.push([path, bytes], [`/${sent.length + 1}`, bytes])
      all += `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: ${bytes}\r\n\r\n${body}`
      const chunk = bytes === 0 ? "" : `${bytes.toString(16)}\r\n${body}\r\n`
      all += `POST /${sent.length - 1} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n${chunk}0\r\n\r\n`
    }
  }
  client.write(all)
  const received = await client.read(`/${sent.length - 1} 70000;`)
  const answered = Array.from(received.matchAll(/(\/\d+) (\d+);/g), ([, path, bytes]) => [
    path,
    Number(bytes),
  ])
  assert.deepEqual(answered, sent)
})
