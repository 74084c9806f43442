/**
 * What one turn of the event loop does of requests that can wait, over all connections of all servers
 * of this thread: those that clients have sent ahead, and those that scrape metrics.
 */

/** Requests that begin in it: some milliseconds of work. */
export const turnRequestsMax = 16

class Turn {
  /** Requests that wait to begin. */
  waiting = 0
  readonly #next: (() => void)[] = []
  #begun = 0
  #isCounting = false

  /** Counts one that begins; false when there is no room for it. */
  begin(): boolean {
    if (this.#begun === turnRequestsMax) return false
    this.#begun += 1
    this.#count()
    return true
  }

  /** Resolves when one more may begin, in this turn or a later one, and counts it. */
  async room(): Promise<void> {
    while (!this.begin()) await new Promise<void>((resolve) => this.inNext(resolve))
  }

  /** Calls `goOn` in the next turn, behind those who were there before. */
  inNext(goOn: () => void): void {
    this.#next.push(goOn)
    this.#count()
  }

  #count(): void {
    if (this.#isCounting) return
    this.#isCounting = true
    setImmediate(() => {
      this.#isCounting = false
      this.#begun = 0
      for (const goOn of this.#next.splice(0)) goOn()
    })
  }
}

export const turn = new Turn()
