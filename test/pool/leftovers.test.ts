/** What a call has left behind that fails when the call has ended, and what that costs others. */
import assert from "node:assert/strict"
import { join } from "node:path"
import { test } from "node:test"
import { eventually, TemporaryFolder } from "../support/cli.ts"
import { answerOf, callOf, Latch, type Trial, tryPool } from "../support/pool.ts"

/** A call that waits on its worker until it is released. */
async function occupy(trial: Trial, requestId: string) {
  const latch = new Latch()
  const ticket = trial.submit("waits", latch.words, { requestId })
  await eventually(() => latch.hasBegun || undefined, "it to have begun")
  return { ticket, latch }
}

for (const [how, message] of [
  ["rejects", /^left behind$/],
  ["throws in a timer", /^left behind$/],
  ["throws in an event", /^left behind$/],
  ["throws a value", /^thrown: left behind$/],
  ["exits", /process\.exit was called/],
  ["exits and catches it", /process\.exit was called/],
] as const) {
  test(`a leftover that ${how} is told under its own call, and the present one is answered`, async () => {
    await using trial = await tryPool()
    const left = new Latch()
    const first = await trial.run("leaves", { how, words: left.words }, { requestId: "its own" })
    const { ticket, latch } = await occupy(trial, "innocent")
    left.release()
    await trial.until(() => trial.leftovers.length > 0)
    latch.release()
    assert.equal(answerOf(await ticket.outcome), answerOf(first), "on the same worker")
    const [told, ...more] = trial.leftovers
    assert.deepEqual([told?.operation, told?.requestId], ["leaves", "its own"])
    assert.match(told?.fault.message ?? "", message)
    assert.deepEqual(more, [], "told once")
    // Who knows what else it has left there.
    assert.notEqual(answerOf(await trial.run("thread")), answerOf(first))
    assert.deepEqual(trial.deaths, [])
  })
}

test("one that fails while its worker is idle costs nothing but the worker", async () => {
  await using trial = await tryPool({ spares: 1 })
  await trial.warm()
  const left = new Latch()
  const first = await trial.run(
    "leaves",
    { how: "rejects", words: left.words },
    { requestId: "its own" },
  )
  left.release()
  await trial.until(() => trial.leftovers.length === 1)
  assert.notEqual(answerOf(await trial.run("thread")), answerOf(first))
  await trial.until(() => trial.pool.counts().idle === 2)
  assert.deepEqual(trial.deaths, [])
})

test("one that fails again and again does not fill the log", async () => {
  await using trial = await tryPool()
  const left = new Latch()
  await trial.run("leaves", { how: "fails again and again", words: left.words })
  const { ticket, latch } = await occupy(trial, "innocent")
  left.release()
  await trial.until(() => trial.leftovers.length === 10)
  latch.release()
  assert.equal((await ticket.outcome).kind, "done")
  assert.equal((await trial.run("echo", 1)).kind, "done")
  assert.equal(trial.leftovers.length, 10)
})

test("while its worker does its last call, others do the calls that come", async () => {
  await using trial = await tryPool({ size: 2 })
  await trial.until(() => trial.pool.counts().idle === 2)
  const left = new Latch()
  const first = await trial.run("leaves", { how: "rejects", words: left.words })
  const { ticket, latch } = await occupy(trial, "innocent")
  left.release()
  await trial.until(() => trial.leftovers.length === 1)
  for (let call = 0; call < 20; call++) {
    const { outcome } = trial.submit("thread", undefined, { estimateMs: 0.01 })
    assert.notEqual(answerOf(await outcome), answerOf(first))
  }
  latch.release()
  assert.equal(answerOf(await ticket.outcome), answerOf(first))
  await trial.until(() => trial.pool.counts().idle === 2)
})

for (const how of ["rejects", "throws in a timer", "throws in an event", "exits"]) {
  test(`what of the present call ${how} and nobody awaits costs that call`, async () => {
    await using trial = await tryPool()
    const outcome = await trial.run("floats", { how })
    assert.equal(outcome.kind, "crashed")
    assert.deepEqual(trial.leftovers, [])
    assert.equal(answerOf(await trial.run("echo", 1)), 1)
  })
}

test("what a call does when it is told to stop is its own", async () => {
  await using trial = await tryPool({ cancelGraceMs: 600_000 })
  const latch = new Latch()
  const ticket = trial.submit("throwsWhenAborted", latch.words)
  await eventually(() => latch.hasBegun || undefined, "it to have begun")
  ticket.cancel()
  assert.equal(answerOf(await trial.run("echo", 1)), 1)
  assert.deepEqual(trial.leftovers, [])
})

test("what `setup` has started costs no call either", async () => {
  using folder = new TemporaryFolder()
  folder.write("setup", "")
  process.env.TEST_SETUP_FILE = join(folder.path, "setup")
  await using trial = await tryPool({
    moduleUrl: new URL("../fixtures/pool/setups.ts", import.meta.url).href,
    operations: ["watches"],
  })
  const { operation } = callOf("echo")
  const { outcome } = trial.submit("watches", undefined, { operation })
  folder.write("setup", "throws")
  await trial.until(() => trial.leftovers.length === 1)
  folder.write("setup", "works")
  assert.equal(answerOf(await outcome), "unharmed")
  const [told] = trial.leftovers
  assert.equal(told?.fault.message, "lost what it watched")
  assert.equal(told?.requestId, undefined)
})
