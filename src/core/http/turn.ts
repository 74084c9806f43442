/**
 * What one turn of the event loop does of requests, over all connections of all servers of this thread.
 *
 * Those that can wait are those that clients have sent ahead, and those that scrape metrics: few of them
 * begin in a turn. Of all others so many begin as there is time for, which is all of them unless some take
 * long. Whoever has to wait has its turn by turns with those of other peers, so that a client that asks
 * once is not behind all that another one asks.
 */

/** Requests that begin in it, of those that can wait. */
export const turnRequestsMax = 16
/** After so long no more begin, and no more is read of what was sent ahead. */
const turnMsMax = 4
/** Requests that are read in it of those that were sent ahead. */
const turnReadMax = 64
/** Requests that wait, of all connections: node:http makes a few kilobytes of each. */
const waitingMax = 10_000
/** Connections that go on in a turn, of those in line to be read. */
const turnReadersMax = 4

/** Begins one. @returns whether another one is to begin in the same turn, if there is room in it. */
type Begin = () => boolean

interface Place {
  readonly peer: string
  readonly begin: Begin
}

class Turn {
  /** Requests that wait to begin. */
  waiting = 0
  /** By peer, who is next first. */
  readonly #lines = new Map<string, Begin[]>()
  /** Those that have come to stand in line while others of the same turn begin. */
  #later: Place[] | undefined
  #readers: (() => void)[] = []
  #begun = 0
  #read = 0
  #isCounting = false
  #sinceMs = 0

  /** Whether there is time for one more that need not wait, or to read on. */
  hasTime(): boolean {
    this.#count()
    return !this.#isOver
  }

  /** Counts one that begins and can wait; false when there is no room for it, or others stand in line. */
  begin(): boolean {
    if (this.#begun === turnRequestsMax || this.#lines.size > 0 || this.#isOver) return false
    this.#begun += 1
    this.#count()
    return true
  }

  /** Calls `begin` when one may begin and has been counted: in a later turn, behind others of the peer. */
  standInLine(peer: string, begin: Begin): void {
    if (this.#later === undefined) this.#put(peer, begin)
    else this.#later.push({ peer, begin })
    this.#count()
  }

  /** Resolves when one more of nobody in particular may begin, and has been counted. */
  async room(): Promise<void> {
    if (this.begin()) return
    await new Promise<void>((resolve) => {
      this.standInLine("", () => {
        resolve()
        return false
      })
    })
  }

  /** Counts one that was sent ahead and has been read. */
  read(): void {
    this.#read += 1
    this.#count()
  }

  /** Whether to read of what may hold many. */
  mayRead(): boolean {
    return this.#read < turnReadMax && this.waiting < waitingMax && this.hasTime()
  }

  /** Calls `read` when it may be so: in a later turn, behind who stands there. */
  standInLineToRead(read: () => void): void {
    this.#readers.push(read)
    this.#count()
  }

  get #isOver(): boolean {
    return this.#isCounting && performance.now() - this.#sinceMs > turnMsMax
  }

  #count(): void {
    if (this.#isCounting) return
    this.#isCounting = true
    this.#sinceMs = performance.now()
    setImmediate(this.#next)
  }

  readonly #next = (): void => {
    this.#begun = 0
    this.#read = 0
    this.#sinceMs = performance.now()
    for (const read of this.#readers.splice(0, turnReadersMax)) read()
    this.#later = []
    this.#beginNext()
  }

  readonly #beginNext = (): void => {
    const isFull = this.#begun === turnRequestsMax || (this.#begun > 0 && this.#isOver)
    const next = isFull ? undefined : this.#nextInLine()
    if (next === undefined) {
      this.#end()
      return
    }
    this.#begun += 1
    try {
      if (next.begin()) this.#put(next.peer, next.begin)
    } finally {
      // What it does at once goes on in microtasks. The next one begins behind them, when its time is seen.
      queueMicrotask(this.#behindMicrotasks)
    }
  }

  readonly #behindMicrotasks = (): void => process.nextTick(this.#beginNext)

  #end(): void {
    const later = this.#later ?? []
    this.#later = undefined
    for (const { peer, begin } of later) this.#put(peer, begin)
    this.#isCounting = this.#begun > 0 || this.#lines.size > 0 || this.#readers.length > 0
    if (this.#isCounting) setImmediate(this.#next)
  }

  #put(peer: string, begin: Begin): void {
    const line = this.#lines.get(peer)
    if (line === undefined) this.#lines.set(peer, [begin])
    else line.push(begin)
  }

  #nextInLine(): Place | undefined {
    const [next] = this.#lines
    if (next === undefined) return undefined
    const [peer, line] = next
    const begin = line.shift()!
    this.#lines.delete(peer)
    if (line.length > 0) this.#lines.set(peer, line)
    return { peer, begin }
  }
}

export const turn = new Turn()
