/**
 * Tells a burst from an overload.
 *
 * A burst fills the queue for a moment, and all of it can be served within its deadline: let it wait.
 * In an overload the queue never empties, and letting it fill up to the deadline only makes everybody
 * wait that long. So it begins when somebody has to be refused for whom the wait is longer than
 * `patience` = max(100 ms, twice the mean service time), while the queue has not been empty for as
 * long as that. From then on newcomers are admitted only if they will wait no longer than `patience`.
 * Those admitted before keep their promise; the queue drains to a few tasks, which keep all workers
 * busy just as well.
 *
 * A queue that is kept short is empty now and then, though twice of what can be done is asked for. So
 * it is over when the queue is empty and nobody has been refused like that for `patience`.
 *
 * Newest first (adaptive LIFO, Facebook's "Fail at Scale", 2015) helps when the oldest tasks are
 * beyond saving. Here admission has promised each of them that it fits its deadline, so serving them
 * in order is right as long as the promises hold. When they turn out wrong (a task ran out of time in
 * the queue: the estimates were off, or workers were lost), those promised about when it was go last,
 * the newest of them first: all that came in the first half of the time that it had. Those that came in
 * the second half have as much left, and are served in order: what is next of a peer that waits for
 * little among others that wait for much is among them, and would else never be reached, since in an
 * overload there is always somebody newer.
 */

const patienceMsMin = 100

export class Overload {
  readonly #meanMs: () => number | undefined
  /** The queue has not been empty since. */
  #fullSinceMs: number | undefined
  #refusedAtMs = Number.NEGATIVE_INFINITY
  #isOn = false
  #promisesHoldSinceMs = Number.NEGATIVE_INFINITY

  /** @param meanMs what calls take; `undefined` as long as that is not known. */
  constructor(meanMs: () => number | undefined) {
    this.#meanMs = meanMs
  }

  /** The queue was empty and has got a task. */
  filled(nowMs: number): void {
    this.#endIfCalm(nowMs)
    this.#fullSinceMs = nowMs
  }

  /** The queue has lost its last task. */
  emptied(nowMs: number): void {
    this.#fullSinceMs = undefined
    this.#endIfCalm(nowMs)
  }

  /** A call was refused that would have waited for so long. */
  refused(nowMs: number, waitMs: number): void {
    const patienceMs = this.#patienceMs()
    // Else it was for its own sake: too large, or in too much of a hurry.
    if (waitMs <= patienceMs) return
    this.#refusedAtMs = nowMs
    if (nowMs - (this.#fullSinceMs ?? nowMs) >= patienceMs) this.#isOn = true
  }

  /** A task that arrived at `arrivedAtMs` was admitted, and ran out of time in the queue. */
  promiseBroken(arrivedAtMs: number, nowMs: number): void {
    // Of the others it is known already.
    if (arrivedAtMs < this.#promisesHoldSinceMs) return
    this.#promisesHoldSinceMs = (arrivedAtMs + nowMs) / 2
  }

  /** Tasks that arrived before hold promises of a kind that turned out wrong. */
  get promisesHoldSinceMs(): number {
    return this.#promisesHoldSinceMs
  }

  /** How long a newcomer may wait at the most, beyond what its deadline says. */
  waitMsMax(): number {
    return this.#isOn ? this.#patienceMs() : Number.POSITIVE_INFINITY
  }

  #endIfCalm(nowMs: number): void {
    if (nowMs - this.#refusedAtMs >= this.#patienceMs()) this.#isOn = false
  }

  #patienceMs(): number {
    return Math.max(patienceMsMin, 2 * (this.#meanMs() ?? 0))
  }
}
