/**
 * How the workers' boots go: whether one has succeeded yet, what went wrong last, and when to try again.
 * Later and later, until one works.
 */
import { backoffMs } from "../../core/backoff.ts"
import type { Clock } from "../../core/clock.ts"
import type { Fault } from "../outcome.ts"

export class Boots {
  readonly #clock: Clock
  readonly #again: () => void
  readonly #waitingForFirst: (() => void)[] = []
  #hasSucceeded = false
  #failures = 0
  #fault: Fault | undefined
  #timer: NodeJS.Timeout | undefined
  #againAtMs = 0

  /** @param again called when it is time to try again. */
  constructor(clock: Clock, again: () => void) {
    this.#clock = clock
    this.#again = again
  }

  /** Whether any has, ever. */
  get hasSucceeded(): boolean {
    return this.#hasSucceeded
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

  /** Resolves when it is known how the first one went, or when there will be none. */
  async first(): Promise<void> {
    if (this.#hasSucceeded || this.#fault !== undefined) return
    await new Promise<void>((resolve) => this.#waitingForFirst.push(resolve))
  }

  /**
   * How long the pause is that begins now. Nothing when one is under way: workers that boot side by
   * side fail side by side, and that is one failure.
   */
  failed(fault: Fault): number | undefined {
    this.#fault = fault
    this.#release()
    if (this.#timer !== undefined) return undefined
    this.#failures += 1
    const pauseMs = backoffMs(this.#failures)
    this.#againAtMs = this.#clock() + pauseMs
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#again()
    }, pauseMs)
    return pauseMs
  }

  succeeded(): void {
    this.#hasSucceeded = true
    this.#failures = 0
    this.#fault = undefined
    this.#release()
  }

  /** No more tries. */
  end(): void {
    clearTimeout(this.#timer)
    this.#release()
  }

  #release(): void {
    for (const resolve of this.#waitingForFirst.splice(0)) resolve()
  }
}
