/**
 * Which workers are kept up, and what they can do.
 *
 * - One boots at once, so that there is one as early as can be; the others when `fill` is called, the
 *   spares when those are up and the first task has been given: before that there is nothing to take
 *   over, and a thread takes its memory all the same.
 * - From then on `size + spares` workers are kept up: at once after a crash in mid-work; later and
 *   later while workers die before they have worked.
 * - An operation whose `setup` fails where no worker has it is done without, and one worker more tries
 *   it now and then (see setups.ts). Where others have it, the worker that fails is of no use. So all
 *   that are ready can do the same, but while one that can do more takes over: then those behind it
 *   leave one by one, each when another is ready.
 */
import type { Clock } from "../../core/clock.ts"
import { toError } from "../fault.ts"
import { Boots } from "./boots.ts"
import type { PoolEvents, PoolOptions } from "./contract.ts"
import { MemoryWatch } from "./memory-watch.ts"
import { type FailedSetup, faultOfSetup } from "./protocol.ts"
import { Setups } from "./setups.ts"
import type { WorkerExit, WorkerOptions } from "./worker-contract.ts"
import type { WorkerThread } from "./worker-thread.ts"
import { readyOf } from "./workers.ts"

/** What a worker is to set up. */
export type Wanted = Pick<WorkerOptions, "operations" | "required">

export interface StaffOptions {
  readonly pool: PoolOptions
  readonly clock: Clock
  readonly events: Pick<PoolEvents, "workerDied" | "workerOutgrown" | "setupFailed">
  /** How many workers can take tasks, or have some. */
  readonly serving: () => number
  readonly hire: (wanted: Wanted) => WorkerThread
  /** A worker is to get no new tasks. */
  readonly dismiss: (worker: WorkerThread) => void
}

export class Staff {
  readonly #options: StaffOptions
  readonly #workers = new Set<WorkerThread>()
  readonly #boots: Boots
  readonly #setups: Setups
  readonly #memory: MemoryWatch
  /** The worker that tries a `setup` which has failed. */
  #trial: { readonly worker: WorkerThread; readonly of: FailedSetup } | undefined
  #hasHadTask = false
  #mayFill = false
  #hasEnded = false

