import assert from "node:assert/strict"
import { test } from "node:test"
import { isTelling } from "../../src/service/cost.ts"

test("what was refused before it ran, or cut short, makes no call look cheap", () => {
  const invalid = { kind: "invalid", problem: { status: 422, json: "{}" } } as const
  const cancelled = { kind: "cancelled", where: "running" } as const
  const done = { kind: "done", reply: { kind: "empty" } } as const
  for (const [outcome, ranMs, meanMs, wanted] of [
    [done, 1, 100, true],
    [done, 1, undefined, true],
    [invalid, 1, 100, false],
    [invalid, 1, undefined, false],
    [invalid, 200, 100, true],
    [cancelled, 1, 100, false],
    [cancelled, 1, undefined, true],
    [cancelled, 200, 100, true],
  ] as const) {
    assert.equal(isTelling(outcome, ranMs, meanMs), wanted)
  }
})
