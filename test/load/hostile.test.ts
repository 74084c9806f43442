/** Targets that do everything wrong: each is a failure by its name, and none holds the run up. */
import assert from "node:assert/strict"
import { once } from "node:events"
import { readFileSync } from "node:fs"
import { createServer as createTlsServer } from "node:https"
import { type AddressInfo, createServer, type Server, type Socket } from "node:net"
import { describe, test } from "node:test"
import { scenario } from "capstan/load"
import { enough, patientLoad } from "../support/load-run.ts"
import { loadTarget } from "../support/load-target.ts"

const home = scenario({ tasks: { home: ({ get }) => get("/") } })

/** A server that does with a connection what it likes. */
async function rawTarget(
  connected: (socket: Socket) => void,
): Promise<{ readonly url: string; readonly server: Server } & AsyncDisposable> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on("error", () => {})
    connected(socket)
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    server,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, "close")
    },
  }
}

/** The failures of a short load, by kind and words. */
async function failuresAt(target: string, more: object = {}): Promise<readonly string[]> {
  const result = await patientLoad({
    target,
    scenario: home,
    rate: 60,
    runTimeMs: 100,
    ...more,
  })
  assert.equal(result.total.requests, 6)
  assert.deepEqual(result.exceptions, [])
  return result.failures.map(({ kind, error, occurrences }) => `${kind} ${occurrences}: ${error}`)
}

const hung = ["timeout 6: no answer within 100 ms"]
const answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"

