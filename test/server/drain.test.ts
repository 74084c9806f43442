import assert from "node:assert/strict"
import { subscribe, unsubscribe } from "node:diagnostics_channel"
import { once } from "node:events"
import { Agent, request } from "node:http"
import { connect, type Socket } from "node:net"
import { text } from "node:stream/consumers"
import { test } from "node:test"
import { openResources, serveTrial } from "../support/server.ts"
import { simulatedTimers } from "../support/simulated-timers.ts"

test("a drain answers everything that was admitted, under load, and says goodbye", async () => {
  await using trial = await serveTrial()
  using accepted = acceptedPorts()
  const agent = new Agent({ keepAlive: true })
  const statuses: number[] = []
  const lost: unknown[] = []
  const { promise: underLoad, resolve } = Promise.withResolvers<void>()
  let goodbyes = 0
  let draining = false
  const clients = Array.from({ length: 32 }, async () => {
    for (;;) {
      const sent = spin(trial.server.url, agent)
      try {
        const { status, connection } = await sent.answer
        statuses.push(status)
        if (connection === "close") goodbyes += 1
        if (statuses.length === 100) resolve()
      } catch (error) {
        // Refused once it has stopped listening, or reset in that moment: nobody had accepted it. What
        // comes so late is lost by any server, and one that has to go on accepting it never stops.
        if (draining && !accepted.ports.has(sent.port())) return
        lost.push(error)
        return
      }
    }
  })
  await underLoad
  draining = true
  const drained = trial.server.drain()
  assert.equal((await trial.probe("/readyz")).status, 503)
  assert.equal((await trial.probe("/livez")).status, 200)
  await Promise.all(clients)
  await drained
  agent.destroy()
  assert.deepEqual(lost, [])
  assert.deepEqual(new Set(statuses), new Set([200]))
  assert.ok(goodbyes >= 32, `${goodbyes} goodbyes`)
})

test("connections that nobody has accepted yet when it stops listening are answered", async () => {
  await using trial = await serveTrial()
  const { port } = new URL(trial.server.url)
  // Opened in the system by the time that it drains, and not yet seen by anybody.
  const answers = Array.from({ length: 20 }, async () => {
    const socket = connect(Number(port), "127.0.0.1")
    socket.write("GET /nothing HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
    return await text(socket)
  })
  // Still the same turn of the event loop, but that of the system calls is over.
  await new Promise<void>((resolve) => process.nextTick(resolve))
  const drained = trial.server.drain()
  for (const answer of await Promise.all(answers)) assert.match(answer, /^HTTP\/1\.1 404 /)
  await drained
})

test("it goes on accepting for drainDelayMs, with readiness already gone", async () => {
  await using trial = await serveTrial({ drainDelayMs: 60_000 })
  const drained = trial.server.drain()
  assert.equal((await trial.probe("/readyz")).status, 503)
  const answer = await trial.call("POST", "/echo", 1)
  assert.equal(answer.status, 200)
  assert.equal(answer.headers.connection, "close")
  await trial[Symbol.asyncDispose]()
  await drained
})

test("the delay does not use up the grace", async (t) => {
  const delayMs = 60_000
  await using trial = await serveTrial({ drainDelayMs: delayMs, drainGraceMs: delayMs })
  const channel = new BroadcastChannel("the end of the delay")
  const begun = once(channel, "message")
  const call = trial.call("POST", "/meet", { name: channel.name })
  await begun
  const timers = simulatedTimers(t)
  const drained = trial.server.drain()
  // From the beginning on, the grace would be over by then.
  for (const ms of [delayMs, delayMs - 1]) {
    timers.tick(ms)
    for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate)
  }
  timers.end()
  channel.postMessage("here")
  channel.close()
  assert.equal((await call).status, 200)
  await drained
})

test("a drain that is cut short leaves no timer", async () => {
  const timers = () => openResources().Timeout ?? 0
  const before = timers()
  const trial = await serveTrial({ drainDelayMs: 60_000 })
  const drained = trial.server.drain()
  await trial[Symbol.asyncDispose]()
  await drained
  assert.ok(timers() <= before, `${timers()} timers, ${before} before`)
})

test("what has not finished by the end of the grace is cut off", async () => {
  await using trial = await serveTrial({ drainGraceMs: 100, cancelGraceMs: 0 })
  const call = trial.call("POST", "/endless", {})
  await trial.untilDemand(({ busy }) => busy === 1)
  await Promise.all([trial.server.drain(), assert.rejects(call)])
})

test("an idle connection does not hold a drain up", async () => {
  await using trial = await serveTrial()
  const socket = connect(Number(new URL(trial.server.url).port), "127.0.0.1")
  await once(socket, "connect")
  await Promise.all([trial.server.drain(), once(socket, "close")])
})

/** Those ports of clients whose connections were accepted, by any server of this process. */
function acceptedPorts(): { readonly ports: ReadonlySet<number | undefined> } & Disposable {
  const ports = new Set<number | undefined>()
  const see = (message: unknown): void => {
    ports.add((message as { readonly socket: Socket }).socket.remotePort)
  }
  subscribe("net.server.socket", see)
  return { ports, [Symbol.dispose]: () => void unsubscribe("net.server.socket", see) }
}

/** A call of 5 ms. */
function spin(url: string, agent: Agent) {
  const headers = { "content-type": "application/json" }
  const sent = request(`${url}/spin`, { method: "POST", agent, headers })
  let port = 0
  sent.on("socket", (socket) => {
    // That of a connection that is kept is there at once.
    port = socket.localPort ?? 0
    socket.once("connect", () => (port = socket.localPort ?? 0))
  })
  const answered = async () => {
    const [response] = await once(sent, "response")
    await text(response)
    return { status: response.statusCode, connection: response.headers.connection }
  }
  const answer = answered()
  sent.end(JSON.stringify({ ms: 5 }))
  return { answer, port: () => port }
}
