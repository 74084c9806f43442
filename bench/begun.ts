/**
 * How many calls a server has begun to compute, answered or not: each thread that runs handlers
 * counts in a file of its own, eight bytes that it overwrites. So the count survives however a peer
 * spreads its work over threads and processes, and costs some microseconds a call, the same for all.
 *
 * Counting is enough to know the CPU time, since each call costs the same. The thread's own CPU clock
 * is of no use for one call: Linux brings `getrusage` up to date at its ticks only, 4 ms apart.
 *
 * Without the environment variable nothing is counted.
 */
import { openSync, readdirSync, readFileSync, writeSync } from "node:fs"
import { join } from "node:path"
import { threadId } from "node:worker_threads"

export const begunDirectoryVariable = "BENCH_BEGUN_DIR"

let file: number | undefined
const count = new Float64Array(1)

/** To be called where the computing begins. */
export function begin(): void {
  const directory = process.env[begunDirectoryVariable]
  if (directory === undefined) return
  file ??= openSync(join(directory, `${process.pid}-${threadId}`), "w")
  count[0] = (count[0] ?? 0) + 1
  writeSync(file, count, 0, 8, 0)
}

/** The sum over all threads that ever counted in `directory`. */
export function readBegun(directory: string): number {
  let begun = 0
  for (const name of readdirSync(directory)) {
    const bytes = readFileSync(join(directory, name))
    if (bytes.length === 8) begun += bytes.readDoubleLE(0)
  }
  return begun
}
