import assert from "node:assert/strict"
import { type TestContext, test } from "node:test"
import { CollectionHelpers } from "../../src/service/collection-helpers.ts"
import { simulatedTimers } from "../support/simulated-timers.ts"

const [on, off] = ["--parallel-scavenge", "--no-parallel-scavenge"]

function tryHelpers(t: TestContext, cores: number) {
  const timers = simulatedTimers(t)
  let nowMs = 0
  const told: string[] = []
  const helpers = new CollectionHelpers(
    cores,
    (flag) => told.push(flag),
    () => nowMs,
  )
  return {
    told,
    begins: () => helpers.busy(1),
    ends: () => helpers.busy(-1),
    passes(ms: number) {
      nowMs += ms
      timers.tick(ms)
    },
  }
}

test("V8's helpers rest while every core is busy, and help again when one was to spare for a second", (t) => {
  const { told, begins, ends, passes } = tryHelpers(t, 2)
  begins()
  assert.deepEqual(told, [])
  begins()
  assert.deepEqual(told, [off])
  passes(60_000)
  ends()
  passes(400)
  begins()
  ends()
  passes(800)
  assert.deepEqual(told, [off], "not in between")
  passes(2000)
  assert.deepEqual(told, [off, on], "nobody has to come for that")
  begins()
  assert.deepEqual(told, [off, on, off])
})

test("a part of a core is none to spare", (t) => {
  const { told, begins } = tryHelpers(t, 1.5)
  begins()
  assert.deepEqual(told, [off])
})

test("workers that leave a core free change nothing", (t) => {
  const { told, begins, ends } = tryHelpers(t, 3)
  begins()
  begins()
  ends()
  assert.deepEqual(told, [])
})
