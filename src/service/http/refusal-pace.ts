/**
 * How fast refusals are answered, so that refusing does not take the CPU that the workers need.
 *
 * A client that ignores `Retry-After` and asks again at once turns each refusal into the next request.
 * Sixteen of those on a container with 0.15 of a core used up two thirds of it with being refused, and
 * what was left did a third of the work. So refusals have a share of the CPU, a tenth; those beyond it
 * are held until it is their turn, which slows down the clients that come back at once. Nobody is
 * held for more than a second, the least that `Retry-After` says: those who come by themselves, not
 * because they were answered, don't become fewer by waiting. So the share is kept for as many
 * impatient clients as may be refused in a second; each one more costs a refusal a second more.
 *
 * A peer that has not been refused for a second is not one of those, and is answered at once: it would
 * else be held for what others do.
 *
 * The rate is a token bucket, as in GCRA (ITU-T I.371): one number, the time at which the bucket would
 * be full again.
 */

/** A refusal costs some 0.3 ms of CPU, with what the kernel does for it. */
const perSecondAndCore = 300
/** So much of what went unused lately may be used at once. */
const burstMs = 1000
const holdMsMax = 1000

export class RefusalPace {
  readonly #intervalMs: number
  #nextAtMs = Number.NEGATIVE_INFINITY
  /** Who was refused in this second, and who in the one before. */
  #refused = new Set<string>()
  #refusedBefore = new Set<string>()
  #sinceMs = Number.NEGATIVE_INFINITY

  /** @param cores that this process may use, more than 0. */
  constructor(cores: number) {
    this.#intervalMs = 1000 / (perSecondAndCore * cores)
  }

  /** Counts a refusal of the peer, and says for how many milliseconds to hold its answer: 0 to 1000. */
  holdMs(peer: string, nowMs: number): number {
    const isFirst = this.#isFirst(peer, nowMs)
    const nextAtMs = Math.max(this.#nextAtMs, nowMs - burstMs) + this.#intervalMs
    this.#nextAtMs = Math.min(nextAtMs, nowMs + holdMsMax)
    return isFirst ? 0 : Math.max(0, this.#nextAtMs - nowMs)
  }

  /** Whether the peer has not been refused lately. */
  #isFirst(peer: string, nowMs: number): boolean {
    if (nowMs - this.#sinceMs >= holdMsMax) {
      const isLongAgo = nowMs - this.#sinceMs >= 2 * holdMsMax
      this.#refusedBefore = isLongAgo ? new Set() : this.#refused
      this.#refused = new Set()
      this.#sinceMs = nowMs
    }
    const isFirst = !this.#refused.has(peer) && !this.#refusedBefore.has(peer)
    this.#refused.add(peer)
    return isFirst
  }
}
