/** A run on several threads: its parts add up to what one would have sent. */
import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { load, scenario } from "capstan/load"
import { resolveLoad } from "../../src/load/config.ts"
import type { Snapshot } from "../../src/load/result.ts"
import { Run, threadsMax } from "../../src/load/run.ts"
import { scenarioOfModule } from "../../src/load/scenario/scenario-origin.ts"
import { loadTarget } from "../support/load-target.ts"
import { openResources } from "../support/server.ts"

const fixture = (name: string): URL => new URL(`../fixtures/load/${name}`, import.meta.url)
const home = fixture("home.ts")

test("threads share a rate: every arrival is sent once, each by another, and histograms add up", async () => {
  const before = openResources()
  {
    const seen: string[] = []
    await using target = await loadTarget((request, response) => {
      seen.push(String(request.headers["x-user"]))
      response.end("ok")
    })
    const result = await load({
      target: target.url,
      scenario: home,
      rate: 200,
      runTimeMs: 1000,
      workers: 2,
    })
    assert.equal(result.total.requests, 200)
    assert.equal(result.total.failures, 0)
    assert.deepEqual(result.exceptions, [])
    assert.deepEqual(
      seen.map(Number).toSorted((a, b) => a - b),
      Array.from({ length: 200 }, (_, number) => number),
    )
    assert.deepEqual(
      result.threads.map(({ number, requests }) => [number, requests]),
      [
        [1, 100],
        [2, 100],
      ],
    )
    assert.equal(result.generator.threads, 2)
    assert.equal(result.total.latencyHistogram.total, 200)
    assert.equal(result.rows.length, 1)
    assert.equal(result.phases.firstByte.count, 200)
    assert.equal(result.connections.opened, target.connections())
  }
  assert.equal(openResources().MessagePort ?? 0, before.MessagePort ?? 0)
})

// Most of the time they wait.
describe("threads", { concurrency: 3 }, () => {
  test("users are shared, can be changed while they run, and Ctrl-C ends all threads", async () => {
    await using target = await loadTarget((_, response) => {
      setTimeout(() => response.end(), 5)
    })
    const plan = resolveLoad({ target: target.url, users: 5, spawnRate: 1000, workers: 2 })
    const changed = resolveLoad({ target: target.url, users: 3, spawnRate: 1000 }).offer
    const snapshots: Snapshot[] = []
    const { promise, resolve } = Promise.withResolvers<void>()
    const run = new Run(plan, {
      scenario: await scenarioOfModule(home),
      onSecond(snapshot) {
        snapshots.push(snapshot)
        if (snapshots.length === 1) run.change(changed)
        if (snapshots.length === 2) resolve()
      },
    })
    await promise
    const result = await run.stop()
    const [first, second] = snapshots
    assert.equal(first?.point.users, 5)
    assert.deepEqual(first?.threads.map(({ users }) => users).toSorted(), [2, 3])
    assert.ok(
      first?.threads.every(({ requestsPerS, state }) => requestsPerS > 0 && state === "running"),
    )
    assert.equal(second?.point.users, 3)
    assert.equal(result.ended, "stopped")
    assert.equal(result.total.failures, 0)
  })

  test("counting begins anew on a reset, threads and all, and the run goes on", async () => {
    await using target = await loadTarget()
    const plan = resolveLoad({ target: target.url, rate: 100, runTimeMs: 1600, workers: 2 })
    let seconds = 0
    const run: Run = new Run(plan, {
      scenario: await scenarioOfModule(home),
      onSecond: () => {
        seconds += 1
        if (seconds === 1) void run.reset()
      },
    })
    const result = await run.done
    assert.ok(result.total.requests > 10 && result.total.requests < 100, `${result.total.requests}`)
    assert.ok(result.durationMs < 1000, `${result.durationMs}`)
    assert.equal(result.rows[0]?.requests, result.total.requests)
  })

  test("rows in turn are each used as often, whoever takes them", async () => {
    const names = new Map<string, number>()
    await using target = await loadTarget((request, response) => {
      const name = new URL(request.url!, "http://x").searchParams.get("name")!
      names.set(name, (names.get(name) ?? 0) + 1)
      response.end()
    })
    const scenario = fixture("people.ts")
    await load({ target: target.url, scenario, rate: 100, runTimeMs: 600, workers: 2 })
    assert.deepEqual(Object.fromEntries(names), { Ada: 20, "Hopper, Grace": 20, Lin: 20 })
  })

  test("a thread that dies is said, and the others take its part over", async () => {
    await using target = await loadTarget()
    const result = await load({
      target: target.url,
      scenario: fixture("dies.ts"),
      rate: 50,
      runTimeMs: 2000,
      workers: 2,
    })
    const [alive, dead] = result.threads.toSorted((a, b) => b.requests - a.requests)
    assert.ok(alive!.requests > 80, `${alive!.requests}`)
    assert.ok(dead!.requests < 10)
    assert.match(result.notes.join(), /Thread \d failed: it ended by itself, with 3/)
    assert.equal(result.exceptions.length, 1)
  })

  test("a scenario made in code can't go to other threads, and that is said with what to do", async () => {
    const inCode = scenario({ tasks: { home: ({ get }) => get("/") } })
    await assert.rejects(
      load({ target: "http://127.0.0.1:1", scenario: inCode, runTimeMs: 100, workers: 2 }),
      /workers is 2, but the scenario "scenario" was made in code.*give that module/,
    )
  })

  test("a second thread joins when the first has no CPU left, and the load is sent whole", async () => {
    await using target = await loadTarget()
    const plan = resolveLoad({ target: target.url, users: 4, runTimeMs: 4500, connectionAgeMs: 0 })
    const states: string[][] = []
    const run = new Run(plan, {
      scenario: await scenarioOfModule(fixture("busy.ts")),
      threadsMax: 2,
      onSecond: ({ threads }) => states.push(threads.map(({ state }) => state)),
    })
    const result = await run.done
    assert.deepEqual(states[0], ["running"])
    assert.equal(result.threads.length, 2)
    assert.ok(result.threads[1]!.requests > 0)
    assert.match(result.notes.join(), /From \d s on 2 threads sent/)
    assert.equal(result.total.failures, 0)
  })
})

test("how many threads a run may come to: a core each, half of them beside the target", () => {
  assert.equal(threadsMax(new URL("http://example.com"), 8), 8)
  for (const host of ["localhost", "127.0.0.1", "[::1]"]) {
    assert.equal(threadsMax(new URL(`http://${host}:8080`), 8), 4)
    assert.equal(threadsMax(new URL(`http://${host}:8080`), 1), 1)
  }
})
