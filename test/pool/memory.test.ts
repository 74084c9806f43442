/** What happens to workers that need more memory than they may, and to those that only seem to. */
import assert from "node:assert/strict"
import { test } from "node:test"
import type { Worker } from "node:worker_threads"
import type { PoolOptions } from "../../src/service/pool/contract.ts"
import { ThreadMemory } from "../../src/service/pool/thread-memory.ts"
import fixture, { growing } from "../fixtures/pool/grows.ts"
import { answerOf, Latch, type Trial, tryPool } from "../support/pool.ts"

const options: Partial<PoolOptions> = {
  moduleUrl: new URL("../fixtures/pool/grows.ts", import.meta.url).href,
  operations: [...fixture.operations.keys()],
  memoryMiB: 32,
  memorySetting: "workerMemoryMiB",
}

test("whatever grows costs one call, while its neighbour's goes on", async (t) => {
  await using trial = await tryPool({ ...options, size: 2, spares: 1 })
  await trial.warm()
  const neighbour = new Latch()
  const held = trial.submit("held", neighbour.words)
  for (const [at, what] of Object.keys(growing).entries()) {
    await t.test(what, async () => {
      const outcome = await trial.run("grow", { what })
      assert.ok(outcome.kind === "crashed", JSON.stringify(outcome))
      assert.equal(outcome.how, "out-of-memory")
      assert.match(outcome.fault.message, /may use 32 MiB of memory, and had \d+ MiB/)
      assert.match(outcome.fault.message, /workerMemoryMiB/)
      assert.equal(trial.deaths.length, at + 1)
      assert.equal(answerOf(await trial.run("echo", "still here")), "still here")
    })
  }
  neighbour.release()
  assert.equal(answerOf(await held.outcome), "released")
})

test("memory that is not kept is not counted, however much it is", async () => {
  await using trial = await tryPool({ ...options, memoryLookMs: 10 })
  assert.equal(answerOf(await trial.run("passes", { mib: 4000 })), true)
  assert.equal(trial.deaths.length, 0)
})

test("a thread that ends while it is made to collect is asked in vain, and nothing else", async () => {
  const { promise: stopped, resolve: stop } = Promise.withResolvers<string>()
  const answers = [Promise.resolve({ used_heap_size: 2 ** 30, external_memory: 0 })]
  const ending = {
    startHeapProfile: async () => ({ stop: () => stopped }),
    getHeapStatistics: () => answers.shift() ?? Promise.reject(new Error("not running")),
  }
  const look = new ThreadMemory(ending as unknown as Worker, { memoryMiB: 32 }).look()
  // Long enough for what nobody handles to fail this test.
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
  stop("")
  assert.equal(await look, undefined)
})

const inSetup = {
  moduleUrl: new URL("../fixtures/pool/grows-in-setup.ts", import.meta.url).href,
  operations: ["hello"],
}

test("what `setup` holds outside of the heap is no call's", async () => {
  process.env.TEST_SETUP_HOLDS_MIB = "25"
  await using trial = await tryPool({ ...options, ...inSetup })
  delete process.env.TEST_SETUP_HOLDS_MIB
  assert.equal(answerOf(await trial.run("hello", { mib: 15 })), 40)
  assert.equal(trial.deaths.length, 0)
})

for (const what of ["a Map", "Buffers"]) {
  test(`a setup that grows by ${what} is a boot that fails, and says why`, async () => {
    process.env.TEST_SETUP_GROWS = what
    let trial: Trial | undefined
    try {
      trial = await tryPool({ ...options, ...inSetup })
      assert.equal(trial.pool.state, "down")
      assert.equal(trial.deaths[0]?.how, "out-of-memory")
      assert.match(trial.deaths[0].message, /may use 32 MiB of memory/)
    } finally {
      delete process.env.TEST_SETUP_GROWS
      await trial?.pool.close(0)
    }
  })
}
