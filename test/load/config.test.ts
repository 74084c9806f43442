import assert from "node:assert/strict"
import { test } from "node:test"
import { type LoadOptions, load } from "capstan/load"
import { resolveLoad } from "../../src/load/config.ts"
import { formatDuration, parseDurationMs } from "../../src/load/pace/duration.ts"

const target = "http://127.0.0.1:1"

test("a load that is not one is refused with what, its value and the range", async () => {
  const says = async (config: Partial<LoadOptions>, expected: RegExp): Promise<void> => {
    const error = { name: "LoadError", message: expected }
    await assert.rejects(load({ target, ...config }), error)
  }
  await says({ target: "localhost:8080" }, /target is "localhost:8080"; .* http:\/\//)
  await says({ target: "ftp://localhost" }, /begins with http:\/\/ or https:\/\//)
  await says({ users: 0 }, /users is 0; it must be from 1 to 10000/)
  await says({ users: 2.5 }, /users is 2\.5; it must be a whole number/)
  await says({ users: 5, rate: 10 }, /users and rate exclude each other/)
  await says({ rate: 10, spawnRate: 1 }, /spawn rate goes with users only/)
  await says({ users: 5, arrivals: "poisson" }, /Poisson arrivals go with a rate only/)
  await says({ rate: Number.NaN }, /rate is NaN/)
  await says({ stages: "0:10,1m:20000" }, /a stage is 20000; it must be from 0 to 10000/)
  await says({ runTimeMs: 5 }, /runTimeMs is 5; it must be from 100/)
  await says({ timeoutMs: 0 }, /timeoutMs is 0/)
  await says({ thresholds: ["p99"] }, /threshold "p99" can't be read/)
})

test("stages end the run, unless a run time is given", () => {
  assert.equal(resolveLoad({ target, stages: "0:1,1m30s:5" }).offer.runTimeMs, 90_000)
  assert.equal(resolveLoad({ target, stages: "0:1,1m:5", runTimeMs: 5000 }).offer.runTimeMs, 5000)
  assert.equal(resolveLoad({ target, users: 5 }).offer.runTimeMs, undefined)
})

test("durations are read as they are typed, and written so that they can be read", () => {
  for (const [text, ms] of [
    ["90", 90_000],
    ["0.5", 500],
    ["250ms", 250],
    ["1h30m", 5_400_000],
    ["1m30s", 90_000],
  ] as const) {
    assert.equal(parseDurationMs(text), ms)
    assert.equal(parseDurationMs(formatDuration(ms)), ms)
  }
  for (const text of ["", "x", "5 minutes", "-5s", "1m,30s"]) {
    assert.equal(parseDurationMs(text), undefined)
  }
})
