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
 * the queue: the estimates were off, or workers were lost), the newest go first for as long as there
 * are tasks that were promised before that. No longer: in an overload the queue never empties, and the
 * one that lies at its bottom would never be reached.
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

  /** An admitted task ran out of time in the queue. */
  promiseBroken(nowMs: number): void {
    this.#brokenAtMs = nowMs
  }

  /** How long a newcomer may wait at the most, beyond what its deadline says. */
  waitMsMax(nowMs: number, typicalMs: number | undefined): number {
    const patienceMs = patience(typicalMs)
    return this.#refused && this.#lastedFor(nowMs, patienceMs)
      ? patienceMs
      : Number.POSITIVE_INFINITY
  }

  /** Which waiting task is to be next, when the oldest of them arrived at `oldestAtMs`. */
  order(oldestAtMs: number): "oldest" | "newest" {
    return oldestAtMs < this.#brokenAtMs ? "newest" : "oldest"
  }

  #lastedFor(nowMs: number, ms: number): boolean {
    return this.#fullSinceMs !== undefined && nowMs - this.#fullSinceMs >= ms
  }
}

function patience(typicalMs: number | undefined): number {
  return Math.max(patienceMsMin, 2 * (typicalMs ?? 0))
}
