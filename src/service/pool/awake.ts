/**
 * Whether a worker waits awake for its next task.
 *
 * To wake a thread that sleeps takes the system some tens of microseconds, and a call from whoever
 * wakes it: several times as much as a short task. So behind a short one the worker looks for the
 * next for about as long as waking it would take, and only then sleeps. It thereby uses at most twice
 * what it would have if it had known (Karlin, Li, Manasse and Owicki, "Empirical studies of
 * competitive spinning for a shared-memory multiprocessor", SOSP 1991), and less than that here: where
 * tasks come slowly, it hardly ever tries.
 */

/** How long it looks. */
export const awakeMsMax = 0.1

/** A longer task gains too little. */
const shortMsMax = 0.1

/** So many short tasks pass after a wait in vain. */
const pauses = 8

export class Awake {
  readonly #canWait: boolean
  #pausesLeft = 0
  /** Spent on waiting, and not yet found in what the thread has used. */
  #owedMs = 0

  /** @param cores how many the process may use. On one, whoever has the next task waits for us. */
  constructor(cores: number) {
    this.#canWait = cores > 1
  }

  /** @param ranMs how long the task took that has just ended. */
  shouldWait(ranMs: number): boolean {
    if (!this.#canWait || ranMs > shortMsMax) return false
    if (this.#pausesLeft === 0) return true
    this.#pausesLeft -= 1
    return false
  }

  /** There was a wait. */
  waited(ms: number, hasCome: boolean): void {
    this.#owedMs += ms
    this.#pausesLeft = hasCome ? 0 : pauses
  }

  /**
   * Splits CPU time of the thread into what tasks have used and what waiting has. The kernel may tell
   * of the latter later than it was spent: see `OutcomeMessage`.
   */
  split(cpuMs: number): [tasksMs: number, waitingMs: number] {
    const waitingMs = Math.min(cpuMs, this.#owedMs)
    this.#owedMs -= waitingMs
    return [cpuMs - waitingMs, waitingMs]
  }
}
