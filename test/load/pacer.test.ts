import assert from "node:assert/strict"
import { test } from "node:test"
import {
  type Arrivals,
  alone,
  dueMs,
  firstMark,
  nextMark,
  type Share,
  usersAt,
} from "../../src/load/pace/pacer.ts"
import {
  areaAt,
  constant,
  type Profile,
  ramp,
  timeOfAreaMs,
  valueAt,
} from "../../src/load/pace/profile.ts"
import { parseStages } from "../../src/load/pace/stages.ts"

/** All arrivals up to `endMs`. */
function schedule(
  profile: Profile,
  endMs: number,
  arrivals: Arrivals = "even",
  random = Math.random,
  share = alone,
  fromMs = 0,
): number[] {
  const times: number[] = []
  for (let mark = firstMark(arrivals, profile, fromMs, share, random); ; ) {
    const atMs = dueMs(profile, mark)
    if (!(atMs < endMs)) return times
    times.push(atMs)
    mark = nextMark(arrivals, mark, share, random)
  }
}

/** Numbers in [0, 1) that are the same each time. */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

test("a constant rate is sent evenly, each in the middle of its share", () => {
  assert.deepEqual(schedule(constant(200), 25), [2.5, 7.5, 12.5, 17.5, 22.5])
  assert.equal(schedule(constant(2000), 60_000).length, 120_000)
  assert.deepEqual(schedule(constant(0.5), 4000), [1000, 3000])
})

test("a ramp sends the area below it, closer and closer, and never in bursts", () => {
  // 0 to 100/s in 10 s: the n-th is due where 5 t² = n + ½.
  const times = schedule(ramp(0, 100, 10), 10_000)
  assert.equal(times.length, 500)
  for (const [n, atMs] of times.entries()) {
    assert.ok(Math.abs(atMs - Math.sqrt((n + 0.5) / 5) * 1000) < 1e-6, `${n}`)
  }
  const gaps = times.slice(1).map((atMs, n) => atMs - times[n]!)
  assert.ok(gaps.every((gap, n) => n === 0 || gap < gaps[n - 1]! + 1e-9))
})

test("stages go up, hold, jump, rest and go down, and the counts are the areas", () => {
  const { profile } = parseStages(
    "0:0/s,10s:100/s,20s:100/s,20s:10/s,30s:10/s,40s:0/s,1m:0/s,1m:5/s",
  )
  const inside = (from: number, to: number): number =>
    schedule(profile, to * 1000).filter((atMs) => atMs >= from * 1000).length
  assert.equal(inside(0, 10), 500)
  assert.equal(inside(10, 20), 1000)
  assert.equal(inside(20, 30), 100)
  assert.equal(inside(30, 40), 50)
  assert.equal(inside(40, 60), 0)
  assert.equal(inside(60, 70), 50)
  assert.equal(valueAt(profile, 5000), 50)
  assert.equal(valueAt(profile, 20_000), 10)
  assert.equal(valueAt(profile, 3_600_000), 5)
  assert.equal(timeOfAreaMs(constant(0), 1), Number.POSITIVE_INFINITY)
})

test("Poisson arrivals have the profile's mean, and gaps as wide as chance has them", () => {
  const times = schedule(constant(100), 100_000, "poisson", seeded(1))
  assert.ok(Math.abs(times.length - 10_000) < 300, `${times.length}`)
  const gaps = times.slice(1).map((atMs, n) => atMs - times[n]!)
  const mean = gaps.reduce((sum, gap) => sum + gap) / gaps.length
  const spread = Math.sqrt(gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length)
  assert.ok(Math.abs(spread / mean - 1) < 0.05, "of an exponential, the spread is the mean")
  const ramped = schedule(ramp(0, 100, 1), 100_000, "poisson", seeded(2))
  const firstHalf = ramped.filter((atMs) => atMs < 50_000).length
  assert.ok(Math.abs(firstHalf / ramped.length - 0.25) < 0.02)
})

