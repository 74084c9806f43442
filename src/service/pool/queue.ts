/**
 * The tasks that wait, oldest to newest. A list, because a task leaves from the middle when its
 * client leaves or its deadline passes.
 */
import type { Task } from "./task.ts"

export class TaskQueue {
  #oldest: Task | undefined
  #newest: Task | undefined
  #size = 0
  #estimateMs = 0
  #withoutEstimate = 0

  get size(): number {
    return this.#size
  }

  /**
   * What all of them together are thought to take, in milliseconds of a worker.
   * @param meanMs of each that came without an estimate
   */
  estimateMs(meanMs: number): number {
    return this.#size === 0 ? 0 : this.#estimateMs + this.#withoutEstimate * meanMs
  }

  add(task: Task): void {
    task.older = this.#newest
    if (this.#newest === undefined) this.#oldest = task
    else this.#newest.newer = task
    this.#newest = task
    this.#count(task, 1)
  }

  /** Puts back at the head a task that was taken but never begun. */
  putBack(task: Task): void {
    task.newer = this.#oldest
    if (this.#oldest === undefined) this.#newest = task
    else this.#oldest.older = task
    this.#oldest = task
    this.#count(task, 1)
  }

  /** The oldest of those that arrived since, else the newest of those before. It stays. */
  next(sinceMs: number): Task | undefined {
    if (this.#oldest === undefined || this.#oldest.call.arrivedAtMs >= sinceMs) return this.#oldest
    let task = this.#newest!
    while (task.older !== undefined && task.older.call.arrivedAtMs >= sinceMs) task = task.older
    return task
  }

  /** Takes out a task that is in the queue. */
  remove(task: Task): void {
    if (task.older === undefined) this.#oldest = task.newer
    else task.older.newer = task.newer
    if (task.newer === undefined) this.#newest = task.older
    else task.newer.older = task.older
    task.older = undefined
    task.newer = undefined
    this.#count(task, -1)
  }

  /** Oldest to newest. */
  *[Symbol.iterator](): Generator<Task> {
    for (let task = this.#oldest; task !== undefined; task = task.newer) yield task
  }

  #count(task: Task, by: 1 | -1): void {
    this.#size += by
    if (task.estimate.ms === undefined) this.#withoutEstimate += by
    else this.#estimateMs += by * task.estimate.ms
  }
}
