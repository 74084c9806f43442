import assert from "node:assert/strict"
import { test } from "node:test"
import { RefusedTries } from "../../src/service/tries.ts"

test("a refused call is known when it comes again, for a minute", () => {
  const tries = new RefusedTries()
  assert.equal(tries.isRepeat("a", 0), false)
  tries.refused("a", 0)
  assert.equal(tries.isRepeat("a", 60_000), true)
  assert.equal(tries.isRepeat("a", 60_001), false)
  assert.equal(tries.isRepeat("b", 0), false)
})

test("remembers 10,000 at the most, the newest", () => {
  const tries = new RefusedTries()
  for (let n = 0; n < 10_001; n++) tries.refused(`${n}`, n)
  assert.equal(tries.isRepeat("0", 10_001), false)
  assert.equal(tries.isRepeat("1", 10_001), true)
})
