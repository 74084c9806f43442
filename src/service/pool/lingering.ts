/**
 * The workers that can't be ended, or must not be yet: a stuck one is in native code that does not
 * return, a retired one waits for an addon. They are done without, and others take their slots; but each
 * has a thread and its memory, so not without a bound: as many as there are slots. One more keeps its
 * slot and asks again. When all slots are kept by stuck ones, nothing can be done until one returns.
 */
import type { Clock } from "../../core/clock.ts"
import type { WorkerThread } from "./worker-thread.ts"

export class Lingering {
  readonly #slots: number
  readonly #spares: number
  readonly #clock: Clock
  readonly #without = new Set<WorkerThread>()
  /** Whether each has a task, and so counts as busy: one that never became ready takes a spare's place first. */
  readonly #stuckInSlots = new Map<WorkerThread, boolean>()
  #allStuckSinceMs: number | undefined

  constructor(slots: number, spares: number, clock: Clock) {
    this.#slots = slots
    this.#spares = spares
    this.#clock = clock
  }

  /** Those without a slot. */
  get workers(): ReadonlySet<WorkerThread> {
    return this.#without
  }

  /** How many slots there are for others. */
  get slotsLeft(): number {
    let busy = 0
    for (const isBusy of this.#stuckInSlots.values()) if (isBusy) busy += 1
    return Math.min(this.#slots - busy, this.#slots + this.#spares - this.#stuckInSlots.size)
  }

  /** Since when none has been left. */
  get allStuckSinceMs(): number | undefined {
    return this.#allStuckSinceMs
  }

  get counts(): { readonly retired: number; readonly stuck: number } {
    let stuck = 0
    for (const { state } of this.#without) if (state === "stuck") stuck += 1
    return { retired: this.#without.size - stuck, stuck: stuck + this.#stuckInSlots.size }
  }

  /** Whether the worker asks for the first time to be done without because it is stuck. */
  isNew(worker: WorkerThread): boolean {
    return worker.state === "stuck" && !this.#stuckInSlots.has(worker)
  }

  /** A worker asks to be done without. Says whether it is. */
  take(worker: WorkerThread): boolean {
    if (this.#without.size < this.#slots) {
      this.#stuckInSlots.delete(worker)
      this.#without.add(worker)
      this.#look()
      return true
    }
    if (worker.state === "stuck") this.#stuckInSlots.set(worker, worker.task !== undefined)
    this.#look()
    return false
  }

  /** A worker has exited. Says whether it was done without. */
  drop(worker: WorkerThread): boolean {
    this.#stuckInSlots.delete(worker)
    this.#look()
    return this.#without.delete(worker)
  }

  #look(): void {
    if (this.slotsLeft > 0) this.#allStuckSinceMs = undefined
    else this.#allStuckSinceMs ??= this.#clock()
  }
}
