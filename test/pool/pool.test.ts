import assert from "node:assert/strict"
import { getPriority } from "node:os"
import { test } from "node:test"
import { setTimeout } from "node:timers/promises"
import { answerOf, Latch, tryPool } from "../support/pool.ts"

const noPriority = process.platform === "linux" ? false : "threads have a priority on Linux only"

test("runs a task on a worker thread", async () => {
  await using trial = await tryPool()
  assert.deepEqual(answerOf(await trial.run("echo", { hello: [1, 2] })), { hello: [1, 2] })
  assert.notEqual(answerOf(await trial.run("thread")), 0)
})

test("runs one task a worker: two at once on two idle workers never share, 40 times", async () => {
  await using trial = await tryPool({ size: 2, spares: 1 })
  await trial.warm()
  for (let round = 0; round < 40; round++) {
    const both = await Promise.all([trial.run("spin", { ms: 2 }), trial.run("spin", { ms: 2 })])
    assert.notEqual(answerOf(both[0]), answerOf(both[1]))
  }
})

test("boots its spares with the first call, and nothing before there is one to take over", async () => {
  await using trial = await tryPool({ size: 2, spares: 1 })
  await trial.until(() => trial.pool.counts().idle === 2)
  assert.deepEqual(trial.pool.counts(), { booting: 0, idle: 2, busy: 0, retired: 0, stuck: 0 })
  const first = trial.run("echo")
  assert.deepEqual(trial.pool.counts(), { booting: 1, idle: 1, busy: 1, retired: 0, stuck: 0 })
  await first
  await trial.until(() => trial.pool.counts().idle === 3)
})

test("queues when all workers are busy, though a spare is idle, and serves the oldest first", async () => {
  await using trial = await tryPool({ size: 1, spares: 1 })
  await trial.warm()
  const order: number[] = []
  const calls = [1, 2, 3].map((n) =>
    trial.run("spin", { ms: 5 }).then(() => {
      order.push(n)
    }),
  )
  assert.deepEqual(trial.pool.counts(), { booting: 0, idle: 1, busy: 1, retired: 0, stuck: 0 })
  assert.equal(trial.pool.queued, 2)
  await Promise.all(calls)
  assert.deepEqual(order, [1, 2, 3])
})

test("those whose promise won't hold go last, the newest of them first", async () => {
  let sinceMs = Number.NEGATIVE_INFINITY
  await using trial = await tryPool({ promisesHoldSinceMs: () => sinceMs })
  const order: number[] = []
  const run = (arrivedAtMs: number, name: string, body?: unknown) =>
    trial.run(name, body, { arrivedAtMs }).then(() => order.push(arrivedAtMs))
  const latch = new Latch()
  const before = [run(1, "held", latch.words), run(2, "echo"), run(3, "echo")]
  sinceMs = 3.5
  const since = [run(4, "echo"), run(5, "echo")]
  latch.release()
  await Promise.all([...before, ...since])
  assert.deepEqual(order, [1, 4, 5, 3, 2])
})

test("predicts the wait from what runs and what waits, shared among the workers", async () => {
  await using trial = await tryPool({ size: 2, clock: () => 0 })
  await trial.until(() => trial.pool.counts().idle === 2)
  assert.equal(trial.pool.predictedWaitMs(0), 0)
  const tickets = [1, 2, 3, 4].map(() => trial.submit("polite", {}, { estimateMs: 1000 }))
  const waitsMs = [0, 400, 5000].map((nowMs) => trial.pool.predictedWaitMs(nowMs))
  assert.deepEqual(waitsMs, [2000, 1600, 1000])
  for (const ticket of tickets) ticket.cancel()
})

test("a problem crosses the thread boundary whole", async () => {
  await using trial = await tryPool()
  const outcome = await trial.run("teapot")
  assert.ok(outcome.kind === "problem")
  assert.equal(outcome.problem.status, 418)
  assert.deepEqual(JSON.parse(String(outcome.problem.json)), {
    type: "about:blank",
    title: "I'm a Teapot",
    status: 418,
    detail: "Short and stout.",
    handle: "here",
  })
})

test("a bug is told with its stack", async () => {
  await using trial = await tryPool()
  const outcome = await trial.run("bug")
  assert.equal(outcome.kind, "error")
  assert.match(
    outcome.kind === "error" ? (outcome.fault.stack ?? "") : "",
    /TypeError: a bug\n.*run/,
  )
})

test("an input that can't cross to a worker is an error of that task alone", async () => {
  await using trial = await tryPool()
  const outcome = await trial.run("echo", () => {})
  assert.equal(outcome.kind, "error")
  assert.equal(answerOf(await trial.run("echo", 1)), 1)
})

