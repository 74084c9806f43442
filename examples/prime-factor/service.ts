/**
 * The example of the README: a function that keeps a core busy, and a ping that must answer anyway.
 */
import { randomInt } from "node:crypto"
import { operation, service } from "capstan"
import * as z from "zod"
import { largestPrimeFactor } from "./factor.ts"

const hello = operation({
  method: "POST",
  path: "/api/v1/hello",
  summary: "Greets, and finds the largest prime factor of a number",
  description:
    "Factors by trial division, on purpose: it is there to keep a core busy. " +
    "Without `n` it takes a random number, a few milliseconds' work. " +
    "The slowest number is the largest prime below 2⁵³: about half a second on a whole core.",
  tags: ["prime factors"],
  body: z.object({
    n: z
      .int()
      .min(2)
      .max(Number.MAX_SAFE_INTEGER)
      .optional()
      .describe("The number to factor. A random one from 1.25e12 up to 2.5e12 when left out."),
  }),
  output: z.object({
    message1: z.string(),
    message2: z.string().describe("The result and the time it took, as a sentence."),
    n: z.int(),
    largest_prime_factor: z.int(),
    elapsed_time: z.number().min(0).describe("Seconds that the factoring took."),
  }),
  examples: {
    random: { summary: "A random number", body: {} },
    given: { summary: "A number of your own", body: { n: 600_851_475_143 } },
    slow: {
      summary: "The slowest number there is: the largest prime below 2⁵³",
      body: { n: 9_007_199_254_740_881 },
    },
  },
  // The slowest number fits even where a container gets a twentieth of a core.
  deadlineMs: 10_000,
  run({ body }) {
    const n = body.n ?? randomInt(1.25e12, 2.5e12)
    const startedAtMs = performance.now()
    const factor = largestPrimeFactor(n)
    // To the microsecond; what is behind it is noise.
    const elapsedS = Math.round((performance.now() - startedAtMs) * 1000) / 1e6
    return {
      message1: "Hello, world!",
      message2: `The largest prime factor of ${n} is ${factor}; finding it took ${elapsedS} seconds.`,
      n,
      largest_prime_factor: factor,
      elapsed_time: elapsedS,
    }
  },
})

const ping = operation({
  method: "GET",
  path: "/ping",
  summary: "Answers at once, however busy the workers are",
  tags: ["health"],
  output: z.object({ ping: z.literal("pong!") }),
  thread: "main",
  run: () => ({ ping: "pong!" }) as const,
})

export default service({
  title: "Prime factors",
  version: "1.0.0",
  description: "The largest prime factor of a number, found the slow way. Capstan's first example.",
  operations: { hello, ping },
})
