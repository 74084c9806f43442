import assert from "node:assert/strict"
import { test } from "node:test"
import type { Operation } from "../../src/service/operation.ts"
import { newTask, type Task } from "../../src/service/pool/task.ts"
import { WorkerThread } from "../../src/service/pool/worker-thread.ts"
import fixture from "../fixtures/pool/service.ts"

const estimate = { ms: 0.05, medianMs: 0.05, foretoldMs: undefined }

test("one that was taken back and is given again runs in its new place, and is answered", async (t) => {
  const answered: unknown[] = []
  const ready = Promise.withResolvers<void>()
  const all = Promise.withResolvers<void>()
  const gone = Promise.withResolvers<void>()
  const worker = new WorkerThread(
    {
      moduleUrl: new URL("../fixtures/pool/service.ts", import.meta.url).href,
      operations: ["spin", "echo"],
      nice: 0,
      memoryMiB: 128,
      setupTimeoutMs: 20_000,
    },
    {
      ready: () => ready.resolve(),
      outcome(_worker, task) {
        answered.push(task.call.input.body)
        if (worker.state === "idle") all.resolve()
      },
      corrected() {},
      exited: () => gone.resolve(),
      log() {},
    },
  )
  t.after(() => worker.terminate())
  await ready.promise
  const [first, moved, other] = [task("spin", { ms: 20 }), task("echo", "b"), task("echo", "c")]
  worker.run(first, performance.now())
  // All before the worker is done with the first. It still gets the message of the first giving, and
  // the second one is in the place of the first: a worker has no more places than it needs.
  assert.ok(worker.giveAhead(moved))
  assert.ok(worker.giveAhead(other))
  assert.ok(worker.takeBack(moved))
  assert.ok(worker.giveAhead(moved))
  await all.promise
  assert.deepEqual(answered, [{ ms: 20 }, "c", "b"])
  worker.stop(1000)
  await gone.promise
})

function task(name: string, body: unknown): Task {
  const nowMs = performance.now()
  return newTask(
    {
      name,
      operation: fixture.operations.get(name) as Operation,
      input: { path: undefined, query: undefined, headers: undefined, body },
      transfer: [],
      requestId: "test",
      tryId: "test",
      arrivedAtMs: nowMs,
      deadlineAtMs: nowMs + 20_000,
      encoding: undefined,
    },
    estimate,
    () => {},
  )
}
