/** Boots that failed: what went wrong last, and when to try again. Later and later, until one works. */
import { backoffMs } from "../../core/backoff.ts"
import type { Clock } from "../../core/clock.ts"
import type { Fault } from "../outcome.ts"

export class BootFailures {
  readonly #clock: Clock
  readonly #again: () => void
  #count = 0
  #fault: Fault | undefined
  #timer: NodeJS.Timeout | undefined
  #againAtMs = 0

  /** @param again called when it is time to try again. */
  constructor(clock: Clock, again: () => void) {
    this.#clock = clock
    this.#again = again
  }

  /** What the last one died of, while none succeeds. */
  get fault(): Fault | undefined {
    return this.#fault
  }

  /** Whether the next try has to wait. */
  get isPausing(): boolean {
    return this.#timer !== undefined
  }

  /** How long until the next try. */
  waitMs(nowMs: number): number {
    return Math.max(0, this.#againAtMs - nowMs)
  }

  /**
   * How long the pause is that begins now. Nothing when one is under way: workers that boot side by
   * side fail side by side, and that is one failure.
   */
  failed(fault: Fault): number | undefined {
    this.#fault = fault
    if (this.#timer !== undefined) return undefined
    this.#count += 1
    const pauseMs = backoffMs(this.#count)
    this.#againAtMs = this.#clock() + pauseMs
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#again()
    }, pauseMs)
    return pauseMs
  }

  worked(): void {
    this.#count = 0
    this.#fault = undefined
  }

  /** No more tries. */
  end(): void {
    clearTimeout(this.#timer)
  }
}
