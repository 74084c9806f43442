/** What is factored: numbers as the tutorial draws them, and one that is more work. */
import { randomInt } from "node:crypto"
import { largestPrimeFactor } from "../../examples/prime-factor/factor.ts"

/** Any from 1.25e12 up to 2.5e12, as in the tutorial. */
export function drawn(): { readonly n: number } {
  return { n: randomInt(1.25e12, 2.5e12) }
}

/** So many divisors are tried for it: 9 ms of CPU here, where a drawn number takes 0.9, and 18 in Python. */
const heavyDivisors = 3_400_000

/** A prime that takes ten times as long as a drawn number, and always the same. */
export function heavy(): { readonly n: number } {
  for (let n = heavyDivisors ** 2 + 1; ; n += 2) {
    if (largestPrimeFactor(n) === n) return { n }
  }
}