test("users start one by one within the second, and end the same way", () => {
  const profile = ramp(0, 10, 4)
  assert.deepEqual(
    [0, 1, 249, 251, 500, 501, 1000, 2499, 2500, 9999].map((ms) => usersAt(profile, ms, alone)),
    [0, 1, 1, 2, 2, 3, 4, 10, 10, 10],
  )
  const { profile: down } = parseStages("0:3,3s:0")
  assert.deepEqual(
    [0, 999, 1001, 2001, 2999, 3000].map((ms) => usersAt(down, ms, alone)),
    [3, 3, 2, 1, 1, 0],
  )
})

const staged = parseStages("0:0/s,2s:300/s,5s:300/s,5s:20/s,8s:20/s,9s:700/s").profile

function shares(of: number): Share[] {
  return Array.from({ length: of }, (_, number) => ({ number, of }))
}

test("threads that share a profile send together what one would, each its part of every second", () => {
  const whole = schedule(staged, 10_000)
  for (const count of [2, 3, 7]) {
    const parts = shares(count).map((share) => schedule(staged, 10_000, "even", Math.random, share))
    assert.deepEqual(
      parts.flat().toSorted((a, b) => a - b),
      whole,
    )
    for (const part of parts) {
      assert.ok(Math.abs(part.length - whole.length / count) < 1)
      const inOneSecond = part.filter((atMs) => atMs >= 3000 && atMs < 4000)
      assert.ok(Math.abs(inOneSecond.length - 300 / count) <= 1)
    }
  }
})

test("by chance too: together they have the profile's mean, and gaps as wide as chance has them", () => {
  const random = seeded(3)
  const times = shares(4)
    .flatMap((share) => schedule(constant(200), 50_000, "poisson", random, share))
    .toSorted((a, b) => a - b)
  assert.ok(Math.abs(times.length - 10_000) < 300, `${times.length}`)
  const gaps = times.slice(1).map((atMs, n) => atMs - times[n]!)
  const mean = gaps.reduce((sum, gap) => sum + gap) / gaps.length
  const spread = Math.sqrt(gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length)
  assert.ok(Math.abs(spread / mean - 1) < 0.05, "of an exponential, the spread is the mean")
})

test("a schedule that is shared anew in the middle loses no arrival and sends none twice", () => {
  const whole = schedule(staged, 10_000)
  for (const switchMs of [0, 1234.5, 5000, 5000.001, 7999, whole[700]!]) {
    const before = whole.filter((atMs) => atMs < switchMs)
    const after = shares(3).flatMap((share) =>
      schedule(staged, 10_000, "even", Math.random, share, switchMs),
    )
    assert.deepEqual(
      [...before, ...after].toSorted((a, b) => a - b),
      whole,
      `${switchMs}`,
    )
  }
})

test("users are shared one by one, whatever their number", () => {
  for (const count of [1, 2, 3, 8]) {
    for (const users of [0, 1, 2, 5, 8, 1000]) {
      const parts = shares(count).map((share) => usersAt(constant(users), 0, share))
      assert.equal(
        parts.reduce((sum, part) => sum + part),
        users,
      )
      assert.ok(Math.max(...parts) - Math.min(...parts) <= 1)
    }
  }
})

test("the area below a profile and the time at which it is reached are inverse to each other", () => {
  for (const atMs of [0, 500, 2000, 3500, 5000, 6000, 8500, 20_000]) {
    assert.ok(Math.abs(timeOfAreaMs(staged, areaAt(staged, atMs)) - atMs) < 1e-6, `${atMs}`)
  }
  assert.equal(areaAt(staged, 5000), 300 + 900)
  assert.equal(areaAt(staged, 8000), 300 + 900 + 60)
})

test("stages that can't be read say which, why, and how they are written", () => {
  const says = (text: string, expected: RegExp): void => {
    assert.throws(() => parseStages(text), { name: "LoadError", message: expected })
  }
  says("", /"" is not TIME:VALUE.*for example 0:10/)
  says("0:10,1x:200", /"1x:200" is not TIME:VALUE/)
  says("0:10,1m:200:3", /"1m:200:3" is not/)
  says("5s:10,1m:20", /the first is not at 0/)
  says("0:10,2m:20,1m:30", /not in order of time/)
  says("0:10,1m:20/s", /some are users and some are requests/)
  says("0:10", /there is only one/)
})
