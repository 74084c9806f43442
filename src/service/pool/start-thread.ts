/** Starts a worker's thread. */
import { Worker } from "node:worker_threads"
import type { WorkerSetup } from "./protocol.ts"
import type { WorkerOptions } from "./worker-contract.ts"

/** A worker inherits the options of `node --input-type=module --eval …`, and can't run a file with them. */
const isEvaluated = process.execArgv.some((arg) => arg.startsWith("--input-type"))

const entry = new URL(
  import.meta.url.endsWith(".ts") ? "./worker.ts" : "./worker.js",
  import.meta.url,
)

export function startThread(
  { moduleUrl, operations, required, nice, memoryMiB }: WorkerOptions,
  flags: SharedArrayBuffer,
): Worker {
  return new Worker(entry, {
    name: "capstan",
    workerData: { moduleUrl, operations, required, nice, flags } satisfies WorkerSetup,
    ...(isEvaluated ? { execArgv: [] } : {}),
    resourceLimits: { maxOldGenerationSizeMb: memoryMiB },
  })
}

export function tooSlow(setupTimeoutMs: number): Error {
  return new Error(
    `The worker was not ready within setupTimeoutMs, which is ${setupTimeoutMs} ms: loading the module and \`setup\` took too long.`,
  )
}
