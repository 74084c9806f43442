/**
 * How much memory a worker's thread has, as seen from outside, and whether that is more than it may.
 *
 * V8 can be told a limit of its own, and is no good at it: what a Map, an array or a string grows into is
 * allocated in one piece, and one that does not fit ends the process, not the thread; short of the
 * limit it collects for minutes, deaf to `terminate`; and the bytes of Buffers are not in its heap. So
 * its limit lies well above the bound, and the bound is held from here. A thread is asked by an
 * interrupt, which it answers in the midst of a computation. What it says may be garbage for the most
 * part: before more than the bound counts as too much, the thread is made to collect, which only
 * starting and stopping a heap profile does.
 */
import { Worker } from "node:worker_threads"
import type { Memory, MemoryUse } from "./carrier.ts"
import { outOfMemory } from "./out-of-memory.ts"
import type { MemoryOptions } from "./worker-contract.ts"

const mib = 2 ** 20
/** Bytes outside the heap are given back some time after a collection, so it takes more than one. */
const collectionsMax = 3

/** Node 26 and later can make a thread collect. Before, V8 holds the bound as well as it can. */
const canCollect = Worker.prototype.startHeapProfile?.length === 1

/**
 * V8's own limit, in MiB, for a bound. Room for what doubles right below the bound, old and new at a
 * time; for what is allocated between two looks; and for single pieces as large as V8 makes them.
 */
export function heapLimitMiB(memoryMiB: number): number {
  return canCollect ? 4 * memoryMiB + 2048 : memoryMiB
}

function told({ heapBytes, externalBytes }: MemoryUse): string {
  const outside = inMiB(externalBytes)
  return `had ${inMiB(heapBytes + externalBytes)}, ${outside} of it in Buffers and their like`
}

function inMiB(bytes: number): string {
  return `${Math.round(bytes / mib)} MiB`
}

export class ThreadMemory implements Memory {
  readonly #worker: Worker
  readonly #options: MemoryOptions
  readonly #bytesMax: number
  /** What it held outside of the heap when it was ready, which is no call's doing. */
  #ownExternalBytes: number | undefined
  #isLooking = false
  #use: MemoryUse | undefined

  constructor(worker: Worker, options: MemoryOptions) {
    this.#worker = worker
    this.#options = options
    this.#bytesMax = options.memoryMiB * mib
  }

  get use(): MemoryUse | undefined {
    return this.#use
  }

  get isNear(): boolean {
    return this.#use !== undefined && 2 * this.#counted(this.#use) > this.#bytesMax
  }

  async ready(): Promise<void> {
    if (!canCollect) return
    try {
      this.#use = await this.#measured()
      this.#ownExternalBytes = this.#use.externalBytes
    } catch {
      // It has ended.
    }
  }

  /**
   * Looks, and says so if it has too much. A thread that does not answer, because it is in one long piece
   * of native code, is not asked again before it has.
   */
  async look(): Promise<Error | undefined> {
    if (!canCollect || this.#isLooking) return undefined
    this.#isLooking = true
    try {
      let use = await this.#measured()
      for (let turn = 0; turn < collectionsMax && this.#isTooMuch(use); turn++) {
        use = await this.#collected()
        // Of the heap nothing is left but what is held.
        if (use.heapBytes > this.#bytesMax) break
      }
      this.#use = use
      return this.#isTooMuch(use) ? outOfMemory(this.#options, "The worker", told(use)) : undefined
    } catch {
      // It has not begun yet, or has ended.
      return undefined
    } finally {
      this.#isLooking = false
    }
  }

  #isTooMuch(use: MemoryUse): boolean {
    return this.#counted(use) > this.#bytesMax
  }

  /** Until it is ready, it may hold as much again outside of the heap: a model, say. */
  #counted({ heapBytes, externalBytes }: MemoryUse): number {
    return heapBytes + Math.max(0, externalBytes - (this.#ownExternalBytes ?? this.#bytesMax))
  }

  async #measured(): Promise<MemoryUse> {
    const { used_heap_size, external_memory } = await this.#worker.getHeapStatistics()
    return { heapBytes: used_heap_size, externalBytes: external_memory }
  }

  async #collected(): Promise<MemoryUse> {
    const options = { forceGC: true, sampleInterval: this.#bytesMax, stackDepth: 0 }
    // Somebody may be making a profile of their own.
    const profile = await this.#worker.startHeapProfile(options).catch(() => undefined)
    const stopped = profile?.stop()
    // Asked for before it has stopped, so that nothing is allocated between collection and answer.
    const [use] = await Promise.all([this.#measured(), stopped])
    return use
  }
}
