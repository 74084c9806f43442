/**
 * Demand: how many cores the offered work asks for, whether or not it could be done.
 *
 * CPU use and event-loop utilisation end at the size of what is there, and do not see what was
 * refused. Demand is the rate of arrivals times the CPU time that a call takes, measured on the
 * worker's own thread: the same number with two workers or with eight, at half load or at ten times
 * what can be done.
 *
 * It rises at once and falls slowly, because an autoscaler that learns of a surge late pays for it
 * with another round, and one that forgets it early flaps:
 * - The level is the mean over ten seconds.
 * - A shorter window (1, 2 or 5 s) takes over when it is above the level by more than chance would
 *   have it. Arrivals by chance (Poisson) scatter around n by √n; three times that is the guard.
 * - What is told is the highest level of the last 20 seconds.
 */

const slotMs = 100
/** The windows: 1, 2, 5 and 10 seconds. The last gives the level. */
const windowSlots = [10, 20, 50, 100] as const
const levelSlots = windowSlots[3]
const guard = 3
const holdMs = 20_000
const holdSlots = holdMs / slotMs

/** What an operation's calls cost, as known now. */
export interface Price {
  /** CPU time of the mean call, `undefined` while cold. */
  meanCpuMs(): number | undefined
}

interface Slot {
  /** Arrivals of unknown cost, by operation: their price is looked up when the sum is made. */
  readonly unpriced: Map<string, number>
  calls: number
  pricedMs: number
}

/** What was offered in a stretch of time. */
interface Offered {
  readonly cores: number
  readonly calls: number
}

export class Demand {
  readonly #prices: ReadonlyMap<string, Price>
  readonly #slots: Slot[] = Array.from({ length: levelSlots }, () => ({
    unpriced: new Map(),
    calls: 0,
    pricedMs: 0,
  }))
  readonly #levels = new Float64Array(holdSlots)
  readonly #startedAtMs: number
  /** Number of the slot that is being filled, counted from the start. */
  #filling = 0
  #lastSecond = 0

  constructor(prices: ReadonlyMap<string, Price>, nowMs: number) {
    this.#prices = prices
    this.#startedAtMs = nowMs
  }

  /**
   * A call has been offered.
   * @param cpuMs what it asks for, where that is known for this very call
   */
  offer(operation: string, nowMs: number, cpuMs?: number): void {
    this.#advance(nowMs)
    const slot = this.#slot(this.#filling)
    slot.calls += 1
    if (cpuMs !== undefined) slot.pricedMs += cpuMs
    else slot.unpriced.set(operation, (slot.unpriced.get(operation) ?? 0) + 1)
  }

  /** A call that was offered at the price of a mean one turned out to ask for `cpuMs` only. */
  correct(operation: string, nowMs: number, cpuMs: number): void {
    this.#advance(nowMs)
    const slot = this.#slot(this.#filling)
    slot.pricedMs += cpuMs
    slot.unpriced.set(operation, (slot.unpriced.get(operation) ?? 0) - 1)
  }

  /** Cores asked for: what to provision for. */
  cores(nowMs: number): number {
    this.#advance(nowMs)
    return Math.max(...this.#levels)
  }

  /** Cores asked for in the last second, unsmoothed. */
  coresLastSecond(nowMs: number): number {
    this.#advance(nowMs)
    return this.#lastSecond
  }

  /** Closes every slot whose time is over. */
  #advance(nowMs: number): void {
    const current = Math.floor((nowMs - this.#startedAtMs) / slotMs)
    // After a long silence only the last slots can matter.
    this.#filling = Math.max(this.#filling, current - levelSlots - holdSlots)
    while (this.#filling < current) {
      const windows = this.#windows()
      this.#levels[this.#filling % holdSlots] = levelOf(windows)
      this.#lastSecond = windows[0]!.cores
      this.#filling += 1
      const slot = this.#slot(this.#filling)
      slot.unpriced.clear()
      slot.calls = 0
      slot.pricedMs = 0
    }
  }

  /** What was offered in each of the windows that end with the slot being closed, shortest first. */
  #windows(): readonly Offered[] {
    const prices = new Map(
      Array.from(this.#prices, ([operation, price]) => [operation, price.meanCpuMs() ?? 0]),
    )
    let cpuMs = 0
    let calls = 0
    let slots = 0
    return windowSlots.map((wanted) => {
      for (; slots < Math.min(wanted, this.#filling + 1); slots++) {
        const slot = this.#slot(this.#filling - slots)
        calls += slot.calls
        cpuMs += slot.pricedMs
        for (const [operation, unpriced] of slot.unpriced) {
          cpuMs += unpriced * prices.get(operation)!
        }
      }
      // In the first second there is no second to divide by yet.
      return { cores: Math.max(0, cpuMs) / (Math.max(slots, windowSlots[0]) * slotMs), calls }
    })
  }

  #slot(number: number): Slot {
    return this.#slots[number % levelSlots]!
  }
}

function levelOf(windows: readonly Offered[]): number {
  const level = windows.at(-1)!.cores
  let highest = level
  for (const { cores, calls } of windows) {
    const coresByChance = (guard * cores) / Math.sqrt(calls)
    if (cores - level > coresByChance) highest = Math.max(highest, cores)
  }
  return highest
}
