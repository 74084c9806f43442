/** Two runs side by side: that noise is not taken for a change, and a change not for noise. */
import assert from "node:assert/strict"
import { test } from "node:test"
import { Histogram } from "../../src/core/histogram.ts"
import { type Change, type Comparison, compare } from "../../src/load/report/compare.ts"
import { changeText, comparisonLines, verdictOf } from "../../src/load/report/compare-text.ts"
import { stored } from "../../src/load/report/stored.ts"
import { studentQuantile } from "../../src/load/report/student.ts"
import type { Result } from "../../src/load/result.ts"
import { type MadeSecond, madeResult, row } from "../support/load-result.ts"

/** A run whose seconds hang together, as those of a real target do: each like the one before it. */
function wavering(
  random: () => number,
  { factor = 1, seconds = 60, perSecond = 40, failed = 0 } = {},
): readonly MadeSecond[] {
  let level = 0
  return Array.from({ length: seconds }, () => {
    level = 0.7 * level + 0.1 * normal(random)
    const latenciesMs = Array.from(
      { length: perSecond },
      () => 10 * factor * Math.exp(level + 0.3 * normal(random)),
    )
    return { latenciesMs, failures: Math.round(failed * perSecond) }
  })
}

function compared(now: Result, before: Result): Comparison {
  return compare(stored(now), stored(before), "old.json")
}

function change(comparison: Comparison, of: Change["of"]): Change {
  const found = comparison.total.find((one) => one.of === of)
  assert.ok(found)
  return found
}

const differs = (one: Change): boolean => ["better", "worse"].includes(verdictOf(one))

test("of runs that differ by chance alone, hardly any are said to differ", () => {
  const random = seeded(1)
  let wrong = 0
  for (let pair = 0; pair < 60; pair++) {
    const [now, before] = [madeResult(wavering(random)), madeResult(wavering(random))]
    if (compared(now, before).total.some(differs)) wrong += 1
  }
  // All six figures together are to be right in 95 of 100, which is 57 of 60.
  assert.ok(wrong <= 6, `${wrong} of 60 pairs`)
})

test("requests taken for independent would say it of most of them", () => {
  const random = seeded(1)
  let wrong = 0
  for (let pair = 0; pair < 20; pair++) {
    // The same requests, dealt out so that no second knows of another.
    const [a, b] = [wavering(random), wavering(random)].map((seconds) => {
      const all = seconds.flatMap(({ latenciesMs }) => latenciesMs)
      return madeResult(
        seconds.map((_, at) => ({ latenciesMs: all.filter((_, i) => i % seconds.length === at) })),
      )
    }) as [Result, Result]
    if (compared(a, b).total.some(differs)) wrong += 1
  }
  assert.ok(wrong >= 10, `${wrong} of 20 pairs`)
})

test("a change that is larger than the noise is found, and said with its range", () => {
  const random = seeded(2)
  let [found, right] = [0, 0]
  for (let pair = 0; pair < 20; pair++) {
    const now = madeResult(wavering(random, { factor: 1.5 }))
    const p50 = change(compared(now, madeResult(wavering(random))), "p50")
    if (verdictOf(p50) === "worse") found += 1
    const [low, high] = p50.interval!
    if (low < 0.5 && high > 0.5) right += 1
  }
  assert.ok(found >= 16, `found in ${found} of 20`)
  assert.ok(right >= 18, `the range holds the truth in ${right} of 20`)
})

test("a ramp that both runs share is no noise of their difference", () => {
  const random = seeded(3)
  const ramp = (factor: number): Result => {
    const seconds = wavering(random).map(({ latenciesMs }, second) => ({
      latenciesMs: latenciesMs.map((ms) => ms * factor * (1 + second / 3)),
    }))
    return madeResult(seconds)
  }
  const [now, before] = [ramp(1.5), ramp(1)]
  assert.equal(verdictOf(change(compared(now, before), "p95")), "worse")
  const otherLoad = { ...before, offered: "20 users, 20 started a second" }
  assert.equal(verdictOf(change(compared(now, otherLoad), "p95")), "same")
})

test("failures are compared as shares, however few there are", () => {
  const random = seeded(4)
  const none = madeResult(wavering(random))
  const some = madeResult(wavering(random, { failed: 0.1 }))
  assert.equal(changeText(change(compared(none, none), "failed")), "none in either")
  const more = change(compared(some, none), "failed")
  assert.match(changeText(more), /^more by 10 points \(\d+(\.\d)? to \d+(\.\d)?\)$/)
  assert.equal(verdictOf(change(compared(none, some), "failed")), "better")
})

