import assert from "node:assert/strict"
import { test } from "node:test"
import { pino } from "pino"
import { workerLog } from "../../src/service/worker-log.ts"

function trial() {
  const lines: Record<string, unknown>[] = []
  const logger = pino({ base: null }, { write: (line) => lines.push(JSON.parse(line)) })
  return { told: workerLog(logger, "the service"), lines }
}

const fault = { message: "late", stack: "Error: late\n    at somewhere" }

test("what a call has left behind is logged under its request's id and operation", () => {
  const { told, lines } = trial()
  told.leftover({ type: "leftover", operation: "classify", requestId: "r1", fault })
  const [{ level, operation, requestId, err, msg } = {}] = lines
  assert.deepEqual(
    { level, operation, requestId },
    { level: 50, operation: "classify", requestId: "r1" },
  )
  assert.equal((err as { readonly stack: string }).stack, fault.stack)
  assert.match(`${msg}`, /a call had left behind/)
})

test("what is of no call is not said to be of one", () => {
  const { told, lines } = trial()
  told.leftover({ type: "leftover", operation: undefined, requestId: undefined, fault })
  assert.equal("requestId" in (lines[0] ?? {}), false)
  assert.match(`${lines[0]?.msg}`, /the module or `setup` had started/)
})

test("a setup that fails is logged by the name of its operation, with what it means", () => {
  const { told, lines } = trial()
  const message = 'setup of "classify" failed: the model is missing'
  told.setupFailed({ operations: ["classify"], fault: { ...fault, message } }, 123.4)
  const [{ operations, retryInMs, msg } = {}] = lines
  assert.deepEqual({ operations, retryInMs }, { operations: ["classify"], retryInMs: 123 })
  assert.match(`${msg}`, /^setup of "classify" failed: the model is missing; calls are refused/)
})
