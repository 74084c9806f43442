/** When a worker waits awake, and whose CPU time that is. */
import assert from "node:assert/strict"
import { test } from "node:test"
import { Awake } from "../../src/service/pool/awake.ts"
import { patienceMs } from "../support/patience.ts"
import { answerOf, tryPool } from "../support/pool.ts"

test("a worker waits awake behind short tasks, and seldom where that was in vain", () => {
  const awake = new Awake(2)
  assert.equal(awake.shouldWait(0.05), true)
  awake.waited(0.02, true)
  assert.equal(awake.shouldWait(5), false, "a long one gains nothing by it")
  assert.equal(awake.shouldWait(0.05), true)
  awake.waited(0.1, false)
  const next = Array.from({ length: 10 }, () => awake.shouldWait(0.05))
  assert.deepEqual(next, [...Array(8).fill(false), true, true])
})

test("on one core it lets those work who have the next task", () => {
  assert.equal(new Awake(1).shouldWait(0.01), false)
})

test("waiting is no task's CPU time, whenever the kernel tells of it", () => {
  const awake = new Awake(2)
  awake.waited(0.75, true)
  awake.waited(0.5, false)
  assert.deepEqual(awake.split(0), [0, 0])
  assert.deepEqual(awake.split(1), [0, 1])
  assert.deepEqual(awake.split(4), [3.75, 0.25])
  assert.deepEqual(awake.split(4), [4, 0])
})

test("one that waits awake hears the same as one that sleeps", async () => {
  const trial = await tryPool()
  for (let n = 0; n < 200; n++) assert.equal(answerOf(await trial.run("echo", n)), n)
  const left = trial.submit("polite")
  left.cancel()
  assert.equal((await left.outcome).kind, "cancelled")
  assert.equal(answerOf(await trial.run("echo", "free again")), "free again")
  await trial.pool.close(patienceMs())
  assert.deepEqual(trial.deaths, [])
})
