import assert from "node:assert/strict"
import { once } from "node:events"
import { connect } from "node:net"
import { text } from "node:stream/consumers"
import { test } from "node:test"
import { setTimeout } from "node:timers/promises"
import { openResources, serveTrial } from "../support/server.ts"

test("a drain answers everything that was admitted, under load, and says goodbye", async () => {
  await using trial = await serveTrial()
  const statuses: number[] = []
  const lost: unknown[] = []
  let goodbyes = 0
  let draining = false
  const clients = Array.from({ length: 32 }, async () => {
    for (;;) {
      try {
        const { status, headers } = await trial.call("POST", "/spin", { ms: 5 })
        statuses.push(status)
        if (headers.connection === "close") goodbyes += 1
      } catch (error) {
        // A new connection is refused once it has stopped listening: that request was never sent.
        if (draining && isRefused(error)) return
        lost.push(error)
        return
      }
    }
  })
  while (statuses.length < 100)
    await once(process, "nothing", { signal: AbortSignal.timeout(20) }).catch(() => {})
  draining = true
  const drained = trial.server.drain()
  assert.equal((await trial.probe("/readyz")).status, 503)
  assert.equal((await trial.probe("/livez")).status, 200)
  await Promise.all(clients)
  await drained
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
  await using trial = await serveTrial({ drainDelayMs: 1000 })
  const drained = trial.server.drain()
  assert.equal((await trial.probe("/readyz")).status, 503)
  const answer = await trial.call("POST", "/echo", 1)
  assert.equal(answer.status, 200)
  assert.equal(answer.headers.connection, "close")
  await drained
})

test("the delay does not use up the grace", async () => {
  await using trial = await serveTrial({ drainDelayMs: 600, drainGraceMs: 500 })
  const drained = trial.server.drain()
  await setTimeout(400)
  assert.equal((await trial.call("POST", "/spin", { ms: 400 })).status, 200)
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

/** By the system, or reset in the moment in which it stopped listening: no connection came about. */
function isRefused(error: unknown): boolean {
  const { syscall, cause } = error as { readonly syscall?: string; readonly cause?: unknown }
  return syscall === "connect" || (cause !== undefined && isRefused(cause))
}
