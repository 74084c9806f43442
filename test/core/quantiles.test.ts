import assert from "node:assert/strict"
import { test } from "node:test"
import { Quantiles } from "../../src/core/quantiles.ts"

test("knows nothing before the first value", () => {
  const quantiles = new Quantiles()
  assert.equal(quantiles.quantile(0.5), undefined)
})

test("quantiles are right to within 2.5 %, over six orders of magnitude", () => {
  for (const scale of [0.01, 1, 100, 10_000]) {
    const quantiles = new Quantiles(1e9)
    for (let n = 1; n <= 1000; n++) quantiles.add((n / 1000) * scale)
    for (const q of [0.1, 0.5, 0.9, 0.99]) {
      const value = quantiles.quantile(q)!
      assert.ok(Math.abs(value / (q * scale) - 1) < 0.026, `${q} of ${scale}: ${value}`)
    }
  }
})

test("follows a change: what is old fades by the number of newer values", () => {
  const quantiles = new Quantiles(100)
  for (let n = 0; n < 1000; n++) quantiles.add(10)
  for (let n = 0; n < 200; n++) quantiles.add(1000)
  assert.ok(quantiles.quantile(0.5)! > 900)
})

test("takes zero, the tiny and the huge without losing count", () => {
  const quantiles = new Quantiles()
  for (const value of [0, 1e-9, 1e12]) quantiles.add(value)
  assert.equal(quantiles.quantile(0), 0.001)
  assert.ok(quantiles.quantile(1)! > 1e7)
})
