import assert from "node:assert/strict"
import { test } from "node:test"
import { backoffMs } from "../../src/core/backoff.ts"
import { jitter } from "../../src/core/random.ts"

test("backs off from 100 ms, doubling, to 30 s at most", () => {
  const waits = [1, 2, 3, 9, 10, 50].map((failures) => backoffMs(failures, () => 0.5))
  assert.deepEqual(waits, [100, 200, 400, 25_600, 30_000, 30_000])
})

test("jitter stays within its share", () => {
  assert.deepEqual(
    [0, 0.5, 1].map((chance) => jitter(8, 0.25, () => chance)),
    [6, 8, 10],
  )
})
