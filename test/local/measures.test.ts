/** What the autoscaler goes by: CPU over a window, demand summed, and its sense of time. */
import assert from "node:assert/strict"
import { test } from "node:test"
import { resolveSpec } from "../../src/autoscale/resolve.ts"
import { scalingBehavior } from "../../src/core/scaling.ts"
import { type CpuReadings, sampleOf, withReading } from "../../src/local/cpu-window.ts"
import { DemandSum } from "../../src/local/demand-sum.ts"
import { figuresOf } from "../../src/local/figures.ts"
import { atPace } from "../../src/local/pace.ts"

/** Readings at times and totals, of a process that started at 0, with a resolution of 15 s. */
function sampled(...readings: readonly (readonly [atMs: number, cpuMs: number])[]) {
  let known: CpuReadings = []
  for (const [atMs, cpuMs] of readings) known = withReading(known, { atMs, cpuMs }, 0, 15_000)
  return sampleOf(known)
}

test("CPU use is the rate between the two newest readings", () => {
  assert.deepEqual(sampled([15_000, 1_000], [30_000, 16_000], [45_000, 19_000]), {
    atMs: 45_000,
    windowMs: 15_000,
    usedMilli: 200,
  })
})

test("a process with one reading has no CPU use yet, unless it is from 10 to 15 s old", () => {
  assert.equal(sampled(), undefined)
  assert.equal(sampled([9_999, 500]), undefined)
  assert.deepEqual(sampled([10_000, 500]), { atMs: 10_000, windowMs: 10_000, usedMilli: 50 })
  assert.equal(sampled([15_000, 500]), undefined)
})

test("demand is summed each second, so that load which moves is not counted twice", () => {
  const demand = new DemandSum()
  for (let s = 0; s < 10; s++) demand.add(s * 1000, new Map([["a", 2]]))
  for (let s = 10; s < 20; s++) {
    demand.add(s * 1000, new Map(["a", "b", "c", "d"].map((name) => [name, 0.5])))
  }
  assert.equal(demand.cores(19_000), 2)
})

test("demand rises within three seconds and is held for twenty", () => {
  const demand = new DemandSum()
  const add = (second: number, cores: number) => demand.add(second * 1000, new Map([["a", cores]]))
  for (let s = 0; s <= 10; s++) add(s, 1)
  for (let s = 11; s <= 13; s++) add(s, 4)
  assert.equal(demand.cores(13_000), 4)
  for (let s = 14; s <= 32; s++) add(s, 1)
  assert.equal(demand.cores(32_000), 4)
  for (let s = 33; s <= 36; s++) add(s, 1)
  assert.equal(demand.cores(36_000), 1)
})

test("a replica that is silent counts with what it said last, one that is gone does not", () => {
  const demand = new DemandSum()
  assert.equal(demand.cores(0), undefined)
  for (let s = 0; s < 5; s++) {
    demand.add(
      s * 1000,
      new Map([
        ["a", 1],
        ["b", 2],
      ]),
    )
  }
  for (let s = 5; s < 15; s++) {
    demand.add(
      s * 1000,
      new Map([
        ["a", 1],
        ["b", undefined],
      ]),
    )
  }
  assert.equal(demand.cores(14_000), 3)
  for (let s = 15; s < 40; s++) demand.add(s * 1000, new Map([["a", 1]]))
  assert.equal(demand.cores(39_000), 1)
})

test("figures are read only where both pages tell what they should", () => {
  const demand = '{"workers":2,"busy":1,"queued":3,"coresLastSecond":0.5}'
  const metrics =
    'capstan_shed_total{operation="a"} 2\ncapstan_shed_total{operation="b"} 3\nprocess_cpu_seconds_total 1.25\n' +
    'capstan_workers{state="busy"} 1\ncapstan_workers{state="stuck"} 4\n' +
    'capstan_worker_memory_bytes{kind="heap",state="busy"} 7\ncapstan_worker_memory_bytes{kind="external",state="busy"} 8\n'
  const refuses = 'The server is ready.\nRefused: setup of "a" failed\nRefused: and another\n'
  assert.deepEqual(figuresOf(demand, metrics, refuses), {
    workers: 2,
    busy: 1,
    queued: 3,
    demandCores: 0.5,
    shedTotal: 5,
    cpuMs: 1250,
    stuck: 4,
    memoryBytes: 15,
    troubles: ['setup of "a" failed', "and another"],
  })
  const unready = figuresOf(demand, metrics, '{"status":503,"detail":"All workers are stuck."}')
  assert.deepEqual(unready?.troubles, ["All workers are stuck."])
  assert.deepEqual(figuresOf(demand, metrics, undefined)?.troubles, [])
  assert.equal(figuresOf(undefined, metrics, refuses), undefined)
  assert.equal(figuresOf("{}", metrics, refuses), undefined)
  assert.equal(figuresOf("null", metrics, refuses), undefined)
  assert.equal(figuresOf("<html>", metrics, refuses), undefined)
  assert.equal(figuresOf(demand, "", refuses)?.shedTotal, 0)
})

test("at another pace, all of the autoscaler's times change in the same proportion", () => {
  const spec = resolveSpec({ maxReplicas: 10, behavior: scalingBehavior })
  assert.deepEqual(atPace(spec, 15_000), spec)
  const fast = atPace(spec, 3_000)
  assert.equal(fast.behavior?.down.stabilizationWindowMs, 60_000)
  assert.deepEqual(
    fast.behavior?.up.policies.map(({ periodMs }) => periodMs),
    [3_000, 3_000],
  )
  assert.deepEqual(fast.readiness, { cpuInitializationPeriodMs: 60_000, initialDelayMs: 6_000 })
  assert.equal(fast.behavior?.up.policies[0]?.value, spec.behavior?.up.policies[0]?.value)
})