test("says it in words that can't be misread", () => {
  const of = (
    interval: readonly [number, number] | undefined,
    by = 0.12,
    what: Change["of"] = "p99",
  ) => changeText({ of: what, before: 1, now: 1 + by, change: by, interval })
  assert.equal(of([0.08, 0.16]), "slower by 12% (8.0 to 16)")
  assert.equal(of([-0.16, -0.08], -0.12), "faster by 12% (8.0 to 16)")
  assert.equal(of([-0.03, 0.28]), "no difference that these runs can show (−3.0 to +28%)")
  assert.equal(of([0.08, Number.POSITIVE_INFINITY]), "slower by 12% (at least 8.0)")
  const same = "no difference that these runs can show"
  assert.equal(of([-0.5, Number.POSITIVE_INFINITY]), `${same} (−50% or more)`)
  assert.equal(of([-1, Number.POSITIVE_INFINITY]), "these runs can't tell")
  assert.equal(of([-1, 0.5]), `${same} (at most +50%)`)
  assert.equal(of(undefined), "a run is too short to tell")
  assert.equal(of([0.08, 0.16], 0.12, "requests/s"), "more by 12% (8.0 to 16)")
})

test("warns of what keeps two runs from being compared", () => {
  const random = seeded(5)
  const before = madeResult(wavering(random))
  const warns = (more: Partial<Result>, expected: RegExp): void => {
    const { warnings } = compared({ ...before, ...more }, before)
    assert.match(warnings.join("\n"), expected)
  }
  assert.deepEqual(compared(before, before).warnings, [])
  warns({ scenario: "other" }, /scenarios differ: "shop" before, "other" now/)
  warns({ offered: "stages 0:1" }, /loads differ: 10 users, 10 started a second before/)
  warns({ target: "http://b/" }, /targets differ/)
  warns({ model: "open" }, /One run had users and one a rate/)
  warns({ durationMs: 1000 }, /differ in length: 1m before, 1s now/)
  warns({ generator: { ...before.generator, limit: "no CPU" } }, /bottleneck of this run/)
  const other = row("GET", "/other", before.total.latencyHistogram, 0, 60)
  warns({ rows: [other] }, /Only in the earlier run: GET \/\.\nOnly in this run: GET \/other\./)
  warns({ total: { ...before.total, failures: 1200 } }, /0% failed, of this one 50%/)
})

test("runs of a few seconds, or of no requests, can't tell", () => {
  const random = seeded(6)
  const short = madeResult(wavering(random, { seconds: 4 }))
  assert.ok(compared(short, short).total.every((one) => verdictOf(one) === "unknown"))
  const empty = madeResult([])
  assert.deepEqual(compared(empty, short).total, [])
  assert.match(
    comparisonLines(compared(empty, short), 100).join("\n"),
    /Nothing was sent in this run/,
  )
})

test("a name has wider ranges than all together, and is compared with itself", () => {
  const random = seeded(7)
  const [quick, slow] = [new Histogram(), new Histogram()]
  for (let count = 0; count < 1200; count++) {
    quick.add(1 + random())
    slow.add((1 + random()) * 3)
  }
  const rows = (other: Histogram) => [
    row("GET", "/a", quick, 0, 60),
    row("GET", "/b", other, 0, 60),
  ]
  const before = madeResult(wavering(random), { rows: rows(quick) })
  const comparison = compared({ ...before, rows: rows(slow) }, before)
  assert.deepEqual(
    comparison.rows.map(({ name, changes }) => [name, changes.filter(differs).map(({ of }) => of)]),
    [
      ["/a", []],
      ["/b", ["p50", "p95", "p99"]],
    ],
  )
  assert.match(comparisonLines(comparison, 100).join("\n"), /GET \/b +p50 .*slower/)
})

test("Student's quantiles are those of the tables", () => {
  const table = [
    [0.05, 1, 12.706],
    [0.05, 9, 2.262],
    [0.01, 15, 2.947],
    [0.001, 30, 3.646],
    [0.05, 100_000, 1.962],
  ] as const
  for (const [alpha, degrees, expected] of table) {
    const found = studentQuantile(alpha, degrees)
    assert.ok(Math.abs(found / expected - 1) < 1e-3, `${alpha} ${degrees}: ${found}`)
  }
})

/** Mulberry32. */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Box and Muller's. */
function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}
