/** What is bounded stays bounded, and says so. */
import assert from "node:assert/strict"
import { test } from "node:test"
import { Exceptions, exceptionRowsMax } from "../../src/load/books/exception.ts"
import { Failures, failureRowsMax } from "../../src/load/books/failure.ts"
import { generatorLimit, ThreadWatch } from "../../src/load/books/generator.ts"
import { History, type Point } from "../../src/load/books/history.ts"
import { percents } from "../../src/load/books/stats.ts"
import { Chain, type Linked } from "../../src/load/client/chain.ts"

test("more kinds of failure than there is room for are counted together, and none is lost", () => {
  const failures = new Failures()
  for (let n = 0; n < 500; n++) {
    const failure = { kind: "other", error: `error ${n}`, example: `example ${n}` } as const
    failures.add("GET", "/", failure, 1000 + n)
  }
  const rows = failures.rows()
  assert.equal(rows.length, failureRowsMax + 1)
  const [others] = rows
  assert.equal(others?.occurrences, 500 - failureRowsMax)
  assert.match(others?.error ?? "", /more than 200 kinds/)
  assert.deepEqual([others?.firstSeenMs, others?.lastSeenMs], [1200, 1499])
  assert.equal(
    rows.reduce((sum, { occurrences }) => sum + occurrences, 0),
    500,
  )
})

test("exceptions are told apart by message and place, and bounded like failures", () => {
  const exceptions = new Exceptions()
  const here = new Error("same")
  const there = new Error("same")
  for (const error of [here, here, there]) exceptions.add("task", error, 1000)
  assert.deepEqual(
    exceptions.rows().map(({ occurrences }) => occurrences),
    [2, 1],
  )
  for (let n = 0; n < 300; n++) exceptions.add("task", `number ${n}`, 2000 + n)
  const rows = exceptions.rows()
  assert.equal(rows.length, exceptionRowsMax + 1)
  assert.match(rows[0]?.message ?? "", /more than 100 kinds/)
  assert.equal(
    rows.reduce((sum, { occurrences }) => sum + occurrences, 0),
    303,
  )
  const merged = new Exceptions()
  for (const row of [...rows, ...exceptions.take()]) merged.merge(row)
  assert.equal(
    merged.rows().reduce((sum, { occurrences }) => sum + occurrences, 0),
    606,
  )
  assert.deepEqual(exceptions.rows(), [])
})

test("a history of days keeps its course: means of rates, peaks of percentiles, the last totals", () => {
  const history = new History()
  const seconds = 40_000
  for (let second = 1; second <= seconds; second++) {
    const ms = second === 777 ? 5000 : 10
    history.add({
      elapsedMs: second * 1000,
      timeMs: second * 1000,
      users: 3,
      offered: 3,
      requestsPerS: second % 2 === 0 ? 20 : 40,
      failuresPerS: 0,
      percentilesMs: Object.fromEntries(percents.map((percent) => [percent, ms])),
      lagP99Ms: 0,
      total: { requests: second * 30 },
      target: null,
    } as unknown as Point)
  }
  const { points } = history
  assert.ok(points.length <= 7200 && points.length > 3000, `${points.length}`)
  assert.equal(points.at(-1)?.total.requests, seconds * 30)
  assert.equal(points[0]?.requestsPerS, 30)
  assert.equal(Math.max(...points.map(({ percentilesMs }) => percentilesMs?.[99] ?? 0)), 5000)
  const times = points.map(({ elapsedMs }) => elapsedMs)
  assert.deepEqual(
    times,
    times.toSorted((a, b) => a - b),
  )
})

test("the generator is the limit when it was busy or late for long, or could not send", () => {
  const calm = { seconds: 60, busySeconds: 0, lateSeconds: 0, notSent: 0 }
  assert.equal(generatorLimit(calm), null)
  assert.equal(generatorLimit({ ...calm, busySeconds: 12, lateSeconds: 12 }), null)
  assert.equal(generatorLimit({ ...calm, seconds: 2, busySeconds: 2 }), null)
  assert.match(generatorLimit({ ...calm, busySeconds: 13 }) ?? "", /no CPU left in 13 of 60 s/)
  assert.match(generatorLimit({ ...calm, lateSeconds: 20 }) ?? "", /100 ms late in 20 of 60 s/)
  assert.match(generatorLimit({ ...calm, notSent: 5 }) ?? "", /could not send 5 requests/)
})

test("a delay of a thread that ends as a second is closed belongs to that second, from the first on", (t) => {
  let nowMs = 0
  const watch = new ThreadWatch(() => nowMs)
  t.after(() => watch.close())
  // Nothing has ticked in between: both seconds are closed in the turn that stood still.
  nowMs = 210
  assert.equal(watch.second().loopDelayMs, 200)
  nowMs = 260
  assert.equal(watch.second().loopDelayMs, 40)
  assert.equal(watch.second().loopDelayMs, 0)
})

test("a chain keeps the order of coming, whoever goes", () => {
  interface Item extends Linked<Item> {
    readonly n: number
  }
  const chain = new Chain<Item>()
  const items = Array.from(
    { length: 5 },
    (_, n): Item => ({ n, before: undefined, after: undefined }),
  )
  const order = (): number[] => {
    const seen: number[] = []
    for (let item = chain.first; item !== undefined; item = item.after) seen.push(item.n)
    assert.equal(seen.length, chain.size)
    return seen
  }
  for (const item of items) chain.add(item)
  assert.deepEqual(order(), [0, 1, 2, 3, 4])
  assert.equal(chain.delete(items[2]!), true)
  assert.equal(chain.delete(items[2]!), false)
  chain.delete(items[0]!)
  chain.delete(items[4]!)
  assert.deepEqual(order(), [1, 3])
  chain.add(items[0]!)
  assert.deepEqual(order(), [1, 3, 0])
  for (const item of [items[0]!, items[1]!, items[3]!]) chain.delete(item)
  assert.deepEqual(order(), [])
  chain.add(items[2]!)
  assert.deepEqual(order(), [2])
})
