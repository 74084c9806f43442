/** Our histogram against HdrHistogram's own JavaScript, and against sorted arrays. */
import assert from "node:assert/strict"
import { test } from "node:test"
import { build } from "hdr-histogram-js"
import { Histogram } from "../../src/core/histogram.ts"

const percents = [0, 1, 25, 50, 66, 75, 90, 95, 99, 99.9, 99.99, 100]

/** Durations in whole microseconds, spread over all eight powers of ten. */
function durationsUs(count: number, seed: number): number[] {
  let state = seed
  const random = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
  return Array.from({ length: count }, () => Math.max(1, Math.floor(6e8 ** random())))
}

test("every percentile is HdrHistogram's, and never above what was seen", () => {
  for (const [seed, count] of [
    [1, 1],
    [2, 10],
    [3, 1000],
    [4, 100_000],
  ] as const) {
    const oracle = build({
      lowestDiscernibleValue: 1,
      highestTrackableValue: 600_000_000,
      numberOfSignificantValueDigits: 3,
    })
    const ours = new Histogram()
    const values = durationsUs(count, seed)
    for (const us of values) {
      oracle.recordValue(us)
      ours.add(us / 1000)
    }
    const max = Math.round(ours.maxMs * 1000)
    assert.equal(ours.total, count)
    assert.equal(
      ours.minMs * 1000,
      values.reduce((a, b) => Math.min(a, b)),
    )
    assert.deepEqual(
      ours.percentilesMs(percents.slice(1)).map((ms) => Math.round(ms * 1000)),
      percents.slice(1).map((percent) => Math.min(max, oracle.getValueAtPercentile(percent))),
    )
    const sorted = values.toSorted((a, b) => a - b)
    for (const percent of percents) {
      const exact = sorted[Math.max(0, Math.ceil((percent / 100) * count - 1e-6) - 1)]! / 1000
      const told = ours.percentileMs(percent)
      assert.ok(told >= exact && told <= exact * 1.001, `p${percent}: ${told}, exactly ${exact}`)
    }
    const mean = values.reduce((sum, us) => sum + us) / count / 1000
    assert.ok(Math.abs(ours.meanMs - mean) < 1e-6 * mean)
  }
})

test("the sum of two is the histogram of both", () => {
  const [a, b, both] = [new Histogram(), new Histogram(), new Histogram()]
  for (const us of durationsUs(5000, 7)) {
    a.add(us / 1000)
    both.add(us / 1000)
  }
  for (const us of durationsUs(300, 8)) {
    b.add(us / 1000)
    both.add(us / 1000)
  }
  a.merge(b)
  assert.deepEqual(a.toJSON(), both.toJSON())
  assert.equal(a.minMs, both.minMs)
  assert.equal(a.maxMs, both.maxMs)
  assert.deepEqual(a.percentilesMs([50, 99, 100]), both.percentilesMs([50, 99, 100]))
})

test("what is out of range counts as the range's end, and an empty one says 0", () => {
  const histogram = new Histogram()
  assert.deepEqual(histogram.percentilesMs([50, 100]), [0, 0])
  assert.deepEqual([histogram.minMs, histogram.meanMs, histogram.maxMs], [0, 0, 0])
  histogram.add(0)
  histogram.add(3_600_000)
  assert.equal(histogram.minMs, 0.001)
  assert.equal(histogram.maxMs, 600_000)
  // The last bucket's upper end; its width is 2¹⁹.
  const upper = (Math.floor(600_000_000 / 2 ** 19) + 1) * 2 ** 19 - 1
  assert.deepEqual(histogram.toJSON(), [
    [1, 1],
    [upper, 1],
  ])
  histogram.clear()
  assert.equal(histogram.total, 0)
  assert.deepEqual(histogram.toJSON(), [])
})
