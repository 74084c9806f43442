/** A service with one operation. Change it and save: `npm run dev` serves the new version at once. */
import { operation, service } from "capstan"
import * as z from "zod"

const countPrimes = operation({
  path: "/primes",
  summary: "Counts the primes up to a number",
  body: z.object({ upTo: z.int().min(2).max(50_000_000).default(1_000_000) }),
  output: z.object({ upTo: z.int(), primes: z.int() }),
  examples: { small: { body: { upTo: 100 } }, aSecondOrTwo: { body: { upTo: 10_000_000 } } },
  deadlineMs: 20_000,

  // Runs on a worker thread, so it may keep a core busy for as long as it takes.
  run({ body: { upTo } }, { signal }) {
    let primes = 0
    for (let n = 2; n <= upTo; n++) {
      // The client has left, or the deadline has passed: nobody waits for the rest.
      if (signal.aborted) break
      if (isPrime(n)) primes++
    }
    return { upTo, primes }
  },
})

function isPrime(n: number): boolean {
  for (let i = 2; i <= n / i; i++) if (n % i === 0) return false
  return true
}

export default service({
  title: "{{name}}",
  version: "1.0.0",
  operations: { countPrimes },
})
