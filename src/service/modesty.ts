/**
 * Who asks for so little that it need not be held back in an overload.
 *
 * An overload keeps the queue short (overload.ts), and whoever asks without a pause takes each place in
 * it that becomes free: those who ask now and then would find none, though all of what they want could
 * be done. So peers are put in order by what they have asked for lately, admitted or not, and those who
 * ask for least are modest, as many of them as can be served together. They are held back only by what
 * waits of their own. What they ask for fits the workers, so it does not make the queue grow; and where
 * many ask for little and it is too much, few of them are modest, and the queue stays short as ever.
 */

/** What was asked for so long ago counts for 1/e. */
const fadingMs = 10_000
/** Of what the workers can do, for those who are modest. */
const modestShare = 0.5
/** How long an order is good for. */
const orderMs = 100
/** Peers that are remembered; of more, those that have asked longest ago are not. */
const peersMax = 10_000

interface Asked {
  ms: number
  atMs: number
  /** What it was when the peers were put in order. */
  orderedMs: number
}

export class Modesty {
  readonly #workers: number
  /** Who asked last is last. */
  readonly #asked = new Map<string, Asked>()
  #orderedAtMs = Number.NEGATIVE_INFINITY
  /** What each has asked for, the least first, and what all up to it have together. */
  #ordered: Float64Array = new Float64Array(0)
  #sums: Float64Array = new Float64Array(0)

  /** @param workers that share what is asked for. */
  constructor(workers: number) {
    this.#workers = workers
  }

  /** The peer asks for so much, in milliseconds of a worker; less than 0: it asked for less. */
  asks(peer: string, ms: number, nowMs: number): void {
    const known = this.#asked.get(peer)
    const asked = known ?? { ms: 0, atMs: nowMs, orderedMs: 0 }
    asked.ms = Math.max(0, left(asked, nowMs) + ms)
    asked.atMs = nowMs
    // One that is alone has its place.
    if (known !== undefined && this.#asked.size === 1) return
    this.#asked.delete(peer)
    this.#asked.set(peer, asked)
    if (this.#asked.size <= peersMax) return
    const [oldest] = this.#asked.keys()
    this.#asked.delete(oldest!)
  }

  /**
   * Whether the peer is modest with a call of so much more: what it and those have asked for who have
   * asked for no more can be served. Nobody is modest alone.
   */
  isModest(peer: string, ms: number, nowMs: number): boolean {
    const asked = this.#asked.get(peer)
    if (this.#asked.size === (asked === undefined ? 0 : 1)) return false
    if (nowMs - this.#orderedAtMs >= orderMs) this.#order(nowMs)
    const own = (asked === undefined ? 0 : left(asked, nowMs)) + ms
    const { orderedMs = 0 } = asked ?? {}
    const others = this.#sumUpTo(own) - (orderedMs <= own ? orderedMs : 0)
    return others + own <= modestShare * this.#workers * fadingMs
  }

  #order(nowMs: number): void {
    this.#orderedAtMs = nowMs
    this.#ordered = new Float64Array(this.#asked.size)
    let at = 0
    for (const asked of this.#asked.values()) {
      asked.orderedMs = left(asked, nowMs)
      this.#ordered[at++] = asked.orderedMs
    }
    this.#ordered.sort()
    let sum = 0
    this.#sums = this.#ordered.map((ms) => {
      sum += ms
      return sum
    })
  }

  /** What those have asked for together who have asked for no more than that. */
  #sumUpTo(ms: number): number {
    let [from, to] = [0, this.#ordered.length]
    while (from < to) {
      const middle = (from + to) >> 1
      if (this.#ordered[middle]! <= ms) from = middle + 1
      else to = middle
    }
    return from === 0 ? 0 : this.#sums[from - 1]!
  }
}

function left({ ms, atMs }: Asked, nowMs: number): number {
  return ms * Math.exp((atMs - nowMs) / fadingMs)
}
