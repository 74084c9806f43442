/**
 * The work that every JavaScript peer does, the same functions for all of them: what differs between
 * two rows of a table is then how they are served and nothing else. `peers/fastapi/work.py` is the
 * same in Python.
 */

import { largestPrimeFactor } from "../examples/prime-factor/factor.ts"

export interface Hello {
  readonly message1: string
  readonly message2: string
  readonly n: number
  readonly largest_prime_factor: number
  readonly elapsed_time: number
}

/** What `examples/prime-factor` answers. */
export function hello(n: number): Hello {
  const startedAtMs = performance.now()
  const factor = largestPrimeFactor(n)
  const elapsedSeconds = (performance.now() - startedAtMs) / 1000
  return {
    message1: "Hello, world!",
    message2: `The largest prime factor of ${n} is ${factor}. I've calculated this in ${elapsedSeconds.toFixed(3)} seconds.`,
    n,
    largest_prime_factor: factor,
    elapsed_time: elapsedSeconds,
  }
}

/**
 * Burns CPU for a fixed count of steps of a random number generator (Marsaglia's xorshift, "Xorshift
 * RNGs", 2003), and answers the last one. Shifts only, since every compiler of V8 is good at them:
 * `Math.imul` here made a call five times as long, at random, whenever V8 inlined this loop into its
 * caller and compiled that by its middle tier.
 */
export function spin(iterations: number): number {
  let state = 1
  for (let i = 0; i < iterations; i++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
  }
  return state
}

/**
 * The n's of every `hello` request, in this order, for every peer. Drawn from where the example
 * draws its own, [1.25e12, 2.5e12), once and for all.
 */
export const numbers: readonly number[] = drawNumbers(64)

function drawNumbers(count: number): readonly number[] {
  let state = 2026
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0
    return Math.floor(1.25e12 + ((state >>> 0) / 2 ** 32) * 1.25e12)
  })
}
