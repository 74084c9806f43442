/** What is bounded stays bounded, and says so. */
import assert from "node:assert/strict"
import { test } from "node:test"
import { Failures, failureRowsMax } from "../../src/load/failure.ts"
import { generatorLimit } from "../../src/load/generator.ts"
import { History, type Point } from "../../src/load/history.ts"
import { percents } from "../../src/load/stats.ts"

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