  constructor(options: StaffOptions) {
    this.#options = options
    this.#boots = new Boots(options.clock, () => this.keepUp())
    this.#setups = new Setups(options.clock, () => this.#tryAgain())
    this.#memory = new MemoryWatch({
      workers: this.#workers,
      lookMs: options.pool.memoryLookMs,
      outgrownIdle: (worker, { message }) => {
        options.dismiss(worker)
        options.events.workerOutgrown?.(message)
        this.keepUp()
      },
    })
  }

  /** Those that have not exited, but for those that are done without (see lingering.ts). */
  get workers(): ReadonlySet<WorkerThread> {
    return this.#workers
  }

  get boots(): Pick<Boots, "hasSucceeded" | "fault" | "waitMs" | "first"> {
    return this.#boots
  }

  get setups(): Pick<Setups, "failing" | "waitMs"> {
    return this.#setups
  }

  /** Whether it is beside those that are kept up, to try a `setup` which has failed. */
  isTrial(worker: WorkerThread): boolean {
    return this.#trial?.worker === worker
  }

  fill(): void {
    this.#mayFill = true
    this.keepUp()
  }

  /** A task has come. */
  hasHadTask(): void {
    this.#memory.wake()
    if (this.#hasHadTask) return
    this.#hasHadTask = true
    this.keepUp()
  }

  /** Boots as many as are missing. */
  keepUp(): void {
    if (this.#boots.isPausing || this.#hasEnded) return
    const wanted = this.#wanted()
    const isTrying = this.#trial === undefined ? 0 : 1
    while (this.#workers.size - isTrying < wanted) this.#hire([])
  }

  /** A worker is ready. Says whether it is of use; if not, it ends. */
  ready(worker: WorkerThread, failed: readonly FailedSetup[]): boolean {
    const had = this.#had()
    const isFailing = (name: string) =>
      this.#setups.fails(name) || failed.some(({ operations }) => operations.includes(name))
    const lacking = this.#options.pool.operations.find(
      (name) => !worker.operations.has(name) && (had.has(name) || !isFailing(name)),
    )
    if (lacking !== undefined) {
      const why = failed.find(({ operations }) => operations.includes(lacking))
      // Without a reason it was hired while it failed everywhere, and was not told to try.
      if (why === undefined) worker.end()
      else worker.reject(toError(why.fault))
      return false
    }
    if (this.isTrial(worker)) this.#trial = undefined
    this.#boots.succeeded()
    for (const one of failed) this.#failed(one)
    return true
  }

  /** Lets one go whose place is taken by one that is ready and can do more. */
  takeTurns(): void {
    const [behind] = this.#behind()
    if (behind !== undefined) this.#options.dismiss(behind)
    this.#look()
    this.keepUp()
  }

  /** A worker has exited, or is done without. */
  left(worker: WorkerThread, exit: WorkerExit): void {
    this.#workers.delete(worker)
    if (this.#hasEnded) return
    const trial = this.#trial
    if (trial?.worker === worker) {
      this.#trial = undefined
      if (!exit.wanted)
        this.#failed({ ...trial.of, fault: faultOfSetup(trial.of.operations, exit.fault) })
    } else if (!exit.wanted) {
      this.#died(exit)
    }
    this.#look()
    this.keepUp()
  }

  /** No more boots. */
  end(): void {
    this.#hasEnded = true
    this.#boots.end()
    this.#setups.end()
    this.#memory.end()
  }

  #died(exit: WorkerExit): void {
    const { how, inSetup, proven, begun, unbegun } = exit
    const fault = inSetup.length > 0 ? faultOfSetup(inSetup, exit.fault) : exit.fault
    const { events } = this.#options
    if (proven || begun.length + unbegun.length > 0) {
      events.workerDied?.(fault, how, 0)
    } else if (this.#canDoWithout(inSetup)) {
      this.#failed({ operations: inSetup, fault })
    } else {
      const pauseMs = this.#boots.failed(fault)
      if (pauseMs !== undefined) events.workerDied?.(fault, how, pauseMs)
    }
  }

  /** Of operations whose `setup` a worker has died in: whether there are others, and nobody has these. */
  #canDoWithout(operations: readonly string[]): boolean {
    if (operations.length === 0) return false
    const others = this.#known().filter((name) => !operations.includes(name))
    return others.length > 0 && !readyOf(this.#workers).some((one) => hasAny(one, operations))
  }

  #failed(failed: FailedSetup): void {
    const pauseMs = this.#setups.failed(failed)
    if (pauseMs !== undefined) this.#options.events.setupFailed?.(failed, pauseMs)
  }

  /** The operations that are not known to fail, or that a worker has by now. */
  #known(): readonly string[] {
    const had = this.#had()
    return this.#options.pool.operations.filter(
      (name) => had.has(name) || !this.#setups.fails(name),
    )
  }

  /** The operations that a worker has by now. */
  #had(): ReadonlySet<string> {
    return new Set(readyOf(this.#workers).flatMap(({ operations }) => [...operations]))
  }

  #tryAgain(): void {
    const ready = readyOf(this.#workers)
    const of = this.#setups.failing.find(
      ({ operations }) => !ready.some((one) => hasAny(one, operations)),
    )
    if (of === undefined || this.#trial !== undefined || this.#hasEnded) return
    this.#trial = { worker: this.#hire(of.operations), of }
  }

  /** @param first what it is hired for, if for anything that others lack. */
  #hire(first: readonly string[]): WorkerThread {
    const worker = this.#options.hire({
      operations: [...first, ...this.#known().filter((name) => !first.includes(name))],
      required: [...first, ...this.#had()],
    })
    this.#workers.add(worker)
    this.#memory.wake()
    return worker
  }

  #wanted(): number {
    const { size, spares } = this.#options.pool
    if (!this.#mayFill) return 1
    const isFull = this.#options.serving() >= size && this.#hasHadTask
    const kept = isFull ? size + spares : size
    return this.#behind().length > 0 ? kept + 1 : kept
  }

  /** Those that can do less than others. */
  #behind(): readonly WorkerThread[] {
    if (this.#setups.failing.length === 0) return []
    const ready = readyOf(this.#workers)
    const most = Math.max(0, ...ready.map(({ operations }) => operations.size))
    return ready.filter(({ operations }) => operations.size < most)
  }

  /** Nobody gets calls any more who could not do what failed. */
  #look(): void {
    const ready = readyOf(this.#workers)
    for (const { operations } of [...this.#setups.failing]) {
      if (ready.length > 0 && ready.every((one) => hasAny(one, operations))) {
        this.#setups.recovered(operations)
      }
    }
  }
}

/** Whether it can do them: they share a `setup`, so it can do all or none. */
function hasAny({ operations }: WorkerThread, names: readonly string[]): boolean {
  return names.some((name) => operations.has(name))
}
