/**
 * The function on bare worker threads, two of them, without HTTP: each gets its next call when it
 * has answered the last. Nothing that runs the function on threads can do more.
 *
 * Its own process: prints calls a second, and ends. Arguments: iterations, warm-up ms, duration ms.
 */
import { isMainThread, parentPort, Worker } from "node:worker_threads"
import { spin20, spinIterationsVariable } from "./peers/functions.ts"

const [iterations, warmupMs = 0, durationMs = 0] = process.argv.slice(2).map(Number)

if (isMainThread) {
  process.env[spinIterationsVariable] = `${iterations}`
  let calls = 0
  const workers = [0, 1].map(() => new Worker(new URL(import.meta.url)))
  for (const worker of workers) {
    worker.on("message", () => {
      calls++
      worker.postMessage(undefined)
    })
    worker.postMessage(undefined)
  }
  setTimeout(() => {
    const [before, beganAtMs] = [calls, performance.now()]
    setTimeout(() => {
      const seconds = (performance.now() - beganAtMs) / 1000
      process.stdout.write(`${(calls - before) / seconds}\n`)
      for (const worker of workers) void worker.terminate()
    }, durationMs)
  }, warmupMs)
} else {
  parentPort?.on("message", () => parentPort?.postMessage(spin20()))
}
