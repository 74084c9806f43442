/**
 * The tasks that wait: in the queue, or with a worker that was given them ahead of their turn and has
 * not begun them (see ahead.ts).
 */
import type { Clock } from "../../core/clock.ts"
import { isAtShortTask, whoHasMost, whoMayHave } from "./ahead.ts"
import { displaced, latestStartMs } from "./displaced.ts"
import { TaskQueue } from "./queue.ts"
import type { Estimate, Task } from "./task.ts"
import type { WorkerThread } from "./worker-thread.ts"
import { remainingMs } from "./workers.ts"

export interface WaitingOptions {
  readonly workers: Iterable<WorkerThread>
  readonly clock: Clock
  /** See the pool's. */
  readonly promisesHoldSinceMs: (() => number) | undefined
  /** See the pool's. */
  readonly meanMs: () => number | undefined
  /** How many workers can have tasks, as far as is known. */
  readonly slots: () => number
  /** The queue was empty and has got a task. */
  readonly filled: (() => void) | undefined
  /** The last task has left the queue. */
  readonly emptied: (() => void) | undefined
}

const nobody: readonly Task[] = []

export class Waiting {
  readonly #options: WaitingOptions
  readonly #queue: TaskQueue
  /** None that waits has to begin before that. */
  #urgentMs = Number.POSITIVE_INFINITY

  constructor(options: WaitingOptions) {
    this.#options = options
    this.#queue = new TaskQueue(options.meanMs)
  }

  get count(): number {
    let ahead = 0
    for (const worker of this.#options.workers) ahead += worker.given.aheadCount
    return this.#queue.size + ahead
  }

  get queueIsEmpty(): boolean {
    return this.#queue.size === 0
  }

  /**
   * How long a newcomer waits for a worker, by the estimates: for what runs and what waits, shared among
   * the workers.
   * @param peer whose task it is: what would be served after it does not count. @default all counts
   */
  waitMs(nowMs: number, peer?: string): number {
    const { workers, meanMs } = this.#options
    let sumMs = remainingMs(workers, meanMs() ?? 0, nowMs)
    for (const worker of workers) sumMs += worker.given.aheadMs
    sumMs += peer === undefined ? this.#queue.estimateMs() : this.#queue.beforeMs(peer)
    return sumMs / this.#slots
  }

  /** What of that is for what waits of the peer's own. */
  ownWaitMs(peer: string): number {
    return this.#queue.ownMs(peer) / this.#slots
  }

  /** Whether a newcomer of the peer would go before somebody. */
  hasBehind(peer: string): boolean {
    return this.#queue.lastBehind(peer) !== undefined
  }

  /** Adds a task. Takes out, and returns, those that it goes before and leaves no room or no time. */
  add(task: Task, queueMax = Number.POSITIVE_INFINITY): readonly Task[] {
    const gone = this.#queue.hasOthers(task.call.peer) ? [...this.#makeWay(task, queueMax)] : nobody
    this.#queue.add(task)
    this.#entered(task)
    return gone
  }

  *#makeWay({ call: { peer }, estimate }: Task, queueMax: number): Generator<Task> {
    const last = this.count >= queueMax ? this.#queue.lastBehind(peer) : undefined
    if (last !== undefined) yield this.#without(last)
    const nowMs = this.#options.clock()
    const shareMs = ({ ms = this.#options.meanMs() ?? 0 }: Estimate) => ms / this.#slots
    const delayMs = shareMs(estimate)
    if (nowMs + this.waitMs(nowMs) + delayMs <= this.#urgentMs) return
    this.#urgentMs = Number.POSITIVE_INFINITY
    for (const task of this.#queue) this.#mindUrgent(task)
    const beginMs = nowMs + this.waitMs(nowMs, peer)
    const promised = this.#queue
      .behind(peer)
      .filter(({ call }) => call.arrivedAtMs >= this.#promisesHoldSinceMs)
    const late = displaced(promised, beginMs, delayMs, (task) => shareMs(task.estimate))
    for (const task of late) yield this.#without(task)
  }

  /** Puts back at the head of the queue a task that was taken and never begun. */
  putBack(task: Task): void {
    task.state = "queued"
    this.#queue.putBack(task)
    this.#entered(task)
  }

  /**
   * Takes out the next one that can still be done in time.
   * @param late is given each before it that can't.
   */
  takeInTime(late: (task: Task) => void): Task | undefined {
    for (;;) {
      const task = this.#next()
      if (task === undefined) return undefined
      const { estimate, call } = task
      if (this.#options.clock() + (estimate.medianMs ?? 0) <= call.deadlineAtMs) {
        this.#serve(task)
        return task
      }
      this.remove(task)
      late(task)
    }
  }

  /** One that was in the queue took so long. */
  took(task: Task, ranMs: number): void {
    this.#queue.took(task, ranMs)
  }

  /** Takes out what is in the queue, of each peer the oldest first. @param which of it. @default all */
  *takeAll(which: (task: Task) => boolean = () => true): Generator<Task> {
    for (const task of [...this.#queue].filter(which)) yield this.#without(task)
  }

  /** Takes out one that is in the queue. */
  remove(task: Task): void {
    this.#queue.remove(task)
    this.#left()
  }

  /** Gives short tasks to busy workers. */
  feed(): void {
    const { workers, clock } = this.#options
    const nowMs = clock()
    for (let task = this.#next(); task !== undefined; task = this.#next()) {
      if (whoMayHave(task, workers, nowMs)?.giveAhead(task) !== true) return
      this.#serve(task)
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

  #entered(task: Task): void {
    this.#mindUrgent(task)
    if (this.#queue.size === 1) this.#options.filled?.()
  }

  #serve(task: Task): void {
    this.#queue.serve(task)
    this.#left()
  }

  #without(task: Task): Task {
    this.remove(task)
    return task
  }

  #left(): void {
    if (this.#queue.size > 0) return
    this.#urgentMs = Number.POSITIVE_INFINITY
    this.#options.emptied?.()
  }

  #mindUrgent(task: Task): void {
    this.#urgentMs = Math.min(this.#urgentMs, latestStartMs(task))
  }

  get #slots(): number {
    return Math.max(1, this.#options.slots())
  }

  /** Of tasks that arrived since. */
  get #promisesHoldSinceMs(): number {
    return this.#options.promisesHoldSinceMs?.() ?? Number.NEGATIVE_INFINITY
  }

  #next(): Task | undefined {
    return this.#queue.next(this.#promisesHoldSinceMs)
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
