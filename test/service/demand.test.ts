import assert from "node:assert/strict"
import { test } from "node:test"
import { Demand } from "../../src/service/demand.ts"

const price = (cpuMs: number | undefined) => new Map([["hello", { meanCpuMs: () => cpuMs }]])

/** Offers `perSecond` calls a second, evenly, from `fromS` to `toS`. */
function offer(demand: Demand, perSecond: number, fromS: number, toS: number): void {
  for (let n = 0; n < perSecond * (toS - fromS); n++) {
    demand.offer("hello", 1000 * (fromS + (n + 0.5) / perSecond))
  }
}

/** Offers calls by chance, with a generator that a seed replays. */
function offerByChance(demand: Demand, perSecond: number, toS: number, seed: number): void {
  let state = seed
  const random = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return (state + 0.5) / 2 ** 32
  }
  let atS = 0
  while (atS < toS) {
    demand.offer("hello", 1000 * atS)
    atS -= Math.log(random()) / perSecond
  }
}

test("is the rate of arrivals times the CPU time of a call", () => {
  const demand = new Demand(price(20), 0)
  offer(demand, 150, 0, 15)
  assert.ok(Math.abs(demand.cores(15_000) - 3) < 0.05, `${demand.cores(15_000)}`)
})

test("rises within a second of a surge", () => {
  const demand = new Demand(price(20), 0)
  offer(demand, 20, 0, 30)
  assert.ok(demand.cores(30_000) < 0.42)
  offer(demand, 200, 30, 31)
  assert.ok(demand.cores(31_100) > 3.5, `${demand.cores(31_100)} of 4 after a second`)
})

test("holds its height for 20 seconds, then falls to what is offered", () => {
  const demand = new Demand(price(20), 0)
  offer(demand, 200, 0, 15)
  offer(demand, 10, 15, 34)
  assert.ok(demand.cores(34_000) > 3.9)
  offer(demand, 10, 34, 50)
  assert.ok(demand.cores(50_000) < 0.3, `${demand.cores(50_000)}`)
})

test("falls to nothing after a long silence", () => {
  const demand = new Demand(price(20), 0)
  offer(demand, 200, 0, 5)
  assert.equal(demand.cores(3_600_000), 0)
})

test("does not take chance for a surge: within 10 % for 20 seconds of random arrivals, 20 times", () => {
  let off = 0
  for (let seed = 1; seed <= 20; seed++) {
    const demand = new Demand(price(20), 0)
    offerByChance(demand, 150, 60, seed)
    if (Math.abs(demand.cores(60_000) / 3 - 1) > 0.1) off += 1
  }
  // Three standard deviations, looked at a few dozen times: about one in fourteen is expected.
  assert.ok(off <= 3, `${off} of 20`)
})

test("a single heavy call is not a surge of a whole core", () => {
  const demand = new Demand(price(1000), 0)
  offer(demand, 0.05, 0, 300)
  assert.ok(demand.cores(300_000) <= 0.2, `${demand.cores(300_000)}`)
})

test("counts calls whose cost is foretold at that cost", () => {
  const demand = new Demand(price(20), 0)
  for (let n = 0; n < 1000; n++) demand.offer("hello", n * 10, 5)
  assert.ok(Math.abs(demand.cores(10_000) - 0.5) < 0.02)
})

test("learns late what early calls cost: they count as soon as it is known", () => {
  let cpuMs: number | undefined
  const demand = new Demand(new Map([["hello", { meanCpuMs: () => cpuMs }]]), 0)
  offer(demand, 100, 0, 5)
  assert.equal(demand.cores(5000), 0)
  cpuMs = 20
  assert.ok(demand.cores(5200) > 1.8)
})

test("a call that was refused before it ran asks for what it has used, and no more", () => {
  const demand = new Demand(price(1000), 0)
  offer(demand, 10, 0, 15)
  const before = demand.cores(15_000)
  for (let n = 0; n < 1000; n++) {
    demand.offer("hello", 15_050)
    demand.correct("hello", 15_060, 0.01)
  }
  assert.ok(Math.abs(demand.cores(15_200) - before) < 1, `${demand.cores(15_200)} of ${before}`)
})
