/** Whose memory is looked at, and who is ended for it, with workers that are what the test says. */
import assert from "node:assert/strict"
import { type TestContext, test } from "node:test"
import { MemoryWatch } from "../../src/service/pool/memory-watch.ts"
import type { WorkerThread } from "../../src/service/pool/worker-thread.ts"
import { simulatedTimers } from "../support/simulated-timers.ts"

const tooMuch = new Error("too much")

class FakeWorker {
  state = "idle"
  task: unknown
  isLeaving = false
  readonly given = { lastId: 0, isPastFirst: false }
  looks = 0
  rejectedFor: Error | undefined
  answer: () => Error | undefined = () => undefined
  readonly memory = {
    isNear: false,
    look: async () => {
      this.looks += 1
      return this.answer()
    },
  }

  begin(): void {
    this.state = "busy"
    this.given.lastId += 1
    this.task = {}
  }

  end(): void {
    this.state = "idle"
    this.task = undefined
  }

  reject(error: Error): void {
    this.rejectedFor = error
  }
}

function tryWatch(t: TestContext) {
  const timers = simulatedTimers(t)
  const workers = [new FakeWorker(), new FakeWorker()] as const
  const replaced: unknown[] = []
  const watch = new MemoryWatch({
    workers: workers as unknown as Iterable<WorkerThread>,
    lookMs: 100,
    outgrownIdle: (worker) => replaced.push(worker),
  })
  const settled = () => new Promise((resolve) => setImmediate(resolve))
  return { timers, workers, replaced, watch, settled }
}

test("a worker is looked at while it is at something, once more when it is idle, and then no more", (t) => {
  const { timers, workers, watch } = tryWatch(t)
  const [one] = workers
  one.begin()
  watch.wake()
  timers.tick(300)
  assert.equal(one.looks, 3)
  one.end()
  timers.tick(1000)
  assert.equal(one.looks, 4)
  // What came and went between two looks is looked at as well.
  one.begin()
  one.end()
  watch.wake()
  timers.tick(1000)
  assert.equal(one.looks, 5)
})

test("one that is near its bound is looked at four times as often", (t) => {
  const { timers, workers, watch } = tryWatch(t)
  const [one] = workers
  one.begin()
  one.memory.isNear = true
  watch.wake()
  timers.tick(200)
  assert.equal(one.looks, 5)
})

test("one that has too much is ended for what it is at, or replaced when it is at nothing", async (t) => {
  const { timers, workers, replaced, watch, settled } = tryWatch(t)
  const [busy, idle] = workers
  busy.begin()
  for (const worker of workers) worker.answer = () => tooMuch
  watch.wake()
  timers.tick(100)
  await settled()
  assert.equal(busy.rejectedFor, tooMuch)
  assert.equal(idle.rejectedFor, undefined)
  assert.deepEqual(replaced, [idle])
})

const begin = (worker: FakeWorker) => worker.begin()

for (const [what, before, change] of [
  ["has begun another task", begin, begin],
  ["is idle", begin, (worker: FakeWorker) => worker.end()],
  [
    "has gone on to one given ahead",
    begin,
    (worker: FakeWorker) => {
      worker.given.isPastFirst = true
    },
  ],
  [
    "has come up",
    (worker: FakeWorker) => {
      worker.state = "booting"
    },
    (worker: FakeWorker) => worker.end(),
  ],
  [
    "is leaving",
    begin,
    (worker: FakeWorker) => {
      worker.isLeaving = true
    },
  ],
] as const) {
  test(`one that ${what} by the time that it has answered is not blamed`, async (t) => {
    const { timers, workers, replaced, watch, settled } = tryWatch(t)
    const [one] = workers
    before(one)
    one.answer = () => {
      change(one)
      return tooMuch
    }
    watch.wake()
    timers.tick(100)
    await settled()
    assert.equal(one.rejectedFor, undefined)
    assert.deepEqual(replaced, [])
  })
}

test("when it has ended, nothing is looked at", (t) => {
  const { timers, workers, watch } = tryWatch(t)
  workers[0].begin()
  watch.wake()
  watch.end()
  watch.wake()
  timers.tick(1000)
  assert.equal(workers[0].looks, 0)
})
