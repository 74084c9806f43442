/**
 * The operations whose `setup` fails: why, and when it is tried again. One of them must not take the
 * others with it, so the workers do without it, and one worker more tries it now and then: later and
 * later, as boots are. In a new thread, because what a failed import has left behind stays in a thread
 * for good, and because a `setup` that hangs, or computes, would keep a worker from calls that it can do.
 */
import type { Clock } from "../../core/clock.ts"
import { Pause } from "./pause.ts"
import type { FailedSetup } from "./protocol.ts"

export class Setups {
  readonly #clock: Clock
  readonly #pause: Pause
  /** The one to be tried next comes first. */
  readonly #failing: FailedSetup[] = []
  #failures = 0

  /** @param again called when it is time to try the first again. */
  constructor(clock: Clock, again: () => void) {
    this.#clock = clock
    this.#pause = new Pause(clock, again)
  }

  get failing(): readonly FailedSetup[] {
    return this.#failing
  }

  /** Whether the operation's is one of them. */
  fails(operation: string): boolean {
    // Asked for each call: most services have none.
    if (this.#failing.length === 0) return false
    return this.#failing.some(({ operations }) => operations.includes(operation))
  }

  /** How long until one of them is tried again, if the operation's is one of them. */
  waitMs(operation: string, nowMs: number): number | undefined {
    return this.fails(operation) ? this.#pause.leftMs(nowMs) : undefined
  }

  /**
   * How long the pause is until one of them is tried. Nothing when this one is known to fail and one is
   * under way: workers that boot side by side fail side by side.
   */
  failed(failed: FailedSetup): number | undefined {
    const isKnown = this.#drop(failed.operations)
    this.#failing.push(failed)
    if (isKnown && this.#pause.isUnderWay) return undefined
    this.#failures += 1
    if (!this.#pause.isUnderWay) return this.#pause.begin(this.#failures)
    return this.#pause.leftMs(this.#clock())
  }

  /** Every worker has them now, or will before it gets another call. */
  recovered(operations: readonly string[]): void {
    this.#drop(operations)
    this.end()
    this.#failures = Math.min(1, this.#failing.length)
    if (this.#failures > 0) this.#pause.begin(this.#failures)
  }

  /** No more tries. */
  end(): void {
    this.#pause.end()
  }

  /** Says whether it was there. */
  #drop(operations: readonly string[]): boolean {
    const at = this.#failing.findIndex((known) => known.operations[0] === operations[0])
    if (at >= 0) this.#failing.splice(at, 1)
    return at >= 0
  }
}
