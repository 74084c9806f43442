/**
 * The tasks that wait: in the queue, or with a worker that was given them ahead of their turn and has
 * not begun them (see ahead.ts).
 */
import type { Clock } from "../../core/clock.ts"
import { isAtShortTask, whoHasMost, whoMayHave } from "./ahead.ts"
import { TaskQueue } from "./queue.ts"
import type { Task } from "./task.ts"
import type { WorkerThread } from "./worker-thread.ts"

export interface WaitingOptions {
  readonly workers: Iterable<WorkerThread>
  readonly clock: Clock
  /** See the pool's. */
  readonly promisesHoldSinceMs: (() => number) | undefined
  /** The queue was empty and has got a task. */
  readonly filled: (() => void) | undefined
  /** The last task has left the queue. */
  readonly emptied: (() => void) | undefined
}

export class Waiting {
  readonly #options: WaitingOptions
  readonly #queue = new TaskQueue()

  constructor(options: WaitingOptions) {
    this.#options = options
  }

  get count(): number {
    let ahead = 0
    for (const worker of this.#options.workers) ahead += worker.given.aheadCount
    return this.#queue.size + ahead
  }

  get queueIsEmpty(): boolean {
    return this.#queue.size === 0
  }

  /** What all of them together are thought to take, in milliseconds of a worker. See the queue's. */
  estimateMs(meanMs: number): number {
    let aheadMs = 0
    for (const worker of this.#options.workers) aheadMs += worker.given.aheadMs
    return this.#queue.estimateMs(meanMs) + aheadMs
  }

  add(task: Task): void {
    this.#queue.add(task)
    this.#entered()
  }

  /** Puts back at the head of the queue a task that was taken and never begun. */
  putBack(task: Task): void {
    task.state = "queued"
    this.#queue.putBack(task)
    this.#entered()
  }

  /** Takes out the next one. */
  take(): Task | undefined {
    const task = this.#next()
    if (task !== undefined) this.remove(task)
    return task
  }

  /** Takes out what is in the queue, oldest first. @param which of it. @default all */
  *takeAll(which: (task: Task) => boolean = () => true): Generator<Task> {
    for (const task of [...this.#queue].filter(which)) {
      this.remove(task)
      yield task
    }
  }

  /** Takes out one that is in the queue. */
  remove(task: Task): void {
    this.#queue.remove(task)
    if (this.#queue.size === 0) this.#options.emptied?.()
  }

  /** Gives short tasks to busy workers. */
  feed(): void {
    const { workers, clock } = this.#options
    const nowMs = clock()
    for (let task = this.#next(); task !== undefined; task = this.#next()) {
      if (whoMayHave(task, workers, nowMs)?.giveAhead(task) !== true) return
      this.remove(task)
      task.state = "ahead"
      task.startedAtMs = nowMs
    }
  }

  /** Back to the queue from workers that are at something longer than was thought. */
  takeBackOverdue(): void {
    const nowMs = this.#options.clock()
    for (const worker of this.#options.workers) {
      if (worker.given.aheadCount > 0 && !isAtShortTask(worker, nowMs)) this.#takeBackFrom(worker)
    }
  }

  /** Back to the queue the first of the worker that has most. Says whether one could be had. */
  takeBackOne(): boolean {
    const worker = whoHasMost(this.#options.workers)
    return worker?.given.ahead.some((task) => this.#takeBack(worker, task)) ?? false
  }

  /** Back to the queue whatever has not begun. */
  takeBackAll(): void {
    for (const worker of this.#options.workers) this.#takeBackFrom(worker)
  }

  #entered(): void {
    if (this.#queue.size === 1) this.#options.filled?.()
  }

  #next(): Task | undefined {
    return this.#queue.next(this.#options.promisesHoldSinceMs?.() ?? Number.NEGATIVE_INFINITY)
  }

  #takeBackFrom(worker: WorkerThread): void {
    for (const task of worker.given.ahead.toReversed()) this.#takeBack(worker, task)
  }

  #takeBack(worker: WorkerThread, task: Task): boolean {
    const could = worker.takeBack(task)
    if (could) this.putBack(task)
    return could
  }
}
