/**
 * Who has to go for a newcomer that goes before them, because their peers wait for more.
 *
 * Each of those that wait was promised to be done by its deadline, and a newcomer that goes before them
 * delays them all. Most have time for that. Those that would have been in time, and would now begin too
 * late, are refused at once: it tells the client as early as can be, nothing has been spent on them, and
 * the time that one of them leaves serves those behind it. So whoever is not refused keeps the promise.
 */
import type { Task } from "./task.ts"

/** When it has to begin to be done in time. */
export function latestStartMs({ call, estimate }: Task): number {
  return call.deadlineAtMs - (estimate.highMs ?? estimate.ms ?? 0)
}

/**
 * @param behind in their order.
 * @param beginMs when the first of them would begin without the newcomer.
 * @param delayMs how much later it begins with it.
 * @param tookMs how much later each makes the next begin.
 */
export function displaced(
  behind: readonly Task[],
  beginMs: number,
  delayMs: number,
  tookMs: (task: Task) => number,
): readonly Task[] {
  const found: Task[] = []
  let [atMs, laterMs] = [beginMs, delayMs]
  for (const task of behind) {
    if (laterMs <= 0) break
    const spareMs = latestStartMs(task) - atMs
    if (spareMs >= 0 && spareMs < laterMs) {
      found.push(task)
      laterMs -= tookMs(task)
    }
    atMs += tookMs(task)
  }
  return found
}
