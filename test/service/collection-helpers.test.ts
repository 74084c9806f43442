import assert from "node:assert/strict"
import { test } from "node:test"
import { CollectionHelpers } from "../../src/service/collection-helpers.ts"

/** What V8 is told when so many workers are busy at each of these times, in milliseconds. */
function told(cores: number, ...times: readonly (readonly [ms: number, busy: number])[]) {
  const flags: string[] = []
  const helpers = new CollectionHelpers(cores, (flag) => flags.push(flag))
  for (const [ms, busy] of times) helpers.busy(busy, ms)
  return flags
}

const [on, off] = ["--parallel-scavenge", "--no-parallel-scavenge"]

test("V8's helpers rest while every core is busy, and help again after a second with one to spare", () => {
  assert.deepEqual(told(2, [0, 1], [10, 2], [20, 2]), [off])
  assert.deepEqual(told(2, [0, 2], [999, 1]), [off])
  assert.deepEqual(told(2, [0, 2], [1000, 1], [1001, 1]), [off, on])
  assert.deepEqual(told(2, [0, 2], [900, 2], [1500, 1], [1900, 1]), [off, on])
})

test("a part of a core is none to spare, and workers that leave cores free change nothing", () => {
  assert.deepEqual(told(1.5, [0, 1]), [off])
  assert.deepEqual(told(8, [0, 2], [5, 2]), [])
  assert.deepEqual(told(1, [0, 1]), [off])
})
