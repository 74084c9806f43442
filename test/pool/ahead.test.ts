import assert from "node:assert/strict"
import { test } from "node:test"
import { patienceMs } from "../support/patience.ts"
import { answerOf, Latch, type Trial, tryPool } from "../support/pool.ts"

/** Thought to be short, which is what a task must be to be given ahead of its turn. */
const short = { estimateMs: 0.05 }
/**
 * A worker that is at a task for longer than was thought gets nothing ahead; here none ever is, however
 * long this process stands still between two lines.
 */
const standing = { clock: () => 0 }

test("short tasks run one after another on a busy worker, in order", async () => {
  await using trial = await tryPool(standing)
  const done: number[] = []
  const latch = new Latch()
  const first = trial.submit("held", latch.words, short)
  const rest = Array.from({ length: 40 }, async (_, n) => {
    answerOf(await trial.submit("echo", n, short).outcome)
    done.push(n)
  })
  assert.equal(trial.pool.queued, 40, "those given ahead wait as well")
  assert.ok(Math.abs(trial.pool.predictedWaitMs(0) - 41 * short.estimateMs) < 1e-6)
  latch.release()
  await Promise.all([first.outcome, ...rest])
  assert.deepEqual(done, Array.from(done.keys()))
  await trial.until(() => trial.uses.length === 41)
  assert.equal(trial.pool.queued, 0)
})

test("those behind one that takes longer than was thought go to the worker that is free", async () => {
  await using trial = await tryPool({ size: 2 })
  await trial.until(() => trial.pool.counts().idle === 2)
  const done: string[] = []
  const run = async (name: string, operation: string, body: unknown) => {
    await trial.submit(operation, body, short).outcome
    done.push(name)
  }
  const latch = new Latch()
  const long = run("long", "held", latch.words)
  await Promise.all([
    run("short", "spin", { ms: 1 }),
    ...[1, 2, 3, 4, 5, 6].map((n) => run("behind", "echo", n)),
  ])
  latch.release()
  await long
  assert.deepEqual(done.slice(-2), ["behind", "long"])
})

test("one that is given up before it began never runs", async () => {
  await using trial = await tryPool()
  const latch = new Latch()
  const first = trial.submit("held", latch.words, short)
  const [left, late, kept] = [
    trial.submit("echo", 1, short),
    trial.submit("echo", 2, { ...short, deadlineAtMs: performance.now() + 5 }),
    trial.submit("echo", 3, short),
  ]
  left.cancel()
  assert.deepEqual(await left.outcome, { kind: "cancelled", where: "queue" })
  assert.deepEqual(await late.outcome, { kind: "expired", where: "queue" })
  latch.release()
  assert.equal(answerOf(await kept.outcome), 3)
  await first.outcome
  assert.deepEqual(
    trial.uses.map(({ call }) => call.name),
    ["held", "echo"],
  )
})

test("one that began unseen is stopped like any other", async () => {
  await using trial = await tryPool({ ...standing, cancelGraceMs: patienceMs() })
  const { first, second } = await beginUnseen(trial, "polite")
  second.cancel()
  assert.deepEqual(await second.outcome, { kind: "cancelled", where: "running" })
  assert.equal((await first.outcome).kind, "done")
  assert.equal(answerOf(await trial.run("echo", "free again")), "free again")
  assert.deepEqual(trial.deaths, [])
})

test("one that began unseen and does not stop is ended, and nothing else", async () => {
  await using trial = await tryPool(standing)
  const { first, second } = await beginUnseen(trial, "endless")
  const third = trial.submit("echo", "not lost", short)
  second.cancel()
  assert.equal((await first.outcome).kind, "done")
  assert.equal((await second.outcome).kind, "cancelled")
  assert.equal(answerOf(await third.outcome), "not lost")
})

test("a crash costs the task that ran, and none that was given ahead", async () => {
  await using trial = await tryPool(standing)
  for (const crash of ["exit", "lastWords"]) {
    const first = trial.submit(crash, undefined, short)
    const rest = [1, 2, 3].map((n) => trial.submit("echo", n, short))
    assert.equal((await first.outcome).kind, crash === "exit" ? "crashed" : "done")
    const answers = await Promise.all(rest.map(async ({ outcome }) => answerOf(await outcome)))
    assert.deepEqual(answers, [1, 2, 3])
  }
})

test("an input that can't cross is told when its turn comes", async () => {
  await using trial = await tryPool(standing)
  const first = trial.submit("spin", { ms: 5 }, short)
  const [bad, good] = [trial.submit("echo", () => {}, short), trial.submit("echo", "fine", short)]
  assert.equal((await bad.outcome).kind, "error")
  assert.equal(answerOf(await good.outcome), "fine")
  await first.outcome
})

test("closing leaves nothing of what was given ahead", async () => {
  const trial = await tryPool(standing)
  const tickets = ["endless", "echo", "echo"].map((name) => trial.submit(name, 1, short))
  await trial.pool.close(50)
  const kinds = await Promise.all(tickets.map(async ({ outcome }) => (await outcome).kind))
  assert.notEqual(kinds[0], "done")
  assert.deepEqual(kinds.slice(1), ["expired", "expired"])
})

/** A second task that its worker has begun while the main thread still thinks it at the first. */
async function beginUnseen(trial: Trial, operation: string) {
  const latch = new Latch()
  const first = trial.submit("spin", { ms: 1 }, short)
  const second = trial.submit(operation, latch.words, short)
  latch.untilBegun()
  return { first, second }
}
