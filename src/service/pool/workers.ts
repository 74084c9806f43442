/** What the workers are at, all together. */
import type { MemoryUse } from "./carrier.ts"
import type { Task } from "./task.ts"
import type { WorkerState } from "./worker-contract.ts"
import type { WorkerThread } from "./worker-thread.ts"

/** What is left of all tasks that run, by the estimates, in milliseconds of a worker. */
export function remainingMs(
  workers: Iterable<WorkerThread>,
  meanMs: number,
  nowMs: number,
): number {
  let sumMs = 0
  for (const { task } of workers) {
    if (task === undefined) continue
    sumMs += Math.max(0, (task.estimate.ms ?? meanMs) - (nowMs - task.startedAtMs))
  }
  return sumMs
}

/** CPU time that a call of the operation has used so far, the most of any that runs. */
export function mostCpuMs(workers: Iterable<WorkerThread>, operation: string): number | undefined {
  let most: number | undefined
  for (const worker of workers) {
    if (worker.task?.call.name === operation) most = Math.max(most ?? 0, worker.taskCpuMs)
  }
  return most
}

/** The memory of all of a state together, of those whose memory has been seen. */
export function heldByState(workers: Iterable<WorkerThread>): ReadonlyMap<WorkerState, MemoryUse> {
  const sums = new Map<WorkerState, MemoryUse>()
  for (const { state, memory } of workers) {
    if (memory.use === undefined) continue
    const { heapBytes = 0, externalBytes = 0 } = sums.get(state) ?? {}
    sums.set(state, {
      heapBytes: heapBytes + memory.use.heapBytes,
      externalBytes: externalBytes + memory.use.externalBytes,
    })
  }
  return sums
}

export function bootingCount(workers: Iterable<WorkerThread>): number {
  let count = 0
  for (const { state } of workers) if (state === "booting") count += 1
  return count
}

/** Those that take tasks, and will take more. */
export function readyOf(workers: Iterable<WorkerThread>): readonly WorkerThread[] {
  return [...workers].filter(
    ({ state, isLeaving }) => (state === "idle" || state === "busy") && !isLeaving,
  )
}

/** Takes one out of a list. Says whether it was there. */
export function takeOut(workers: WorkerThread[], worker: WorkerThread): boolean {
  const at = workers.indexOf(worker)
  if (at >= 0) workers.splice(at, 1)
  return at >= 0
}

/** The one that was given the task. */
export function workerOf(workers: Iterable<WorkerThread>, task: Task): WorkerThread | undefined {
  for (const worker of workers) if (worker.has(task)) return worker
  return undefined
}
