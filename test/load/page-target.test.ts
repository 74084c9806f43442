/** What the page keeps of a target and of single endpoints, in bounded memory. */
import assert from "node:assert/strict"
import { once } from "node:events"
import { test } from "node:test"
import { targetCourse } from "../../src/load/books/course.ts"
import { Thinning } from "../../src/load/books/thinning.ts"
import { Endpoints } from "../../src/load/page/endpoints.ts"
import type { PageEvent } from "../../src/load/page/events.ts"
import { Lanes, lanesMax } from "../../src/load/page/lanes.ts"
import { Watch } from "../../src/load/page/watch.ts"
import type { TargetPod, TargetReading } from "../../src/load/target.ts"
import { peakOf } from "../../src/load/target.ts"
import { ScriptedTarget } from "../support/page.ts"
import { simulatedTimers } from "../support/simulated-timers.ts"

const replicas = { wanted: 2, present: 2, ready: 1, min: 1, max: 4 }
const pod = (
  name: string,
  phase: TargetPod["phase"],
  sinceMs: number,
  restarts = 0,
): TargetPod => ({
  name,
  phase,
  sinceMs,
  restarts,
})

test("a full list halves its past and never forgets a peak", () => {
  const list = new Thinning<number>(8, Math.max)
  for (let number = 1; number <= 100; number++) list.add(number === 3 ? 1000 : number)
  assert.ok(list.items.length <= 8)
  assert.equal(list.items[0], 1000)
  assert.equal(list.items.at(-1), 100)
})

test("two readings that become one keep the last replicas and the peak of all else", () => {
  const earlier = { replicas, queued: 9, cpuCores: 1 }
  const later = { replicas: { ...replicas, ready: 2 }, queued: 1, demandCores: 3 }
  assert.deepEqual(peakOf(earlier, later), {
    replicas: { ...replicas, ready: 2 },
    queued: 9,
    cpuCores: 1,
    demandCores: 3,
  })
})

test("what was shed a second is no figure where a counter began anew or nobody answered", () => {
  const at = (timeMs: number, shedTotal: number | undefined) => ({
    timeMs,
    figures: shedTotal === undefined ? null : { replicas, shedTotal },
  })
  const { columns } = targetCourse([
    at(0, 10),
    at(2000, 30),
    at(3000, 5),
    at(4000, undefined),
    at(5000, 9),
  ])
  assert.deepEqual(columns.shedPerS, [null, 10, null, null, null])
  assert.deepEqual(columns.ready, [1, 1, 1, null, 1])
  assert.deepEqual(columns.max, [4, 4, 4, null, 4])
})

test("a pod's lane tells its phases, its end, and its return under the same name", () => {
  const lanes = new Lanes()
  assert.equal(lanes.take([pod("a", "starting", 100)], 150).length, 1)
  assert.equal(lanes.take([pod("a", "starting", 100)], 160).length, 0)
  lanes.take([pod("a", "ready", 200)], 250)
  // A phase that its source dates before the one that it follows.
  lanes.take([pod("a", "draining", 50)], 300)
  const [gone] = lanes.take([], 400)
  assert.equal(gone?.goneMs, 400)
  const [back] = lanes.take([pod("a", "starting", 350)], 500)
  assert.equal(back?.goneMs, null)
  assert.deepEqual(
    back?.phases.map(({ phase, sinceMs }) => [phase, sinceMs]),
    [
      ["starting", 100],
      ["ready", 200],
      ["draining", 200],
      ["starting", 400],
    ],
  )
  lanes.take([pod("a", "starting", 350, 1)], 600)
  assert.equal(lanes.all[0]?.phases.at(-1)?.restarts, 1)
})

test("of very many pods the oldest that are gone are forgotten first", () => {
  const lanes = new Lanes()
  lanes.take([pod("stays", "ready", 0)], 0)
  for (let number = 0; number < 3 * lanesMax; number++) {
    lanes.take([pod("stays", "ready", 0), pod(`p${number}`, "ready", number)], number)
  }
  assert.equal(lanes.all.length, lanesMax)
  assert.equal(lanes.all[0]?.name, "stays")
  assert.equal(lanes.all.at(-1)?.name, `p${3 * lanesMax - 1}`)
})

