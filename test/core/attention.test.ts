import assert from "node:assert/strict"
import { test } from "node:test"
import { Attention } from "../../src/core/attention.ts"

test("what a process could not read in is lost from the first look on, and once", (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] })
  let nowMs = 5_000
  const attention = new Attention(() => nowMs)
  assert.equal(attention.lostMs, 0, "Nobody is judged.")
  attention.begin()
  for (let beat = 0; beat < 10; beat++) {
    nowMs += 100
    t.mock.timers.tick(100)
  }
  assert.equal(attention.lostMs, 0)
  nowMs += 3_100
  assert.equal(attention.lostMs, 3_000, "before the beat had its turn")
  t.mock.timers.tick(100)
  assert.equal(attention.lostMs, 3_000)
  nowMs += 1_100
  attention.end()
  assert.equal(attention.lostMs, 4_000)
  nowMs += 60_000
  assert.equal(attention.lostMs, 4_000)
  attention.begin()
  nowMs += 100
  assert.equal(attention.lostMs, 4_000)
  attention.end()
})
