import assert from "node:assert/strict"
import { once } from "node:events"
import type { AddressInfo } from "node:net"
import { test } from "node:test"
import { pino } from "pino"
import { serveManagement } from "../../src/cli/up/management.ts"
import { createManagement, type ManagementDeps } from "../../src/service/http/management.ts"
import type { ResolvedSettings } from "../../src/service/settings.ts"
import { eventually } from "../support/cli.ts"
import { RawClient } from "../support/raw-client.ts"

async function manage(more: Partial<ManagementDeps> = {}) {
  const server = createManagement({
    health: {
      livez: () => ({ ok: true, reason: "" }),
      readyz: () => ({ ok: true, reason: "Ready." }),
    },
    metrics: async () => ({ contentType: "text/plain; version=0.0.4", text: "capstan_x 1\n" }),
    demand: () => ({ cores: 1.5 }),
    log: pino({ level: "silent" }),
    connectionsMax: 200,
    ...more,
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  const { port } = server.address() as AddressInfo
  return {
    port,
    ask: (path: string, method = "GET") => fetch(`http://127.0.0.1:${port}${path}`, { method }),
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
      await once(server, "close")
    },
  }
}

test("probes, metrics and demand are answered", async () => {
  await using management = await manage()
  for (const [path, type, text] of [
    ["/livez", "text/plain; charset=utf-8", /alive/],
    ["/readyz?verbose", "text/plain; charset=utf-8", /ready/],
    ["/metrics", "text/plain; version=0.0.4", /^capstan_x 1\n$/],
    ["/demand", "application/json", /^\{"cores":1.5\}$/],
  ] as const) {
    const response = await management.ask(path)
    assert.equal(response.status, 200)
    assert.equal(response.headers.get("content-type"), type)
    assert.match(await response.text(), text)
    assert.equal((await management.ask(path, "HEAD")).status, 200)
  }
})

test("a request of HTTP/1.0 with chunks is refused, and nothing behind it is answered", async () => {
  await using management = await manage()
  const settings = { managementHost: "127.0.0.1", managementPort: 0 } as ResolvedSettings
  await using ofUp = await serveManagement(settings, () => undefined, 10)
  for (const port of [management.port, Number(new URL(ofUp.url).port)]) {
    using client = await RawClient.connect(port)
    client.write(
      ...["GET /livez HTTP/1.0", "connection: keep-alive", "transfer-encoding: chunked", ""],
      ...["0", "", "GET /demand HTTP/1.1", "host: x", "", ""],
    )
    const received = await client.read()
    assert.match(received, /^HTTP\/1\.1 400 /)
    assert.match(received, /connection: close/i)
    assert.doesNotMatch(received, /cores/)
  }
})

test("not ready says why, and stays alive", async () => {
  await using management = await manage({
    health: {
      livez: () => ({ ok: true, reason: "" }),
      readyz: () => ({ ok: false, reason: "The server is draining." }),
    },
  })
  const response = await management.ask("/readyz")
  assert.equal(response.status, 503)
  assert.equal(response.headers.get("content-type"), "application/problem+json")
  assert.match(await response.text(), /"detail":"The server is draining\."/)
  assert.equal((await management.ask("/livez")).status, 200)
})

test("everything else is a problem", async () => {
  await using management = await manage({
    metrics: async () => {
      throw new Error("secret")
    },
  })
  assert.equal((await management.ask("/")).status, 404)
  assert.equal((await management.ask("/toString")).status, 404)
  const post = await management.ask("/livez", "POST")
  assert.deepEqual([post.status, post.headers.get("allow")], [405, "GET, HEAD"])
  const failed = await management.ask("/metrics")
  assert.equal(failed.status, 500)
  assert.doesNotMatch(await failed.text(), /secret/)
})

test("those who ask for metrics at once share what is rendered, and later ones get it anew", async () => {
  const gate = Promise.withResolvers<void>()
  let rendered = 0
  await using management = await manage({
    metrics: async () => {
      rendered += 1
      const text = `${rendered}`
      await gate.promise
      return { contentType: "text/plain", text }
    },
  })
  const ask = async () => await (await management.ask("/metrics")).text()
  const asked = Array.from({ length: 50 }, ask)
  // Each of these takes a turn or more, so that the others have been read by then.
  for (let turn = 0; turn < 10; turn += 1) await management.ask("/livez")
  gate.resolve()
  assert.deepEqual(new Set(await Promise.all(asked)), new Set(["1"]))
  await eventually(async () => (await ask()) === "2" || undefined, "metrics that are new")
})

test("a probe goes before those who scrape, of whom a turn answers few", async () => {
  let scraped = 0
  let scrapedBefore = 0
  await using management = await manage({
    demand: () => ({ at: scraped++ }),
    health: {
      livez: () => {
        scrapedBefore = scraped
        return { ok: true, reason: "" }
      },
      readyz: () => ({ ok: true, reason: "" }),
    },
  })
  const opened = Array.from({ length: 100 }, () => RawClient.connect(management.port))
  const clients = await Promise.all(opened)
  const [prober] = clients.slice(-1)
  try {
    // Then all connections are accepted, and what comes next comes in one turn.
    for (const client of clients) client.write("GET /livez HTTP/1.1", "host: x", "", "")
    for (const client of clients) await client.read("alive")
    for (const client of clients) {
      const path = client === prober ? "/livez" : "/demand"
      client.write(`GET ${path} HTTP/1.1`, "host: x", "connection: close", "", "")
    }
    for (const client of clients) await client.read()
    assert.equal(scraped, clients.length - 1)
    assert.ok(scrapedBefore < scraped / 2, `${scrapedBefore} of ${scraped}`)
  } finally {
    for (const client of clients) client[Symbol.dispose]()
  }
})

test("however many connections are open and idle, one more is let in", async () => {
  await using management = await manage({ connectionsMax: 3 })
  const idle = await Promise.all(
    Array.from({ length: 3 }, () => RawClient.connect(management.port)),
  )
  try {
    assert.equal((await management.ask("/livez")).status, 200)
    await Promise.race(idle.map((client) => client.read()))
    assert.equal(idle.filter(({ ended }) => ended).length, 1)
  } finally {
    for (const client of idle) client[Symbol.dispose]()
  }
})

test("figures that nobody takes make room for who does", async () => {
  const text = "x".repeat(20_000_000)
  await using management = await manage({
    metrics: async () => ({ contentType: "text/plain", text }),
  })
  using silent = await RawClient.connect(management.port)
  silent.write("GET /metrics HTTP/1.1", "host: x", "", "")
  await silent.read("x")
  silent.socket.pause()
  const response = await management.ask("/metrics")
  assert.equal((await response.bytes()).length, text.length)
  silent.socket.resume()
  assert.ok((await silent.read()).length < text.length)
})
