/** The naive factoring against an independent method, where rounding could betray it. */
import assert from "node:assert/strict"
import { randomInt } from "node:crypto"
import { test } from "node:test"
import { largestPrimeFactor } from "../../examples/prime-factor/factor.ts"
import { independentLargestPrimeFactor, isPrime } from "../support/factoring.ts"

function check(n: number): void {
  assert.equal(BigInt(largestPrimeFactor(n)), independentLargestPrimeFactor(BigInt(n)), `n = ${n}`)
}

test("factors the numbers that can be checked by hand", () => {
  for (const [n, factor] of [
    [2, 2],
    [3, 3],
    [4, 2],
    [6, 3],
    [9, 3],
    [25, 5],
    [97, 97],
    [1001, 13],
    [600_851_475_143, 6857],
    [2 ** 53 - 1, 20_394_401],
    [9_007_199_254_740_881, 9_007_199_254_740_881],
  ] as const) {
    assert.equal(largestPrimeFactor(n), factor, `n = ${n}`)
  }
})

test("agrees with the independent method on every small number", () => {
  for (let n = 2; n <= 5000; n++) check(n)
})

test("agrees on powers of two and their neighbours up to 2^53 − 1", () => {
  for (let exponent = 2; exponent <= 47; exponent++) {
    for (const n of [2 ** exponent - 1, 2 ** exponent, 2 ** exponent + 1]) check(n)
  }
  for (let exponent = 48; exponent <= 52; exponent++) check(2 ** exponent)
  check(2 ** 53 - 1)
})

test("agrees on squares of primes and products of close primes, where i meets n / i", () => {
  for (const p of [
    2,
    3,
    10_007,
    1_000_003,
    9_999_991,
    primeBelow(2 ** 26),
    primeBelow(94_906_265),
  ]) {
    check(p * p)
    const previous = primeBelow(p - 1)
    if (previous >= 2) check(p * previous)
    // One less and one more than a square: the bound must neither pass over i nor stop before it.
    check(p * p - 1)
    check(p * p + 1)
  }
})

test("agrees on numbers just below 2^53, primes among them", () => {
  for (let n = 2 ** 53 - 41; n < 2 ** 53; n += 2) check(n)
  check(primeBelow(2 ** 53 - 1))
})

test("agrees on random numbers of the range that the service draws from", () => {
  for (let i = 0; i < 200; i++) check(randomInt(1.25e12, 2.5e12))
})

test("the independent method itself knows primes from strong pseudoprimes", () => {
  for (const n of [2047n, 3_215_031_751n, 3_474_749_660_383n, 341_550_071_728_321n]) {
    assert.equal(isPrime(n), false, `${n} fools the first bases`)
  }
  for (const n of [2n, 41n, 43n, 2n ** 31n - 1n, 9_007_199_254_740_881n]) {
    assert.equal(isPrime(n), true, `${n} is prime`)
  }
})

function primeBelow(n: number): number {
  let candidate = n
  while (candidate >= 2 && !isPrime(BigInt(candidate))) candidate -= 1
  return candidate
}