test("each endpoint has its history, and a long one keeps its peaks in the same memory", () => {
  const endpoints = new Endpoints()
  const row = (name: string, currentPerS: number, p99: number | null) => ({
    method: "GET",
    name,
    currentPerS,
    currentFailuresPerS: 0,
    currentPercentilesMs: p99 === null ? null : { 50: 1, 95: 2, 99: p99 },
  })
  endpoints.add(1000, [row("/a", 5, 10)])
  endpoints.add(2000, [row("/a", 5, null), row("/b", 1, 3)])
  assert.deepEqual(endpoints.course("GET", "/a")?.columns.p99, [10, null])
  assert.deepEqual(endpoints.course("GET", "/b")?.columns.requestsPerS, [0, 1])
  assert.equal(endpoints.course("POST", "/a"), undefined)

  for (let second = 3; second <= 5000; second++) {
    endpoints.add(second * 1000, [row("/a", 5, second === 4 ? 777 : 10)])
  }
  const { timeMs, columns } = endpoints.course("GET", "/a")!
  assert.ok(timeMs.length <= 1800)
  assert.equal(timeMs.at(-1), 5_000_000)
  assert.deepEqual(
    timeMs.toSorted((a, b) => a - b),
    timeMs,
  )
  assert.equal(Math.max(...columns.p99.map((value) => value ?? 0)), 777)
  assert.ok(columns.requestsPerS.slice(-100).every((value) => value === 5))
})

test("a watch asks at once, tells each reading, and leaves nothing behind", async (t) => {
  const timers = simulatedTimers(t)
  const decision = { id: "1", atMs: 5, from: 1, to: 2, reasons: ["because"] }
  const reading: TargetReading = { replicas, pods: [pod("a", "ready", 1)], decisions: [decision] }
  const source = new ScriptedTarget(reading)
  const events: PageEvent[] = []
  const heard = new EventTarget()
  const tell = (event: PageEvent): void => {
    events.push(event)
    heard.dispatchEvent(new Event(event.kind))
  }
  // Its clock ticks once for each reading.
  let nowMs = 0
  const watch = new Watch(source, () => ++nowMs, tell, 300)
  const after = async (ms: number, kind: PageEvent["kind"]): Promise<void> => {
    const told = once(heard, kind)
    timers.tick(ms)
    await told
  }
  await once(heard, "target")
  for (let line = 0; line < 300; line++) source.log("a", `line ${line} ${"x".repeat(5000)}`)
  assert.deepEqual(watch.state().lines, [], "a page that has the state now is told them yet")
  await after(250, "lines")
  // The same decision again, and the pod gone.
  source.reading = { replicas, pods: [], decisions: [decision] }
  await after(50, "target")
  source.reading = undefined
  await after(300, "target")
  watch.close()
  source.log("a", "too late")
  timers.tick(1000)

  const told = events.filter((event) => event.kind === "target")
  assert.deepEqual(
    told.map(({ decisions }) => decisions.length),
    [1, 0, 0],
  )
  assert.deepEqual(
    told.map(({ lanes }) => lanes.length),
    [1, 1, 0],
  )
  assert.deepEqual(
    told.map(({ row }) => row.values.ready),
    [1, 1, null],
  )
  const lines = events.find((event) => event.kind === "lines")!
  assert.equal(lines.lines.length, 200)
  assert.equal(lines.missed, 100)
  const state = watch.state()
  assert.equal(state.lines?.length, 300)
  assert.equal(state.lines?.[0]?.text.length, 2000)
  assert.equal(state.reading, null)
  assert.equal(state.course.timeMs.length, 3)
  assert.equal(source.followers, 0)
})

test("a source that fails or hangs is a gap and no crash", async () => {
  const events: PageEvent[] = []
  const heard = new EventTarget()
  let reads = 0
  const watch = new Watch(
    {
      where: "nowhere",
      read: () => {
        reads += 1
        return reads === 1 ? Promise.reject(new Error("no")) : new Promise(() => {})
      },
    },
    Date.now,
    (event) => {
      events.push(event)
      heard.dispatchEvent(new Event("event"))
    },
    10,
  )
  while (events.length < 2) await once(heard, "event")
  watch.close()
  assert.equal(reads, 2)
  assert.ok(events.every((event) => event.kind === "target" && event.reading === null))
  assert.equal(watch.state().lines, null)
})
