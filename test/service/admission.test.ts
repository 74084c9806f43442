import assert from "node:assert/strict"
import { test } from "node:test"
import {
  type AdmissionState,
  admit,
  type Candidate,
  retryAfterMs,
} from "../../src/service/admission.ts"

const calm: AdmissionState = {
  workersDown: false,
  setupFails: false,
  hasRoom: false,
  queued: 3,
  queueMax: 10,
  hasBehind: false,
  bytesHeld: 0,
  queueBytesMax: 1000,
  predictedWaitMs: 500,
  waitMsMax: Number.POSITIVE_INFINITY,
}
const small: Candidate = { bytes: 0, remainingMs: 1000, ownMs: 100, ownIs: "learnt" }

function check(state: Partial<AdmissionState>, candidate: Partial<Candidate>, expected: unknown) {
  assert.equal(admit({ ...calm, ...state }, { ...small, ...candidate }), expected)
}

test("admits what can be done within its deadline, to the last millisecond", () => {
  check({}, {}, undefined)
  check({}, { ownMs: 500 }, undefined)
  check({}, { ownMs: 501 }, "deadline")
})

test("sheds on the wait alone when the cost is not known yet", () => {
  check({ predictedWaitMs: 1001 }, { ownMs: undefined }, "deadline")
  check({ predictedWaitMs: 1000 }, { ownMs: undefined }, undefined)
})

test("bounds the queue by count and by bytes", () => {
  check({ queued: 10 }, {}, "queue-full")
  check({ bytesHeld: 900 }, { bytes: 101 }, "bytes-full")
  check({ bytesHeld: 900 }, { bytes: 100 }, undefined)
})

test("a free worker takes what was learnt to be slow: else it would be shut out for good", () => {
  check({ hasRoom: true, predictedWaitMs: 0 }, { ownMs: 5000 }, undefined)
})

test("a free worker does not take what the operation itself says to be hopeless", () => {
  check({ hasRoom: true, predictedWaitMs: 0 }, { ownMs: 5000, ownIs: "foretold" }, "deadline")
})

test("a free worker takes what only a correction makes hopeless, in either direction", () => {
  const free = { hasRoom: true, predictedWaitMs: 0 }
  check(free, { ownMs: 5000, declaredMs: 900, ownIs: "foretold" }, undefined)
  check(free, { ownMs: 900, declaredMs: 5000, ownIs: "foretold" }, undefined)
  check(free, { ownMs: 5000, declaredMs: 1001, ownIs: "foretold" }, "deadline")
  check({ predictedWaitMs: 0 }, { ownMs: 5000, declaredMs: 900, ownIs: "foretold" }, "deadline")
})

test("with no queue allowed, a free worker still takes work", () => {
  check({ hasRoom: true, queued: 0, queueMax: 0 }, {}, undefined)
  check({ queued: 0, queueMax: 0 }, {}, "queue-full")
})

test("sheds an operation whose setup fails, however idle the workers are", () => {
  check({ setupFails: true, hasRoom: true }, {}, "setup-failed")
})

test("sheds everything while no worker can start", () => {
  check({ workersDown: true, hasRoom: true }, {}, "no-workers")
})

test("in an overload sheds whoever would wait longer than its patience", () => {
  check({ waitMsMax: 499 }, {}, "deadline")
  check({ waitMsMax: 500 }, {}, undefined)
})

test("says to come back when the queue will have drained, in whole seconds that differ", () => {
  const at = (waitMs: number, chance: number) => retryAfterMs(waitMs, () => chance)
  assert.deepEqual([at(0, 0), at(100, 0.5), at(100, 0.999)], [1000, 2000, 3000])
  assert.deepEqual([at(8000, 0), at(8000, 0.999)], [8000, 12_000])
  assert.deepEqual([at(1e9, 0), at(1e9, 0.999)], [60_000, 90_000])
})