describe("hostile targets", { concurrency: 4 }, () => {
  test("one that hangs", async () => {
    await using target = await rawTarget((socket) => socket.resume())
    assert.deepEqual(await failuresAt(target.url, { timeoutMs: 100 }), hung)
  })

  test("one that resets", async () => {
    await using target = await rawTarget((socket) =>
      socket.on("data", () => socket.resetAndDestroy()),
    )
    assert.deepEqual(await failuresAt(target.url), [
      "reset 6: connection closed before the answer was complete",
    ])
  })

  test("one that answers byte by byte, and never to the end", async () => {
    await using target = await rawTarget((socket) => {
      socket.write("HTTP/1.1 200 OK\r\nx-on-and-on: ")
      const timer = setInterval(() => socket.write("n"), 20)
      socket.on("close", () => clearInterval(timer)).resume()
    })
    assert.deepEqual(await failuresAt(target.url, { timeoutMs: 100 }), hung)
  })

  test("one that answers byte by byte is slow, and no failure", async () => {
    await using target = await rawTarget((socket) => {
      socket.on("data", () => {
        let sent = 0
        const timer = setInterval(() => {
          socket.write(answer[sent++]!)
          if (sent === answer.length) clearInterval(timer)
        }, 1)
      })
    })
    const { total, phases } = await patientLoad({
      target: target.url,
      scenario: home,
      rate: 5,
      runTimeMs: 200,
    })
    assert.deepEqual([total.requests, total.failures, total.meanBytes], [1, 0, 2])
    assert.ok(phases.body.minMs > 10, `${phases.body.minMs}`)
    assert.ok(phases.firstByte.maxMs < total.latency.minMs)
  })

  for (const [what, said] of [
    ["what is not HTTP at all", "220 mail.example.com ESMTP\r\n"],
    ["a length that is none", "HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\nok"],
    ["two lengths", "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nok"],
    ["a chunk of no size", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n"],
    ["headers without end", `HTTP/1.1 200 OK\r\n${"x: y\r\n".repeat(20_000)}\r\n`],
    ["a nul in a header", "HTTP/1.1 200 OK\r\nx: a\0b\r\ncontent-length: 0\r\n\r\n"],
  ] as const) {
    test(`one that sends ${what}`, async () => {
      await using target = await rawTarget((socket) => socket.on("data", () => socket.end(said)))
      const [only, ...more] = await failuresAt(target.url)
      assert.match(only ?? "", /^malformed 6: what came back is not HTTP/)
      assert.deepEqual(more, [])
    })
  }

  test("one that closes in the middle of an answer", async () => {
    const part = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nonly this"
    await using target = await rawTarget((socket) => socket.on("data", () => socket.end(part)))
    const [only, ...more] = await failuresAt(target.url)
    assert.match(only ?? "", /^(reset|malformed) 6: /)
    assert.deepEqual(more, [])
  })

  test("one that redirects in a loop, and one that redirects on and on", async () => {
    await using loop = await loadTarget((request, response) => {
      response.writeHead(302, { location: request.url === "/" ? "/b" : "/" }).end()
    })
    assert.deepEqual(await failuresAt(loop.url), ["redirect 6: redirects in a loop, 10 followed"])
    let n = 0
    await using far = await loadTarget((_, response) => {
      response.writeHead(302, { location: `/${n++}` }).end()
    })
    assert.deepEqual(await failuresAt(far.url), ["redirect 6: more than 10 redirects"])
  })

  test("one that closes kept connections at once", async () => {
    const { signal, count } = enough(50)
    await using target = await rawTarget((socket) => {
      socket.on("data", () => {
        socket.end(answer)
        count()
      })
    })
    const config = { target: target.url, scenario: home, users: 5, spawnRate: 1000 }
    const result = await patientLoad(config, { signal })
    assert.equal(result.total.failures, 0, JSON.stringify(result.failures))
    assert.ok(result.total.requests > 10, `${result.total.requests}`)
    assert.ok(result.connections.opened >= result.total.requests)
  })

  test("one that closes a kept connection when the next request comes: it is sent again", async () => {
    const [gets, posts] = [enough(40), enough(40)]
    let { count } = gets
    await using target = await rawTarget((socket) => {
      let isSecond = false
      socket.on("data", () => {
        if (isSecond) socket.resetAndDestroy()
        else socket.write(answer)
        isSecond = true
        count()
      })
    })
    const alone = { target: target.url, users: 1 }
    const result = await patientLoad({ ...alone, scenario: home }, gets)
    assert.equal(result.total.failures, 0)
    assert.ok(result.connections.resent > 5, `${result.connections.resent}`)
    count = posts.count
    const posting = scenario({ tasks: { post: ({ post }) => post("/") } })
    const { failures } = await patientLoad({ ...alone, scenario: posting }, posts)
    assert.deepEqual(
      failures.map(({ kind }) => kind),
      ["reset"],
      "what may not be sent twice is not",
    )
  })

  test("one that speaks TLS, with a certificate that nobody trusts", async () => {
    const pem = (name: string): Buffer =>
      readFileSync(new URL(`../fixtures/load/${name}`, import.meta.url))
    const server = createTlsServer({ key: pem("key.pem"), cert: pem("cert.pem") }, (_, response) =>
      response.end("ok"),
    )
    await using stack = new AsyncDisposableStack()
    stack.defer(() => server.closeAllConnections())
    server.listen(0, "127.0.0.1")
    stack.use(server)
    await once(server, "listening")
    const { port } = server.address() as AddressInfo
    const target = `https://127.0.0.1:${port}`
    const [only, ...more] = await failuresAt(target)
    assert.match(only ?? "", /^tls 6: .*self-signed certificate/)
    assert.deepEqual(more, [])
    const config = { target, scenario: home, rate: 60, runTimeMs: 100, insecure: true }
    const result = await patientLoad(config)
    assert.deepEqual([result.total.requests, result.total.failures], [6, 0])
    assert.equal(result.phases.tls.count, result.connections.opened)
    assert.ok(result.phases.tls.minMs > 0)
    const [plain] = await failuresAt(`http://127.0.0.1:${port}`)
    assert.match(plain ?? "", /^(reset|malformed|status) 6: /)
  })

  test("one that dies in mid-run and comes back", async () => {
    const users = 10
    const [before, gone, after] = [enough(50), enough(5 * users), enough(50)]
    const first = await loadTarget((_, response) => {
      response.end("ok")
      before.count()
    })
    const { port } = new URL(first.url)
    await using second = await rawTarget((socket) =>
      socket.on("data", () => {
        socket.write(answer)
        after.count()
      }),
    )
    second.server.close()
    let goneMs = 0
    before.signal.addEventListener("abort", () => {
      goneMs = -performance.now()
      void first[Symbol.asyncDispose]()
    })
    gone.signal.addEventListener("abort", () => {
      goneMs += performance.now()
      second.server.listen(Number(port), "127.0.0.1")
    })
    const persistent = scenario({
      tasks: {
        async home({ get }) {
          const { ok } = await get("/")
          if (!ok) gone.count()
        },
      },
    })
    // It ends when the one that came back has answered often enough.
    const config = { target: first.url, scenario: persistent, users, spawnRate: 1000 }
    const { total, failures, history } = await patientLoad(config, after)
    const kinds = failures.map(({ kind }) => kind)
    assert.ok(kinds.includes("refused"), kinds.join())
    assert.ok(kinds.every((kind) => kind === "refused" || kind === "reset"))
    // Ten users who ask again ten times a second, and not ten thousand times: each may have met the
    // end of its connection and then a port that is closed, and waits before it asks a third time.
    assert.ok(total.failures >= 5 * users, `${total.failures}`)
    assert.ok(goneMs > 250, `gone for ${goneMs} ms`)
    assert.ok(history.some(({ failuresPerS }) => failuresPerS > 0))
  })

  test("a host that nobody knows", async () => {
    const [only, ...more] = await failuresAt("http://no-such-host.invalid")
    assert.match(only ?? "", /^dns 6: the host's name is not known/)
    assert.deepEqual(more, [])
  })
})

test("a thousand users on one core all get their answers", async () => {
  const users = 1000
  await using target = await loadTarget()
  const patient = scenario({
    wait: { constantMs: 1000 },
    tasks: { home: ({ get }) => get("/") },
  })
  const stop = new AbortController()
  const result = await patientLoad(
    { target: target.url, scenario: patient, users, spawnRate: 2000, workers: 1 },
    { signal: stop.signal, onSecond: ({ point }) => point.users === users && stop.abort() },
  )
  assert.equal(result.ended, "stopped", "all of them were told of")
  assert.equal(result.total.failures, 0, JSON.stringify(result.failures))
  assert.ok(result.total.requests >= users, `${result.total.requests}`)
})
