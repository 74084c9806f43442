/** The pause before something that has failed is tried again: longer with each failure in a row. */
import { backoffMs } from "../../core/backoff.ts"
import type { Clock } from "../../core/clock.ts"

export class Pause {
  readonly #clock: Clock
  readonly #isOver: () => void
  #timer: NodeJS.Timeout | undefined
  #untilMs = 0

  /** @param isOver called when it is time to try again. */
  constructor(clock: Clock, isOver: () => void) {
    this.#clock = clock
    this.#isOver = isOver
  }

  get isUnderWay(): boolean {
    return this.#timer !== undefined
  }

  /** How much of it is left. */
  leftMs(nowMs: number): number {
    return Math.max(0, this.#untilMs - nowMs)
  }

  /**
   * Begins one, and says how long it is. None must be under way.
   * @param failures how many there were in a row, 1 or more.
   */
  begin(failures: number): number {
    const pauseMs = backoffMs(failures)
    this.#untilMs = this.#clock() + pauseMs
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#isOver()
    }, pauseMs)
    return pauseMs
  }

  /** It is not over: it is called off. */
  end(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
