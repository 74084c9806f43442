/** How it is said of a worker that it needed more memory than it may have. */
import type { MemoryOptions } from "./worker-contract.ts"

/** V8's own code for it, so that all are told in the same words. */
const code = "ERR_WORKER_OUT_OF_MEMORY"

export function isOutOfMemory(error: unknown): boolean {
  return (error as NodeJS.ErrnoException | undefined)?.code === code
}

/** @param has what it had, as the end of a sentence. Unknown where V8 has ended a thread. */
export function outOfMemory(
  { memoryMiB, memorySetting = "workerMemoryMiB" }: MemoryOptions,
  who: "The worker" | "The worker's process",
  has?: string,
): Error {
  const had = has === undefined ? "" : `, and ${has}`
  const error = new Error(
    `${who} may use ${memoryMiB} MiB of memory${had}. What it may is ${memorySetting}: give it more, or let the work be done in smaller parts.`,
  )
  // Where it was made says nothing.
  return Object.assign(error, { code, stack: undefined })
}
