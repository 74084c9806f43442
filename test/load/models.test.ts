/** Who sends when, and how long the run says that it took: the two models, users and tasks. */
import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { load, scenario } from "capstan/load"
import { monotonicClock } from "../../src/core/clock.ts"
import type { Histogram } from "../../src/core/histogram.ts"
import type { Snapshot } from "../../src/load/result.ts"
import type { User } from "../../src/load/scenario/scenario.ts"
import { enough, patientLoad } from "../support/load-run.ts"
import { loadTarget } from "../support/load-target.ts"

/** What a time lies between, by what was measured around it. */
interface Bounds {
  readonly fromMs: number
  readonly toMs: number
}

/**
 * Each time in a histogram lies within its bounds. It does not say whose time is whose, but when each
 * lies within its own, then the n-th of all lies between the n-th from below and the n-th to above.
 */
function assertWithin(histogram: Histogram, bounds: readonly Bounds[]): void {
  const ascending = (values: readonly number[]): number[] => values.toSorted((a, b) => a - b)
  const from = ascending(bounds.map(({ fromMs }) => fromMs))
  const to = ascending(bounds.map(({ toMs }) => toMs))
  const found = histogram.toJSON().flatMap(([us, count]) => Array(count).fill(us / 1000))
  assert.equal(found.length, bounds.length)
  for (const [rank, ms] of found.entries()) {
    // A histogram's step is a thousandth at the most, and a microsecond at the least.
    const [least, most] = [from[rank]! * 0.999 - 0.01, to[rank]! * 1.001 + 0.01]
    assert.ok(ms >= least && ms <= most, `${rank}: ${ms}, not ${least} to ${most} ms`)
  }
}

