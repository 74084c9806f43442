/**
 * What one turn of the event loop does of requests that can wait, over all connections of all servers
 * of this thread: those that clients have sent ahead, and those that scrape metrics.
 */

/** Requests that begin in it: some milliseconds of work. */
export const turnRequestsMax = 16
/** Requests that are read in it of those that were sent ahead. */
const turnReadMax = 64
/** Requests that wait, of all connections: node:http makes a few kilobytes of each. */
const waitingMax = 10_000
/** Connections that go on in a turn, of those in line to be read. */
const turnReadersMax = 4

class Turn {
  /** Requests that wait to begin. */
  waiting = 0
  readonly #line: (() => void)[] = []
  #readers: (() => void)[] = []
  #begun = 0
  #read = 0
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

  /** Counts one that was sent ahead and has been read. */
  read(): void {
    this.#read += 1
    this.#count()
  }

  /** Whether to read of what may hold many. */
  mayRead(): boolean {
    return this.#read < turnReadMax && this.waiting < waitingMax
  }

  /** Calls `read` when it may be so: in a later turn, behind who stands there. */
  standInLineToRead(read: () => void): void {
    this.#readers.push(read)
    this.#count()
  }

  #count(): void {
    if (this.#isCounting) return
    this.#isCounting = true
    setImmediate(() => {
      this.#isCounting = false
      this.#begun = 0
      this.#read = 0
      for (const read of this.#readers.splice(0, turnReadersMax)) read()
      while (this.#begun < turnRequestsMax) {
        const begin = this.#line.shift()
        if (begin === undefined) break
        this.#begun += 1
        begin()
      }
      if (this.#begun > 0 || this.#line.length > 0 || this.#readers.length > 0) this.#count()
    })
  }
}

export const turn = new Turn()