test("bytes move to the worker, and come back", async () => {
  await using trial = await tryPool()
  const bytes = new Uint8Array(5_000_000)
  const outcome = await trial.run("measure", { bytes }, { transfer: [bytes.buffer] })
  assert.equal(answerOf(outcome), 5_000_000)
  assert.equal(bytes.byteLength, 0, "it was moved away from here")
  const noise = await trial.run("noise")
  assert.ok(noise.kind === "done" && noise.reply.kind === "bytes")
  assert.equal(noise.reply.bytes.byteLength, 1_000_000)
})

test("bytes that a service keeps can be answered again and again", async () => {
  await using trial = await tryPool({ size: 1 })
  for (const [how, length] of [
    ["whole", 2000],
    ["part", 2],
    ["pooled", 6],
    ["whole", 2000],
    ["part", 2],
    ["pooled", 6],
  ] as const) {
    const outcome = await trial.run("kept", how)
    assert.ok(outcome.kind === "done" && outcome.reply.kind === "bytes", how)
    assert.equal(outcome.reply.bytes.byteLength, length)
  }
})

test("setup runs once in each worker, and its value stays there", async () => {
  await using trial = await tryPool()
  assert.deepEqual(answerOf(await trial.run("model")), { ...(await model(1)) })
  assert.deepEqual(answerOf(await trial.run("model")), { ...(await model(2)) })

  async function model(uses: number) {
    const threadId = answerOf(await trial.run("thread"))
    return { loadedIn: threadId, uses, threadId }
  }
})

test("WASM that setup compiled runs", async () => {
  await using trial = await tryPool()
  assert.equal(answerOf(await trial.run("wasm", [40, 2])), 42)
})

test("workers have a lower priority than the main thread", { skip: noPriority }, async () => {
  await using trial = await tryPool({ nice: 7 })
  assert.equal(answerOf(await trial.run("priority")), Math.min(19, getPriority() + 7))
  assert.ok(getPriority() < 7, "the main thread has kept its own")
})

test("what run logs comes out with the request's id", async () => {
  await using trial = await tryPool()
  await trial.run("logs", {}, { requestId: "r-1" })
  assert.deepEqual(trial.logged, [
    { type: "log", requestId: "r-1", level: "warn", message: "something to say", fields: { n: 1 } },
  ])
})

test("tells the CPU time that a task used on its own thread, not the time that passed", async () => {
  await using trial = await tryPool()
  // What is left of the start is behind it then.
  await trial.run("echo")
  await trial.run("burn", { cpuMs: 60 })
  await trial.run("sleep", { ms: 100 })
  const [, worked, slept] = trial.uses
  // The kernel's clock has coarse ticks.
  assert.ok(worked!.cpuMs > 40 && worked!.cpuMs <= worked!.ranMs + 20, `${worked!.cpuMs} ms`)
  assert.ok(slept!.cpuMs < slept!.ranMs / 2, `${slept!.cpuMs} of ${slept!.ranMs} ms`)
})

test("counts the CPU time of short tasks right, though the kernel's clock has coarse ticks", async () => {
  await using trial = await tryPool()
  for (let n = 0; n < 60; n++) {
    await trial.run("work", { turns: 2e6 })
    await setTimeout(2)
  }
  const toldMs = trial.uses.reduce((sum, { cpuMs }) => sum + cpuMs, trial.correctedMs)
  const ranMs = trial.uses.map((use) => use.ranMs)
  const sumMs = ranMs.reduce((sum, ms) => sum + ms)
  // Other processes may have had the core for a while, though hardly in every one of them.
  const leastMs = 60 * Math.min(...ranMs)
  assert.ok(toldMs > 0.3 * leastMs && toldMs < 1.1 * sumMs, `${toldMs} of ${leastMs}…${sumMs} ms`)
})

test("streams items as they are made, no more than the client can take", async () => {
  await using trial = await tryPool()
  const items: number[] = []
  const ticket = trial.submit(
    "count",
    { to: 50 },
    {
      onItem(json) {
        items.push(Number(json))
        if (items.length === 16) gotWindow.resolve()
      },
    },
  )
  const gotWindow = Promise.withResolvers<void>()
  await gotWindow.promise
  // A round trip to the worker: had it sent more than the window, they would be here.
  ticket.pull(1)
  while (items.length < 17) await new Promise(setImmediate)
  assert.equal(items.length, 17)
  ticket.pull(100)
  assert.deepEqual(await ticket.outcome, { kind: "done", reply: { kind: "empty" } })
  assert.deepEqual(
    items,
    Array.from({ length: 50 }, (_, n) => n),
  )
})
