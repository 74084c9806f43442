import assert from "node:assert/strict"
import { type TestContext, test } from "node:test"
import { newTask, type Task } from "../../src/service/pool/task.ts"
import { WorkerThread } from "../../src/service/pool/worker-thread.ts"
import { patienceMs } from "../support/patience.ts"
import { callOf, Latch, workerOptions } from "../support/pool.ts"

const estimate = { ms: 0.05, medianMs: 0.05, foretoldMs: undefined }

test("one that was taken back and is given again runs in its new place, and is answered", async (t) => {
  const { worker, outcomes, done, gone } = await tryWorker(t)
  const latch = new Latch()
  const [first, moved, other] = [task("held", latch.words), task("echo", "b"), task("echo", "c")]
  worker.run(first, performance.now())
  // All before the worker is done with the first. It still gets the message of the first giving, and
  // the second one is in the place of the first: a worker has no more places than it needs.
  assert.ok(worker.giveAhead(moved))
  assert.ok(worker.giveAhead(other))
  assert.ok(worker.takeBack(moved))
  assert.ok(worker.giveAhead(moved))
  latch.release()
  await done
  assert.deepEqual(
    outcomes.map(([{ call }]) => call.input?.body),
    [latch.words, "c", "b"],
  )
  worker.stop(1000)
  await gone
})

test("the end of one's grace does not end the worker when it is at the next one", async (t) => {
  const { worker, outcomes, done } = await tryWorker(t)
  const latch = new Latch()
  const [left, next] = [task("spin", { ms: 5 }), task("polite", latch.words)]
  // Behind an immediate come the timers, then the messages.
  await new Promise((resolve) => setImmediate(resolve))
  worker.run(left, performance.now())
  assert.ok(worker.giveAhead(next))
  // The grace is over before what has come from the worker meanwhile is read.
  worker.cancel(left, 0)
  latch.untilBegun()
  await new Promise((resolve) => setTimeout(resolve))
  worker.cancel(next, patienceMs())
  await done
  assert.deepEqual(kinds(outcomes), [
    ["spin", "done"],
    ["polite", "error"],
  ])
})

test("of two that are to stop, it is the one that the worker is at that is told", async (t) => {
  const { worker, outcomes, done } = await tryWorker(t)
  const latch = new Latch()
  const [over, next] = [task("echo", "a"), task("polite", latch.words)]
  worker.run(over, performance.now())
  assert.ok(worker.giveAhead(next))
  latch.untilBegun()
  worker.cancel(next, patienceMs())
  worker.cancel(over, patienceMs())
  await done
  assert.deepEqual(kinds(outcomes), [
    ["echo", "done"],
    ["polite", "error"],
  ])
})

async function tryWorker(t: TestContext) {
  const outcomes: (readonly [Task, string])[] = []
  const ready = Promise.withResolvers<void>()
  const done = Promise.withResolvers<void>()
  const gone = Promise.withResolvers<void>()
  const worker = new WorkerThread(workerOptions, {
    ready: () => ready.resolve(),
    outcome(_worker, task, { outcome }) {
      outcomes.push([task, outcome.kind])
      if (worker.state === "idle") done.resolve()
    },
    corrected() {},
    exited() {
      done.reject(new Error("The worker has ended."))
      gone.resolve()
    },
    lingers: () => false,
    leftover() {},
    log() {},
  })
  t.after(() => worker.end())
  done.promise.catch(() => {})
  await ready.promise
  return { worker, outcomes, done: done.promise, gone: gone.promise }
}

function task(name: string, body: unknown): Task {
  return newTask(callOf(name, body), estimate, () => {})
}

function kinds(outcomes: readonly (readonly [Task, string])[]) {
  return outcomes.map(([{ call }, kind]) => [call.name, kind])
}
