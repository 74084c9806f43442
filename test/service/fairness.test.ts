/** What each peer gets in an overload, on simulated time. */
import assert from "node:assert/strict"
import { test } from "node:test"
import { type SimulatedPeer, simulate, type Tally } from "../support/simulated-pool.ts"

/** Chance that is the same each time. */
function chance(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

/** Forty connections that come again soon after each answer, be it a refusal. */
const flood = (name: string, callMs: () => number, pauseMs: number): SimulatedPeer => ({
  name,
  callMs,
  connections: 40,
  pauseMs,
})

/** Of those that are over. */
function shareDone({ sent, done, shed, displaced, expired }: Tally): number {
  const isOver = done + shed + displaced + expired
  assert.ok(isOver > 0.8 * sent, `${isOver} of ${sent} are over`)
  return done / isOver
}

const work = {
  "of one length": (meanMs: number) => () => () => meanMs,
  "by chance": (meanMs: number, random: () => number) => () => () =>
    -meanMs * Math.log(1 - random()),
  "longer of those who ask for most": (meanMs: number) => (isFlood: boolean) => () =>
    isFlood ? 4 * meanMs : meanMs / 2,
}

for (const [how, callsOf] of Object.entries(work)) {
  test(`who asks for less than its share is served beside floods that never pause: calls ${how}`, () => {
    for (const workers of [1, 3]) {
      for (const floods of [1, 3, 10]) {
        for (const share of [0.3, 0.7]) {
          const random = chance(7)
          const meanMs = 50
          const calls = callsOf(meanMs, random)
          const lightMs = how.startsWith("longer") ? meanMs / 2 : meanMs
          const gapMs = (lightMs * (floods + 1)) / workers / share
          const names = Array.from({ length: floods }, (_, n) => `flood ${n}`)
          const { of, all } = simulate({
            workers,
            peers: [
              ...names.map((name) => flood(name, calls(true), 4 * meanMs)),
              {
                name: "light",
                callMs: calls(false),
                gapMs: () => -gapMs * Math.log(1 - random()),
              },
            ],
            fromMs: 10 * gapMs,
            untilMs: 160 * gapMs,
          })
          const where = `${workers} workers, ${floods} floods, ${share} of its share`
          const done = shareDone(of("light"))
          assert.ok(done >= 0.9, `${done} of the light peer's calls are served: ${where}`)
          const workMs = all.reduce((sum, tally) => sum + tally.workMs, 0)
          assert.ok(workMs > 0.95 * workers * 150 * gapMs, `no worker is idle: ${where}`)
          const gets = names.map((name) => of(name).workMs)
          if (gets.every((ms) => ms > 20 * meanMs)) {
            const [least, most] = [Math.min(...gets), Math.max(...gets)]
            assert.ok(least > 0.5 * most, `floods get alike, ${least} and ${most}: ${where}`)
          }
        }
      }
    }
  })
}

test("where calls take what is thought, every promise is kept, whoever comes in between", () => {
  for (const [floods, deadlineMs] of [
    [1, 30_000],
    [3, 2_000],
    [10, 1_000],
  ] as const) {
    const random = chance(3)
    const { all, of } = simulate({
      workers: 2,
      peers: [
        // Something is known of what calls take when the others come.
        { name: "first", callMs: () => 50, gapMs: () => 1e9, deadlineMs },
        ...Array.from({ length: floods }, (_, n) => flood(`flood ${n}`, () => 50, 20)),
        {
          name: "light",
          callMs: () => 50,
          gapMs: () => 40 * (floods + 1) * 2 * random(),
          deadlineMs,
        },
      ].map((peer) => ({ ...peer, deadlineMs })),
      untilMs: 60_000,
    })
    const broken = all.reduce((sum, { expired, late }) => sum + expired + late, 0)
    // Those that came before anything was known were promised nothing.
    assert.ok(broken <= 40 * floods, `${broken} promises of ${floods} floods were broken`)
    assert.ok(shareDone(of("light")) >= 0.9)
  }
})

test("what a burst has filled up to its deadline makes way for others, and the rest is in time", () => {
  const { of } = simulate({
    workers: 1,
    peers: [
      { name: "warm", callMs: () => 10, gapMs: oneAt(0) },
      // Two hundred of 10 ms within two seconds: the last can't wait for anybody.
      ...Array.from({ length: 200 }, () => ({
        name: "burst",
        callMs: () => 10,
        gapMs: oneAt(100),
        deadlineMs: 2_000,
      })),
      { name: "light", callMs: () => 10, gapMs: () => 50 },
    ],
    untilMs: 3_000,
  })
  const burst = of("burst")
  assert.deepEqual([burst.expired, burst.late], [0, 0])
  assert.ok(burst.displaced > 20 && burst.displaced < 60, `${burst.displaced} have made way`)
  assert.equal(burst.done + burst.displaced + burst.shed, 200)
  assert.equal(shareDone(of("light")), 1)
})

test("where few may wait, who asks for most makes room", () => {
  const { of } = simulate({
    workers: 1,
    queueMax: 2,
    peers: [flood("flood", () => 50, 20), { name: "light", callMs: () => 50, gapMs: () => 170 }],
    fromMs: 1_000,
    untilMs: 60_000,
  })
  assert.ok(shareDone(of("light")) >= 0.9)
  assert.ok(of("flood").displaced > 0)
})

test("floods get alike, whether they have few connections or many", () => {
  const { of } = simulate({
    workers: 2,
    peers: [flood("many", () => 50, 20), { ...flood("few", () => 50, 20), connections: 8 }],
    fromMs: 10_000,
    untilMs: 40_000,
  })
  const [many, few] = [of("many").workMs, of("few").workMs]
  assert.ok(few > 0.5 * many, `${few} and ${many}`)
})

test("of one peer nothing is displaced, and all are served in the order that they came in", () => {
  const { of, served } = simulate({
    workers: 2,
    peers: [flood("only", () => 30, 20)],
    untilMs: 20_000,
  })
  const numbers = served.map((name) => Number(name.split(" ")[1]))
  assert.deepEqual(
    numbers,
    numbers.toSorted((a, b) => a - b),
  )
  assert.equal(of("only").displaced, 0)
  assert.ok(of("only").done > 1000)
})

test("many who ask for little, and together for too much, keep the queue as short as one would", () => {
  // From half as much again as two workers can do to five times that.
  for (const gapMs of [2_000, 1_000, 600]) {
    const random = chance(5)
    const { all } = simulate({
      workers: 2,
      peers: Array.from({ length: 300 }, (_, n) => ({
        name: `peer ${n}`,
        callMs: () => 20,
        gapMs: () => -gapMs * Math.log(1 - random()),
      })),
      fromMs: 40_000,
      untilMs: 60_000,
    })
    const longest = Math.max(...all.map(({ waitMsMax }) => waitMsMax))
    assert.ok(longest < 2_000, `${longest} ms is the longest wait, and the deadline 30 s`)
    const done = all.reduce((sum, tally) => sum + tally.done, 0)
    assert.ok(done > 1_950, `${done} of 2000 that could be done`)
  }
})

/** Once, at that time. */
function oneAt(ms: number): () => number {
  let isFirst = true
  return () => {
    const gapMs = isFirst ? ms : 1e9
    isFirst = false
    return gapMs
  }
}
