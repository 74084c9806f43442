import assert from "node:assert/strict"
import { test } from "node:test"
import { Modesty } from "../../src/service/modesty.ts"

/** Asks of one worker, of each peer what it asks for in every second of a minute. */
function minute(asked: Readonly<Record<string, number>>) {
  const modesty = new Modesty(1)
  let nowMs = 0
  for (; nowMs < 60_000; nowMs += 1000) {
    for (const [peer, ms] of Object.entries(asked)) modesty.asks(peer, ms, nowMs)
  }
  return {
    of: (peer: string, ms = 10) => modesty.isModest(peer, ms, nowMs),
    later: (peer: string, afterMs: number) => modesty.isModest(peer, 10, nowMs + afterMs),
  }
}

test("who asks for little beside one who asks for too much is modest", () => {
  const modesty = minute({ flood: 5000, light: 300 })
  assert.deepEqual([modesty.of("light"), modesty.of("flood")], [true, false])
})

test("those are modest who can be served together, who ask for least first", () => {
  const { of } = minute({ a: 200, b: 300, c: 600, d: 800 })
  assert.deepEqual(
    ["a", "b", "c", "d"].map((peer) => of(peer)),
    [true, true, false, false],
  )
})

test("of many who all ask for the same, and for too much, none is modest", () => {
  const asked = Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`peer ${n}`, 20]))
  const { of } = minute(asked)
  assert.deepEqual(
    Object.keys(asked).filter((peer) => of(peer, 20)),
    [],
  )
})

test("nobody is modest alone", () => {
  const { of, later } = minute({ flood: 100 })
  assert.equal(of("flood"), false)
  assert.equal(later("flood", 100_000), false)
})

test("who was never seen is as modest as what it asks for", () => {
  const { of } = minute({ flood: 5000, other: 500 })
  assert.deepEqual([of("new"), of("new", 20_000)], [true, false])
})

test("who has stopped asking is modest after a while", () => {
  const { later } = minute({ flood: 5000, light: 100 })
  assert.deepEqual([later("flood", 1000), later("flood", 60_000)], [false, true])
})

test("what turned out to be less was not asked for", () => {
  const modesty = new Modesty(1)
  modesty.asks("flood", 1_000_000, 0)
  modesty.asks("light", 9_990, 0)
  assert.equal(modesty.isModest("light", 100, 0), false)
  modesty.asks("light", -9_000, 0)
  assert.equal(modesty.isModest("light", 100, 200), true)
})
