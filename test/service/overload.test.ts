import assert from "node:assert/strict"
import { test } from "node:test"
import { Overload } from "../../src/service/overload.ts"

const typicalMs = 20

test("a burst that nobody is refused for is no overload, however long it lasts", () => {
  const overload = new Overload()
  overload.filled(0)
  assert.equal(overload.waitMsMax(60_000, typicalMs), Number.POSITIVE_INFINITY)
})

test("a refusal within the first 100 ms is a burst still", () => {
  const overload = new Overload()
  overload.filled(0)
  overload.refused()
  assert.equal(overload.waitMsMax(99, typicalMs), Number.POSITIVE_INFINITY)
  assert.equal(overload.waitMsMax(100, typicalMs), 100)
})

test("patience is twice the typical service time when that is more than 100 ms", () => {
  const overload = new Overload()
  overload.filled(0)
  overload.refused()
  assert.equal(overload.waitMsMax(1000, 300), 600)
})

test("it is over when the queue has been empty", () => {
  const overload = new Overload()
  overload.filled(0)
  overload.refused()
  overload.emptied()
  overload.filled(200)
  assert.equal(overload.waitMsMax(5000, typicalMs), Number.POSITIVE_INFINITY)
})

test("a broken promise says that those made before it won't hold either, and no more than that", () => {
  const overload = new Overload()
  assert.equal(overload.promisesHoldSinceMs, Number.NEGATIVE_INFINITY)
  overload.promiseBroken(100, 1000)
  assert.equal(overload.promisesHoldSinceMs, 1000)
  overload.promiseBroken(200, 1100)
  assert.equal(overload.promisesHoldSinceMs, 1000, "that one was known not to hold")
  overload.promiseBroken(1000, 2000)
  assert.equal(overload.promisesHoldSinceMs, 2000)
})
