/**
 * Tells a burst from an overload.
 *
 * A burst fills the queue for a moment, and all of it can be served within its deadline: let it wait.
 * In an overload the queue never empties, and letting it fill up to the deadline only makes everybody
 * wait that long. So once the queue has not been empty for `patience` = max(100 ms, twice the typical
 * service time) *and* somebody had to be refused meanwhile, newcomers are admitted only if they will
 * wait no longer than `patience`. Those admitted before keep their promise; the queue drains to a
 * few tasks, which keep all workers busy just as well.
 *
 * Newest first (adaptive LIFO, Facebook's "Fail at Scale", 2015) helps when the oldest tasks are
 * beyond saving. Here admission has promised each of them that it fits its deadline, so serving them
 * in order is right as long as the promises hold. When they turn out wrong (a task ran out of time in
 * the queue: the estimates were off, or workers were lost), those promised before that go last, the
 * newest of them first. Those promised since are served in order again: in an overload the queue never
 * empties, and what lies at its bottom would never be reached.
 */

const patienceMsMin = 100

export class Overload {
  #fullSinceMs: number | undefined
  #refused = false
  #brokenAtMs = Number.NEGATIVE_INFINITY

  /** The queue has a first task. */
  filled(nowMs: number): void {
    this.#fullSinceMs ??= nowMs
  }

  /** The queue is empty: whatever it was, it is over. */
  emptied(): void {
    this.#fullSinceMs = undefined
    this.#refused = false
  }

  /** A call was refused because it could not have been done in time, or found no place. */
  refused(): void {
    this.#refused = this.#fullSinceMs !== undefined
  }

  /** A task that arrived at `arrivedAtMs` was admitted, and ran out of time in the queue. */
  promiseBroken(arrivedAtMs: number, nowMs: number): void {
    // Of those promised before the last time it is known already.
    if (arrivedAtMs >= this.#brokenAtMs) this.#brokenAtMs = nowMs
  }

  /** Tasks that arrived before hold promises of a kind that turned out wrong. */
  get promisesHoldSinceMs(): number {
    return this.#brokenAtMs
  }

  /** How long a newcomer may wait at the most, beyond what its deadline says. */
  waitMsMax(nowMs: number, typicalMs: number | undefined): number {
    const patienceMs = patience(typicalMs)
    return this.#refused && this.#lastedFor(nowMs, patienceMs)
      ? patienceMs
      : Number.POSITIVE_INFINITY
  }

  #lastedFor(nowMs: number, ms: number): boolean {
    return this.#fullSinceMs !== undefined && nowMs - this.#fullSinceMs >= ms
  }
}

function patience(typicalMs: number | undefined): number {
  return Math.max(patienceMsMin, 2 * (typicalMs ?? 0))
}
