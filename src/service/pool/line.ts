/**
 * What waits of one peer, oldest to newest. A list, because a task leaves from the middle when its
 * client leaves or its deadline passes.
 */
import type { Task } from "./task.ts"

/** How many tasks there are, and what all of them together are thought to take. */
export class Load {
  count = 0
  #estimateMs = 0
  #withoutEstimate = 0

  /**
   * In milliseconds of a worker.
   * @param meanMs of each that came without an estimate
   */
  ms(meanMs: number): number {
    return this.count === 0 ? 0 : this.#estimateMs + this.#withoutEstimate * meanMs
  }

  change({ estimate }: Task, by: 1 | -1): void {
    this.count += by
    if (estimate.ms === undefined) this.#withoutEstimate += by
    else this.#estimateMs += by * estimate.ms
  }
}

export class Line {
  readonly peer: string
  /** What its peer has been given, as queue.ts counts it: who has least is next. */
  given: number
  /** Of those who have been given the same, the first to wait is. 0: none waits. */
  turn = 0
  #oldest: Task | undefined
  #newest: Task | undefined
  readonly load = new Load()

  constructor(peer: string, given: number) {
    this.peer = peer
    this.given = given
  }

  get oldest(): Task | undefined {
    return this.#oldest
  }

  get newest(): Task | undefined {
    return this.#newest
  }

  add(task: Task): void {
    task.older = this.#newest
    if (this.#newest === undefined) this.#oldest = task
    else this.#newest.newer = task
    this.#newest = task
    this.load.change(task, 1)
  }

  /** Puts back at the head a task that was taken but never begun. */
  putBack(task: Task): void {
    task.newer = this.#oldest
    if (this.#oldest === undefined) this.#newest = task
    else this.#oldest.older = task
    this.#oldest = task
    this.load.change(task, 1)
  }

  /** The oldest of those that arrived since. */
  oldestSince(sinceMs: number): Task | undefined {
    let found: Task | undefined
    for (let task = this.#newest; task !== undefined; task = task.older) {
      if (task.call.arrivedAtMs < sinceMs) break
      found = task
    }
    return found
  }

  /** Takes out a task that is in it. */
  remove(task: Task): void {
    if (task.older === undefined) this.#oldest = task.newer
    else task.older.newer = task.newer
    if (task.newer === undefined) this.#newest = task.older
    else task.newer.older = task.older
    task.older = undefined
    task.newer = undefined
    this.load.change(task, -1)
  }

  /** Oldest to newest. */
  *[Symbol.iterator](): Generator<Task> {
    for (let task = this.#oldest; task !== undefined; task = task.newer) yield task
  }
}
