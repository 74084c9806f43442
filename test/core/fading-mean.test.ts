import assert from "node:assert/strict"
import { test } from "node:test"
import { FadingMean } from "../../src/core/fading-mean.ts"

test("it is the mean of what there was, and nothing before the first value", () => {
  const mean = new FadingMean()
  assert.equal(mean.value, undefined)
  for (const value of [1, 1, 4]) mean.add(value)
  assert.ok(Math.abs(mean.value! - 2) < 0.01)
  mean.raise(3)
  assert.ok(Math.abs(mean.value! - 3) < 0.01)
})

test("a value counts half after as many others as the half-life says", () => {
  const mean = new FadingMean(10)
  for (let n = 0; n < 1000; n++) mean.add(0)
  for (let n = 0; n < 10; n++) mean.add(1)
  assert.ok(Math.abs(mean.value! - 0.5) < 0.01)
})