// They wait for time to pass, and for none in particular; so they do it together.
describe("models of load", { concurrency: true }, () => {
  test("a target that stalls can't hide behind requests that were not sent", async () => {
    // From the 100th request on nothing is answered, until 200 have come for all that: whoever waited
    // for answers would never send them. So half of all wait for what is left of the stall.
    const [rate, runTimeMs, all, before, during] = [400, 1000, 400, 100, 200]
    const held: (() => void)[] = []
    let asked = 0
    const answeredAtMs: number[] = []
    await using target = await loadTarget(({ url }, response) => {
      const answer = (): void => {
        answeredAtMs[Number(url?.slice(1))] = monotonicClock()
        response.end()
      }
      asked += 1
      if (asked <= before || asked > before + during) return answer()
      held.push(answer)
      if (held.length === during) for (const release of held) release()
    })
    const doneAtMs: number[] = []
    const numbered = scenario({
      tasks: {
        async one({ get, number }) {
          await get(`/${number}`, { name: "/" })
          doneAtMs[number] = monotonicClock()
        },
      },
    })
    // Its clock stands until it has begun, so that when that was is known.
    const startedAtMs = monotonicClock()
    let hasBegun = false
    const clock = (): number => (hasBegun ? monotonicClock() : startedAtMs)
    const config = { target: target.url, scenario: numbered, rate, runTimeMs }
    const running = patientLoad(config, { clock })
    hasBegun = true
    const { total } = await running
    assert.equal(total.requests, all)
    assert.equal(total.failures, 0)
    // Each is charged with the time from when it was due until it was answered, whenever it was sent.
    const bounds = Array.from({ length: all }, (_, number): Bounds => {
      const dueAtMs = startedAtMs + ((number + 0.5) * 1000) / rate
      return { fromMs: answeredAtMs[number]! - dueAtMs, toMs: doneAtMs[number]! - dueAtMs }
    })
    assertWithin(total.latencyHistogram, bounds)
    // That is not to say that all were quick: who came while it stalled waited for it, evenly less.
    const stalled = bounds.filter(({ fromMs }) => fromMs > 100)
    assert.ok(stalled.length > during / 2, `${stalled.length}`)
  })

  test("users wait for their answers, and the same stall costs each of them one request", async () => {
    const stallMs = 200
    const { signal, count } = enough(20)
    const answeredAtMs: number[] = []
    let askedMeanwhile = 0
    let state: "before" | "stalled" | "after" = "before"
    await using target = await loadTarget((_, response) => {
      const answer = (): void => {
        state = "after"
        answeredAtMs.push(monotonicClock())
        response.end()
        count()
      }
      if (state !== "after") askedMeanwhile += 1
      if (state !== "before") return answer()
      state = "stalled"
      setTimeout(answer, stallMs)
    })
    const turns: { readonly startedMs: number; readonly doneMs: number }[] = []
    const timed = scenario({
      tasks: {
        async home({ get }) {
          const startedMs = monotonicClock()
          await get("/")
          turns.push({ startedMs, doneMs: monotonicClock() })
        },
      },
    })
    const config = { target: target.url, scenario: timed, users: 1 }
    const { model, total } = await patientLoad(config, { signal })
    assert.equal(model, "closed")
    assert.equal(askedMeanwhile, 1)
    assert.equal(total.failures, 0)
    assertWithin(
      total.latencyHistogram,
      turns.map(({ startedMs, doneMs }, turn) => ({
        fromMs: turn === 0 ? stallMs - 1 : 0,
        toMs: doneMs - startedMs,
      })),
    )
  })

  test("a generator that stood still says so, and its requests count from when they were due", async () => {
    await using target = await loadTarget()
    const stoodMs = 200
    const standing = scenario({
      tasks: {
        home({ get, number }) {
          const untilMs = performance.now() + stoodMs
          while (number === 20 && performance.now() < untilMs);
          return get("/")
        },
      },
    })
    const config = { target: target.url, scenario: standing, rate: 100, runTimeMs: 500 }
    const result = await patientLoad(config)
    assert.equal(result.total.requests, 50)
    // The next one was due 10 ms behind the one at which it stood still.
    const leastMs = stoodMs - 15
    assert.ok(result.generator.lagMs.max > leastMs, `${result.generator.lagMs.max}`)
    assert.ok(result.generator.loopDelayMsMax > leastMs, `${result.generator.loopDelayMsMax}`)
    assert.ok(result.total.latency.maxMs > leastMs, `${result.total.latency.maxMs}`)
    assert.ok(result.total.latency.maxMs > result.total.service.maxMs)
  })

  test("there are as many users as asked for, and each is one at a time", async () => {
    const users = 7
    const waiting = new Set<() => void>()
    let most = 0
    // Nobody is answered before all of them wait.
    await using target = await loadTarget((_, response) => {
      waiting.add(() => response.end())
      most = Math.max(most, waiting.size)
      if (waiting.size < users) return
      for (const release of waiting) release()
      waiting.clear()
    })
    const stop = new AbortController()
    const onSecond = ({ point }: Snapshot): void => {
      if (point.users === users && most >= users) stop.abort()
    }
    const unhurried = scenario({
      wait: { constantMs: 20 },
      tasks: { home: (user) => user.get("/") },
    })
    const config = { target: target.url, scenario: unhurried, users, spawnRate: 1000 }
    // When it ends some wait for others that don't come any more.
    const { ended } = await patientLoad(config, { signal: stop.signal, graceMs: 100, onSecond })
    assert.equal(ended, "stopped", "all of them were told of")
    assert.equal(most, users)
    assert.equal(target.connections(), users)
  })

  test("tasks are chosen by weight, users wait between them, and requests have names", async () => {
    const pauseMs = 5
    const { signal, count } = enough(200)
    await using target = await loadTarget((_, response) => {
      response.end()
      count()
    })
    const endedAtMs = new Map<number, number>()
    const pausesMs: number[] = []
    const asked = async ({ number }: User, answered: Promise<unknown>): Promise<void> => {
      pausesMs.push(performance.now() - (endedAtMs.get(number) ?? Number.NEGATIVE_INFINITY))
      await answered
      endedAtMs.set(number, performance.now())
    }
    const weighted = scenario({
      wait: { constantMs: pauseMs },
      tasks: {
        often: {
          weight: 4,
          run: (user) => asked(user, user.get("/item/7?x=1", { name: "/item/{id}" })),
        },
        seldom: { weight: 1, run: (user) => asked(user, user.post("/order", { json: { n: 1 } })) },
      },
    })
    // Numbers as even as chance can have them.
    let drawn = 0
    const random = (): number => (drawn++ * 0.618_034) % 1
    const config = { target: `${target.url}/base/`, scenario: weighted, users: 10, spawnRate: 1000 }
    const { rows, total } = await patientLoad(config, { signal, random })
    assert.deepEqual(rows.map(({ name }) => name).toSorted(), ["/item/{id}", "/order"])
    const often = rows.find(({ name }) => name === "/item/{id}")?.requests ?? 0
    assert.ok(Math.abs(often / total.requests - 0.8) < 0.05, `${often} of ${total.requests}`)
    // A timer may be a millisecond early.
    assert.ok(Math.min(...pausesMs) > pauseMs - 1.5, `${Math.min(...pausesMs)}`)
  })

  test("a task that does nothing does not keep the thread to itself", async () => {
    const { signal, count } = enough(100)
    const idle = scenario({ tasks: { nothing: count } })
    const config = { target: "http://127.0.0.1:1", scenario: idle, users: 3, spawnRate: 1000 }
    let isFree = false
    setTimeout(() => {
      isFree = true
    }, 1)
    const result = await load(config, { signal })
    assert.equal(result.total.requests, 0)
    assert.ok(isFree)
  })
})
