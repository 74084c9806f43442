/**
 * How much spinning takes a given CPU time on this machine, with two cores busy: that is how the
 * benches use it, and a core alone often runs faster.
 */
import { once } from "node:events"
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads"
import { spin } from "./work.ts"

/** Iterations of `spin` that take `targetMs` of CPU. */
export async function calibrateSpin(targetMs: number): Promise<number> {
  const workers = [0, 1].map(
    () => new Worker(new URL(import.meta.url), { workerData: { targetMs }, execArgv: [] }),
  )
  const found = await Promise.all(workers.map(async (worker) => (await once(worker, "message"))[0]))
  return Math.round((found[0] + found[1]) / 2)
}

const iterationsAtOnce = 1_000_000

if (!isMainThread && parentPort !== null) {
  parentPort.postMessage(iterationsFor(workerData.targetMs))
}

/** Over more than a second, since Linux brings a thread's CPU time up to date every few ms only. */
function iterationsFor(targetMs: number): number {
  spinFor(300)
  const before = process.threadCpuUsage()
  const iterations = spinFor(1500)
  const { user, system } = process.threadCpuUsage(before)
  return (targetMs * iterations) / ((user + system) / 1000)
}

function spinFor(durationMs: number): number {
  const endMs = performance.now() + durationMs
  let iterations = 0
  for (; performance.now() < endMs; iterations += iterationsAtOnce) spin(iterationsAtOnce)
  return iterations
}
