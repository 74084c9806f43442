/** What one thread has to send, phase after phase, on a clock that is only a number. */
import assert from "node:assert/strict"
import { test } from "node:test"
import type { ResolvedOffer } from "../../src/load/config.ts"
import { alone } from "../../src/load/pace/pacer.ts"
import { constant, ramp } from "../../src/load/pace/profile.ts"
import { type Phase, Schedule } from "../../src/load/pace/schedule.ts"

function rate(perSecond: number): ResolvedOffer {
  return { kind: "rate", profile: constant(perSecond), arrivals: "even", runTimeMs: undefined }
}

function phase(fromMs: number, offer: ResolvedOffer, more: Partial<Phase> = {}): Phase {
  return { fromMs, offer, offerAtMs: fromMs, share: alone, usersFrom: 0, ...more }
}

/** All arrivals up to a time, asked for in steps as a timer would. */
function taken(schedule: Schedule, untilMs: number): number[] {
  const times: number[] = []
  for (let nowMs = 0; nowMs <= untilMs; nowMs += 7) {
    for (;;) {
      const dueAtMs = schedule.takeArrival(nowMs)
      if (dueAtMs === undefined) break
      assert.ok(dueAtMs <= nowMs)
      times.push(dueAtMs)
    }
    assert.ok(schedule.nextArrivalMs() > nowMs)
  }
  return times
}

test("another rate begins at its time, in the middle of its own first share", () => {
  const schedule = new Schedule(phase(1000, rate(10)), Math.random)
  schedule.enter(phase(1500, rate(100)))
  const times = taken(schedule, 1600)
  assert.deepEqual(times.slice(0, 5), [1050, 1150, 1250, 1350, 1450])
  assert.deepEqual(times.slice(5, 8), [1505, 1515, 1525])
  assert.equal(schedule.phase.fromMs, 1500)
})

test("several phases that are all over by the time they are asked for lose nothing", () => {
  const schedule = new Schedule(phase(0, rate(100)), Math.random)
  schedule.enter(phase(100, rate(200)))
  schedule.enter(phase(200, rate(0.001)))
  schedule.enter(phase(300, rate(100)))
  let count = 0
  while (schedule.takeArrival(400) !== undefined) count += 1
  assert.equal(count, 10 + 20 + 0 + 10)
})

test("the same load on two threads instead of one goes on where it was", () => {
  const offer: ResolvedOffer = {
    kind: "rate",
    profile: ramp(0, 1000, 100),
    arrivals: "even",
    runTimeMs: undefined,
  }
  const whole = taken(new Schedule(phase(0, offer), Math.random), 4000)
  const first = new Schedule(phase(0, offer), Math.random)
  const shared = (number: number) =>
    phase(1777, offer, { offerAtMs: 0, share: { number, of: 2 }, usersFrom: 5000 })
  first.enter(shared(0))
  const second = new Schedule(shared(1), Math.random)
  assert.deepEqual(
    [...taken(first, 4000), ...taken(second, 4000)].toSorted((a, b) => a - b),
    whole,
  )
})

test("users have numbers that no other thread gives", () => {
  const users: ResolvedOffer = { kind: "users", profile: constant(10), runTimeMs: undefined }
  const of3 = (number: number) =>
    new Schedule(phase(0, users, { share: { number, of: 3 } }), Math.random)
  const schedules = [of3(0), of3(1), of3(2)]
  const numbers = schedules.flatMap((schedule) =>
    Array.from({ length: schedule.usersAt(0) }, () => schedule.takeUserNumber()),
  )
  assert.deepEqual(
    numbers.toSorted((a, b) => a - b),
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
  )
  const [first] = schedules
  first!.enter(phase(100, users, { share: { number: 1, of: 4 }, usersFrom: 50 }))
  first!.usersAt(100)
  assert.deepEqual([first!.takeUserNumber(), first!.takeUserNumber()], [51, 55])
})
