/** The functions as they run, counted: inline, in Piscina's threads, in Watt's and in ours. */
import { begin } from "../begun.ts"
import { type Hello, hello as helloOf, spin } from "../work.ts"

export const spinIterationsVariable = "BENCH_SPIN_ITERATIONS"

export function hello(n: number): Hello {
  begin()
  return helloOf(n)
}

/** 20 ms of CPU: the bench has found out how many iterations that takes on this machine. */
export function spin20(): number {
  begin()
  return spin(spinIterations())
}

export function empty(): boolean {
  return true
}

function spinIterations(): number {
  const iterations = Number(process.env[spinIterationsVariable])
  if (!(iterations > 0)) {
    throw new Error(
      `${spinIterationsVariable} is not set; start this peer through \`npm run bench\`.`,
    )
  }
  return iterations
}
