import assert from "node:assert/strict"
import { test } from "node:test"
import type { Call } from "../../src/service/outcome.ts"
import { newTask } from "../../src/service/pool/task.ts"
import { Waiting } from "../../src/service/pool/waiting.ts"

const call: Call = {
  name: "work",
  operation: { streams: false } as Call["operation"],
  input: { path: undefined, query: undefined, headers: undefined, body: undefined },
  transfer: [],
  requestId: "1",
  tryId: "1",
  peer: "peer",
  arrivedAtMs: 0,
  deadlineAtMs: 1000,
  encoding: undefined,
}
const estimate = { ms: undefined, medianMs: undefined, foretoldMs: undefined }
const task = () => newTask(call, estimate, () => {})

test("the queue fills with its first task, be it new or put back, and empties with its last", () => {
  const said: string[] = []
  const waiting = new Waiting({
    workers: [],
    clock: () => 0,
    promisesHoldSinceMs: undefined,
    meanMs: () => undefined,
    slots: () => 1,
    filled: () => said.push("filled"),
    emptied: () => said.push("emptied"),
  })
  const first = task()
  waiting.add(first)
  waiting.add(task())
  waiting.takeInTime(() => assert.fail())
  waiting.takeInTime(() => assert.fail())
  assert.deepEqual(said, ["filled", "emptied"])
  waiting.putBack(first)
  assert.deepEqual(said, ["filled", "emptied", "filled"])
})
