/**
 * What one turn of the event loop does of requests that can wait, over all connections of all servers
 * of this thread: those that clients have sent ahead, and those that scrape metrics.
 */

/** Requests that begin in it: some milliseconds of work. */
export const turnRequestsMax = 16

class Turn {
  /** Requests that wait to begin. */
  waiting = 0
  readonly #line: (() => void)[] = []
  #begun = 0
  #isCounting = false

  /** Counts one that begins; false when there is no room for it, or others stand in line. */
  begin(): boolean {
    if (this.#begun === turnRequestsMax || this.#line.length > 0) return false
    this.#begun += 1
    this.#count()
    return true
  }

  /** Calls `begin` when one may begin and has been counted: in a later turn, behind who stands there. */
  standInLine(begin: () => void): void {
    this.#line.push(begin)
    this.#count()
  }

  /** Resolves when one more may begin, and has been counted. */
  async room(): Promise<void> {
    if (!this.begin()) await new Promise<void>((resolve) => this.standInLine(resolve))
  }

  #count(): void {
    if (this.#isCounting) return
    this.#isCounting = true
    setImmediate(() => {
      this.#isCounting = false
      this.#begun = 0
      while (this.#begun < turnRequestsMax) {
        const begin = this.#line.shift()
        if (begin === undefined) return
        this.#begun += 1
        begin()
      }
      this.#count()
    })
  }
}

export const turn = new Turn()
