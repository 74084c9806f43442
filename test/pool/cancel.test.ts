import assert from "node:assert/strict"
import { test } from "node:test"
import { eventually } from "../support/cli.ts"
import { patienceMs } from "../support/patience.ts"
import { answerOf, Latch, tryPool } from "../support/pool.ts"

test("a queued task that is cancelled never runs", async () => {
  await using trial = await tryPool()
  const first = trial.submit("spin", { ms: 20 })
  const second = trial.submit("echo", 2)
  second.cancel()
  assert.deepEqual(await second.outcome, { kind: "cancelled", where: "queue" })
  assert.equal((await first.outcome).kind, "done")
  assert.equal(trial.uses.length, 1)
})

test("a synchronous task sees its signal, stops, and its worker lives on", async () => {
  await using trial = await tryPool({ cancelGraceMs: patienceMs() })
  const before = answerOf(await trial.run("thread"))
  const ticket = trial.submit("polite", {})
  ticket.cancel()
  assert.deepEqual(await ticket.outcome, { kind: "cancelled", where: "running" })
  assert.equal(answerOf(await trial.run("thread")), before)
})

test("an asynchronous task gets the abort event", async () => {
  await using trial = await tryPool({ cancelGraceMs: patienceMs() })
  const before = answerOf(await trial.run("thread"))
  const ticket = trial.submit("sleep", { ms: 1e9 })
  ticket.cancel()
  assert.equal(answerOf(await trial.run("thread")), before, "it stopped by itself")
})

test("a stream that waits for its client ends when it is cancelled", async () => {
  await using trial = await tryPool({ cancelGraceMs: patienceMs() })
  const before = answerOf(await trial.run("thread"))
  const ticket = trial.submit("count", { to: 1e9 }, { onItem() {} })
  ticket.cancel()
  assert.equal(answerOf(await trial.run("thread")), before, "it stopped by itself")
})

test("the slot of a task that does not stop is freed only when its worker has gone", async () => {
  await using trial = await tryPool({ size: 1, spares: 1, cancelGraceMs: 30 })
  await trial.warm()
  const latch = new Latch()
  const ticket = trial.submit("endless", latch.words)
  latch.untilBegun()
  const next = trial.submit("thread")
  ticket.cancel()
  assert.deepEqual(await ticket.outcome, { kind: "cancelled", where: "running" })
  assert.equal(trial.pool.counts().busy, 1, "it still burns CPU")
  assert.equal(trial.pool.queued, 1, "so nobody may take its place, spare or not")
  assert.equal((await next.outcome).kind, "done")
  assert.equal(trial.uses[0]?.outcome.kind, "cancelled")
})

test("a task past its deadline is told so at once, and stopped", async () => {
  await using trial = await tryPool({ cancelGraceMs: 20 })
  const outcome = await trial.run("endless", {}, { deadlineAtMs: performance.now() + 50 })
  assert.deepEqual(outcome, { kind: "expired", where: "running" })
  assert.equal((await trial.run("echo", 1)).kind, "done")
})

test("a task whose deadline passes in the queue is told so then, and never runs", async () => {
  await using trial = await tryPool()
  const first = trial.submit("polite")
  const second = trial.run("echo", 2, { deadlineAtMs: performance.now() + 30 })
  assert.deepEqual(await second, { kind: "expired", where: "queue" })
  assert.equal(trial.late, 1)
  first.cancel()
})

test("a task that can't be done in time any more is dropped when its turn comes", async () => {
  await using trial = await tryPool()
  const first = trial.submit("spin", { ms: 30 })
  const second = trial.submit("echo", 2, { deadlineAtMs: performance.now() + 60, estimateMs: 55 })
  await first.outcome
  assert.deepEqual(await second.outcome, { kind: "expired", where: "queue" })
  assert.equal(trial.uses.length, 1)
})

test("the CPU time of a task that had to be ended is known all the same", async () => {
  await using trial = await tryPool({ cancelGraceMs: 0 })
  // What is left of the start is behind it then.
  await trial.run("echo", 1)
  const latch = new Latch()
  const ticket = trial.submit("burn", { cpuMs: 60, forEver: true, words: latch.words })
  await eventually(() => latch.hasBegun || undefined, "it to have used so much")
  ticket.cancel()
  await trial.until(() => trial.uses.length === 2)
  const { cpuMs, ranMs } = trial.uses[1]!
  // The kernel's clock has coarse ticks.
  assert.ok(cpuMs > 40 && cpuMs <= ranMs + 20, `${cpuMs} of ${ranMs} ms`)
})

test("what loading and setup took is not charged to tasks, nor counted twice when one is ended", async () => {
  await using trial = await tryPool({ cancelGraceMs: 0 })
  const startMs = Number(answerOf(await trial.run("cpu")))
  const latch = new Latch()
  const ticket = trial.submit("forever", latch.words)
  latch.untilBegun()
  ticket.cancel()
  await trial.until(() => trial.pool.counts().idle === 1)
  assert.equal(trial.uses.length, 2)
  for (const cpuMs of [...trial.uses.map((use) => use.cpuMs), trial.correctedMs]) {
    assert.ok(cpuMs >= 0 && cpuMs < startMs / 2, `${cpuMs} ms, where the start took ${startMs}`)
  }
})
