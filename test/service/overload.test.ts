import assert from "node:assert/strict"
import { test } from "node:test"
import { Overload } from "../../src/service/overload.ts"

/** A queue that has filled at 0, and whose newcomers would wait for ten seconds. */
function fullQueue(meanMs = 20) {
  const overload = new Overload(() => meanMs)
  overload.filled(0)
  return {
    overload,
    refused: (nowMs: number, waitMs = 10_000) => overload.refused(nowMs, waitMs),
    isOn: () => overload.waitMsMax() !== Number.POSITIVE_INFINITY,
  }
}

test("a burst that nobody is refused for is no overload, however long it lasts", () => {
  const { overload, isOn } = fullQueue()
  assert.equal(isOn(), false)
  overload.emptied(60_000)
  overload.filled(60_001)
  assert.equal(isOn(), false)
})

test("a refusal within the first 100 ms is a burst still", () => {
  const { refused, isOn } = fullQueue()
  refused(99)
  assert.equal(isOn(), false)
  refused(100)
  assert.equal(isOn(), true)
})

test("patience is twice the mean service time when that is more than 100 ms", () => {
  for (const [meanMs, patienceMs] of [
    [20, 100],
    [300, 600],
  ]) {
    const { overload, refused } = fullQueue(meanMs)
    refused(1000)
    assert.equal(overload.waitMsMax(), patienceMs)
  }
})

test("who is refused though the wait is short says nothing of the load", () => {
  const { refused, isOn } = fullQueue()
  refused(1000, 100)
  assert.equal(isOn(), false)
})

test("it is over when the queue is empty and nobody has been refused for a while", () => {
  const { overload, refused, isOn } = fullQueue()
  refused(1000)
  overload.emptied(1050)
  overload.filled(1060)
  assert.equal(isOn(), true, "a queue kept short is empty now and then")
  overload.emptied(1100)
  assert.equal(isOn(), false)
})

test("it is over by the next call when nothing came in between", () => {
  const { overload, refused, isOn } = fullQueue()
  refused(1000)
  overload.emptied(1050)
  overload.filled(5000)
  assert.equal(isOn(), false)
  refused(5099)
  assert.equal(isOn(), false, "a new burst")
})

test("under a load that can be served it ends, though hardly a call finds a free worker", () => {
  const { overload, refused, isOn } = fullQueue()
  refused(1000)
  for (let nowMs = 1000; nowMs < 1200; nowMs += 5) {
    overload.emptied(nowMs)
    overload.filled(nowMs + 1)
  }
  assert.equal(isOn(), false)
})

test("a broken promise says that those made about when it was won't hold either, and no more than that", () => {
  const overload = new Overload(() => 20)
  assert.equal(overload.promisesHoldSinceMs, Number.NEGATIVE_INFINITY)
  overload.promiseBroken(100, 1000)
  assert.equal(overload.promisesHoldSinceMs, 550, "the others have half of their time left")
  overload.promiseBroken(500, 1400)
  assert.equal(overload.promisesHoldSinceMs, 550, "that one was known not to hold")
  overload.promiseBroken(560, 1460)
  assert.equal(overload.promisesHoldSinceMs, 1010)
})
