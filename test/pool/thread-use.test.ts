/** What is made of how long a thread ran, wanted to run, and waited. */
import assert from "node:assert/strict"
import { test } from "node:test"
import { activityOf } from "../../src/service/pool/thread-use.ts"

for (const [what, passedMs, loopIdleMs, kernel, activity] of [
  ["whose loop waits for an addon", 250, 249, { cpuMs: 1, delayMs: 0 }, "waits"],
  ["in an endless loop", 250, 0, { cpuMs: 249, delayMs: 1 }, "computes"],
  [
    "in an endless loop that others leave little CPU",
    2000,
    0,
    { cpuMs: 60, delayMs: 1900 },
    "computes",
  ],
  ["that is about to wait, if others let it run", 250, 0, { cpuMs: 2, delayMs: 248 }, "unclear"],
  ["that has been so for long", 10_001, 0, { cpuMs: 2, delayMs: 9_999 }, "computes"],
  ["that waits for a child process beside its loop", 250, 0, { cpuMs: 1, delayMs: 0 }, "computes"],
  ["that was looked at for a moment", 5, 0, { cpuMs: 5, delayMs: 0 }, "unclear"],
  ["that waits, where the kernel tells nothing", 250, 249, undefined, "waits"],
  ["that does not wait, where the kernel tells nothing", 250, 3, undefined, "computes"],
] as const) {
  test(`a thread ${what}: ${activity}`, () => {
    assert.equal(activityOf({ passedMs, loopIdleMs, kernel }), activity)
  })
}
