/**
 * Which worker gets short tasks ahead of their turn.
 *
 * To wake a thread that sleeps takes some ten microseconds on either side, and several times that on a
 * busy machine: as much as a short task takes. A worker that has its next tasks already does not sleep
 * between them. What that costs is the choice of who runs them; so it is done for tasks only that are
 * thought to take less than a millisecond all together, behind one that is thought to be short as
 * well, and they are taken back when that turns out wrong.
 */
import type { Task } from "./task.ts"
import type { WorkerThread } from "./worker-thread.ts"

/** What a worker is given ahead, by the estimates, all of it together. */
const aheadMsMax = 1
/** A worker that is at a task for longer has not kept to the estimates. */
const overdueMs = 2 * aheadMsMax

/** The busy worker with the least to do that may have `task` ahead of its turn. */
export function whoMayHave(
  task: Task,
  workers: Iterable<WorkerThread>,
  nowMs: number,
): WorkerThread | undefined {
  const { ms } = task.estimate
  // Buffers that have moved to a worker could not be taken back.
  if (ms === undefined || task.call.transfer.length > 0) return undefined
  let least: WorkerThread | undefined
  let leastMs = aheadMsMax - ms
  for (const worker of workers) {
    const { aheadMs } = worker.given
    if (aheadMs > leastMs || !isAtShortTask(worker, nowMs)) continue
    least = worker
    leastMs = aheadMs
  }
  return least
}

/** Whether it is at a task that should be over soon, and will go on with others. */
export function isAtShortTask({ state, isLeaving, task }: WorkerThread, nowMs: number): boolean {
  if (state !== "busy" || isLeaving || task === undefined) return false
  return (
    (task.estimate.ms ?? Number.POSITIVE_INFINITY) <= aheadMsMax &&
    nowMs - task.startedAtMs <= overdueMs
  )
}

/** The worker that was given most ahead, if any was given anything. */
export function whoHasMost(workers: Iterable<WorkerThread>): WorkerThread | undefined {
  let most: WorkerThread | undefined
  for (const worker of workers) {
    if (worker.given.aheadCount > (most?.given.aheadCount ?? 0)) most = worker
  }
  return most
}
