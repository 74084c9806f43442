/**
 * Thousands of requests of every kind, of which many are abandoned on the way. Afterwards nothing
 * may be left of them: no slot, no queued task, no bytes, no connection, no listener, no timer.
 */
import assert from "node:assert/strict"
import { once } from "node:events"
import { connect } from "node:net"
import { after, test } from "node:test"
import { openResources, type ServedTrial, serveTrial } from "../support/server.ts"

// Opened when first looked at, by whoever it may be.
for (const stream of [process.stdin, process.stdout, process.stderr]) assert.ok(stream)
const before = openResources()
const warnings: Error[] = []
const onWarning = (warning: Error) => warnings.push(warning)
process.on("warning", onWarning)
after(() => process.off("warning", onWarning))

const kinds: readonly ((trial: ServedTrial, signal: AbortSignal) => Promise<{ status: number }>)[] =
  [
    (trial, signal) => trial.call("POST", "/echo", { some: "thing" }, { signal }),
    (trial, signal) => trial.call("POST", "/spin", { ms: 1 }, { signal }),
    (trial, signal) => trial.call("POST", "/sleep", { ms: 3 }, { signal }),
    (trial, signal) => trial.call("POST", "/count", { to: 100 }, { signal }),
    (trial, signal) => trial.call("GET", "/noise", undefined, { signal }),
    (trial, signal) => trial.call("POST", "/teapot", {}, { signal }),
    (trial, signal) => trial.call("POST", "/bug", {}, { signal }),
    (trial, signal) => trial.call("POST", "/nowhere", {}, { signal }),
    (trial, signal) => trial.call("POST", "/echo", undefined, { signal }),
    (trial, signal) => trial.call("POST", "/measure", { bytes: "x".repeat(100_000) }, { signal }),
  ]

test("10,000 mixed requests with random disconnects leave nothing behind", async () => {
  {
    await using trial = await serveTrial({ cancelGraceMs: 1000 })
    await trial.untilIdle(2)
    let left = 10_000
    let answered = 0
    let abandoned = 0
    const client = async (seed: number) => {
      let state = seed
      const random = () => {
        state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
        return state / 2 ** 32
      }
      while (left-- > 0) {
        const controller = new AbortController()
        const kind = kinds[Math.floor(random() * kinds.length)]!
        const timer =
          random() < 0.4 ? setTimeout(() => controller.abort(), random() * 5) : undefined
        try {
          await kind(trial, controller.signal)
          answered += 1
        } catch (error) {
          assert.ok(controller.signal.aborted, `not abandoned, and yet: ${error}`)
          abandoned += 1
        }
        clearTimeout(timer)
      }
    }
    await Promise.all(Array.from({ length: 32 }, (_, n) => client(n + 1)))
    assert.ok(answered > 5000 && abandoned > 500, `${answered} answered, ${abandoned} abandoned`)

    const demand = await trial.untilDemand(({ busy, queued }) => busy === 0 && queued === 0)
    assert.equal(demand.busy, 0)
    const { text } = await trial.probe("/metrics")
    assert.match(text, /^capstan_body_bytes_held 0$/m)
    assert.match(text, /^capstan_worker_deaths_total 0$/m)
    assert.equal((await trial.call("POST", "/echo", "still here")).json, "still here")
  }
  await untilClosed()
  assert.deepEqual(warnings, [], "no listener piled up")
})

test("1,000 connections abandoned in the middle of a request leave nothing behind", async () => {
  {
    await using trial = await serveTrial()
    const port = Number(new URL(trial.server.url).port)
    const stops = [
      "",
      "POST /ec",
      "POST /echo HTTP/1.1\r\nhost: a\r\n",
      "POST /echo HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n",
      'POST /echo HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{"half',
      'POST /spin HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 10\r\n\r\n{"ms":   1}',
    ]
    for (let batch = 0; batch < 10; batch++) {
      await Promise.all(
        Array.from({ length: 100 }, async (_, n) => {
          const socket = connect(port, "127.0.0.1")
          await once(socket, "connect")
          socket.write(stops[n % stops.length] || "\r\n")
          socket.destroy()
          await once(socket, "close")
        }),
      )
    }
    await trial.untilDemand(({ busy, queued }) => busy === 0 && queued === 0)
    while (!/^capstan_body_bytes_held 0$/m.test((await trial.probe("/metrics")).text));
    assert.equal((await trial.call("POST", "/echo", "still here")).json, "still here")
  }
  await untilClosed()
})

/** Until this process holds open no more than it did at first. */
async function untilClosed(): Promise<void> {
  const deadlineMs = performance.now() + 10_000
  for (;;) {
    await new Promise(setImmediate)
    const now = openResources()
    const more = Object.keys(now).filter((kind) => (now[kind] ?? 0) > (before[kind] ?? 0))
    if (more.length === 0) return
    if (performance.now() > deadlineMs) assert.fail(`left open: ${JSON.stringify(now)}`)
  }
}
