/**
 * How the workers' boots go: whether one has succeeded yet, what went wrong last, and when to try again.
 * Later and later, until one works.
 */
import type { Clock } from "../../core/clock.ts"
import type { Fault } from "../outcome.ts"
import { Pause } from "./pause.ts"

export class Boots {
  readonly #pause: Pause
  readonly #waitingForFirst: (() => void)[] = []
  #hasSucceeded = false
  #failures = 0
  #fault: Fault | undefined

  /** @param again called when it is time to try again. */
  constructor(clock: Clock, again: () => void) {
    this.#pause = new Pause(clock, again)
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
    return this.#pause.isUnderWay
  }

  /** How long until the next try. */
  waitMs(nowMs: number): number {
    return this.#pause.leftMs(nowMs)
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
    if (this.#pause.isUnderWay) return undefined
    this.#failures += 1
    return this.#pause.begin(this.#failures)
  }

  succeeded(): void {
    this.#hasSucceeded = true
    this.#failures = 0
    this.#fault = undefined
    this.#release()
  }

  /** No more tries. */
  end(): void {
    this.#pause.end()
    this.#release()
  }

  #release(): void {
    for (const resolve of this.#waitingForFirst.splice(0)) resolve()
  }
}
