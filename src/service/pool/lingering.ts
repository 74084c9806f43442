/**
 * The workers that can't be ended, or must not be yet: a stuck one is in native code that does not
 * return, a retired one waits for an addon. They are done without, and others take their slots; but each
 * has a thread and its memory, so not without a bound: as many as there are slots. One more keeps its
 * slot and asks again. When all slots are kept by stuck ones, nothing can be done until one returns.
 */
import type { Clock } from "../../core/clock.ts"
import type { WorkerThread } from "./worker-thread.ts"

/**
 * What a stuck worker keeps: one with a task, which counts as busy, a slot; one that never became ready
 * takes a spare's place first; one that only tries a `setup` is beside all of them.
 */
type Place = "slot" | "any" | "beside"

export class Lingering {
  readonly #slots: number
  readonly #spares: number
  readonly #clock: Clock
  readonly #without = new Set<WorkerThread>()
  readonly #stuckInSlots = new Map<WorkerThread, Place>()
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
    const kept = [...this.#stuckInSlots.values()].filter((place) => place !== "beside")
    const busy = kept.filter((place) => place === "slot").length
    return Math.min(this.#slots - busy, this.#slots + this.#spares - kept.length)
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

  /** A worker asks to be done without. Says whether it is. @param isBeside it has no slot anyway */
  take(worker: WorkerThread, isBeside: boolean): boolean {
    if (this.#without.size < this.#slots) {
      this.#stuckInSlots.delete(worker)
      this.#without.add(worker)
      this.#look()
      return true
    }
    if (worker.state === "stuck") {
      const place = worker.task === undefined ? "any" : "slot"
      this.#stuckInSlots.set(worker, isBeside ? "beside" : place)
    }
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
