/**
 * The loop around the decision: looks, decides, carries it out, and remembers, again and again. The
 * next look is a period after the last one ended, as the controller of a cluster has it. It goes by a
 * clock that never jumps.
 */
import { decide } from "../autoscale/decide.ts"
import { type Memory, noMemory } from "../autoscale/memory.ts"
import type { Observed } from "../autoscale/observed.ts"
import type { ResolvedSpec } from "../autoscale/resolve.ts"
import type { Clock } from "../core/clock.ts"

/** What came of one look. */
export interface Decided {
  /** Counted from 1. */
  readonly number: number
  /** Milliseconds since 1970: for people. */
  readonly atMs: number
  readonly from: number
  readonly to: number
  /** What came of it, then why, step by step. */
  readonly reasons: readonly string[]
}

export interface AutoscalerParts {
  readonly spec: ResolvedSpec
  readonly syncMs: number
  readonly clock: Clock
  readonly observe: () => Observed
  readonly decided: (decided: Decided) => void
}

export class Autoscaler {
  readonly #parts: AutoscalerParts
  #memory: Memory = noMemory
  #looks = 0
  #timer: NodeJS.Timeout | undefined

  constructor(parts: AutoscalerParts) {
    this.#parts = parts
  }

  start(): void {
    this.#timer = setTimeout(() => {
      this.#look()
      this.start()
    }, this.#parts.syncMs)
  }

  stop(): void {
    clearTimeout(this.#timer)
  }

  #look(): void {
    const { spec, clock, observe, decided } = this.#parts
    const seen = observe()
    const { replicas, memory, reasons } = decide(seen, spec, this.#memory, clock())
    this.#memory = memory
    this.#looks += 1
    decided({ number: this.#looks, atMs: Date.now(), from: seen.replicas, to: replicas, reasons })
  }
}
