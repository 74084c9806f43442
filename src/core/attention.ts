/**
 * For how long a process could not read, all in all: a debugger, a suspended machine, a quota that was
 * used up, a long calculation on this thread. What others had sent meanwhile waited for us, so whoever
 * judges them by how long it took takes that off.
 *
 * A beat on the event loop says that it turns. What is between two beats beyond their interval is lost:
 * it counts from the first moment on in which anybody looks, before the beat itself has its turn.
 */
import { type Clock, monotonicClock } from "./clock.ts"

/** Less than what anybody is judged by, and long enough to cost nothing. */
const beatMs = 100

export class Attention {
  readonly #clock: Clock
  #lostMs = 0
  #beatAtMs = 0
  #beating: NodeJS.Timeout | undefined

  constructor(clock: Clock = monotonicClock) {
    this.#clock = clock
  }

  /** Somebody is to be judged from now on. */
  begin(): void {
    if (this.#beating !== undefined) return
    this.#beatAtMs = this.#clock()
    this.#beating = setInterval(this.#beat, beatMs).unref()
  }

  /** Nobody is any more. */
  end(): void {
    this.#beat()
    clearInterval(this.#beating)
    this.#beating = undefined
  }

  /** Milliseconds so far: of use is how many more there have become since. */
  get lostMs(): number {
    if (this.#beating === undefined) return this.#lostMs
    return this.#lostMs + Math.max(0, this.#clock() - this.#beatAtMs - beatMs)
  }

  readonly #beat = (): void => {
    this.#lostMs = this.lostMs
    this.#beatAtMs = this.#clock()
  }
}
