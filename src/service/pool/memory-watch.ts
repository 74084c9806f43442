/**
 * Looks at the memory of the workers that are at something, now and then, and ends those that have more
 * than they may. It sleeps while none is at anything; to wake it costs a task no more than to look
 * whether it sleeps.
 */
import type { WorkerThread } from "./worker-thread.ts"

/** The next look comes so much sooner when a worker is near its bound. */
const nearFactor = 4

export interface MemoryWatchOptions {
  readonly workers: Iterable<WorkerThread>
  readonly lookMs: number
  /** A worker has too much though it is at nothing: what its tasks have left behind. */
  readonly outgrownIdle: (worker: WorkerThread, error: Error) => void
}

export class MemoryWatch {
  readonly #options: MemoryWatchOptions
  /** How many tasks each had been given when it was last seen idle. */
  readonly #seenIdle = new WeakMap<WorkerThread, number>()
  #timer: NodeJS.Timeout | undefined
  #hasEnded = false

  constructor(options: MemoryWatchOptions) {
    this.#options = options
  }

  /** A worker has got something to do. */
  wake(): void {
    if (this.#timer === undefined && !this.#hasEnded) this.#sleep(this.#options.lookMs)
  }

  end(): void {
    this.#hasEnded = true
    clearTimeout(this.#timer)
  }

  #sleep(ms: number): void {
    this.#timer = setTimeout(() => this.#look(), ms).unref()
  }

  #look(): void {
    const { workers, lookMs } = this.#options
    this.#timer = undefined
    const seen = [...workers].filter((worker) => this.#wasAtSomething(worker))
    for (const worker of seen) void this.#lookAt(worker)
    if (seen.length === 0) return
    this.#sleep(seen.some(({ memory }) => memory.isNear) ? lookMs / nearFactor : lookMs)
  }

  #wasAtSomething(worker: WorkerThread): boolean {
    if (worker.state !== "idle") return true
    const { lastId } = worker.given
    if (this.#seenIdle.get(worker) === lastId) return false
    this.#seenIdle.set(worker, lastId)
    return true
  }

  async #lookAt(worker: WorkerThread): Promise<void> {
    const { task, state } = worker
    const error = await worker.memory.look()
    // It may have begun something else since, which is not to blame.
    const isAtSame = worker.task === task && worker.state === state && !worker.given.isPastFirst
    if (error === undefined || !isAtSame || worker.isLeaving) return
    if (state === "busy" || state === "booting") worker.reject(error)
    else if (state === "idle") this.#options.outgrownIdle(worker, error)
  }
}
