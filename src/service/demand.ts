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
 *
 * The constants are those of the measurements in docs/architecture.md.
 */

const slotMs = 100
const levelSlots = 100
const attackSlots = [10, 20, 50] as const
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
      this.#levels[this.#filling % holdSlots] = this.#level()
      this.#lastSecond = this.#mean(attackSlots[0]).cores
      this.#filling += 1
      const slot = this.#slot(this.#filling)
      slot.unpriced.clear()
      slot.calls = 0
      slot.pricedMs = 0
    }
  }

  #level(): number {
    const level = this.#mean(levelSlots).cores
    let highest = level
    for (const slots of attackSlots) {
      const { cores, calls } = this.#mean(slots)
      const coresByChance = calls === 0 ? 0 : (guard * cores) / Math.sqrt(calls)
      if (cores - level > coresByChance) highest = Math.max(highest, cores)
    }
    return highest
  }

  /** The mean over the last slots. */
  #mean(slots: number): { readonly cores: number; readonly calls: number } {
    const count = Math.min(slots, this.#filling + 1)
    let cpuMs = 0
    let calls = 0
    for (let number = this.#filling; number > this.#filling - count; number--) {
      const slot = this.#slot(number)
      calls += slot.calls
      cpuMs += slot.pricedMs
      for (const [operation, unpriced] of slot.unpriced) {
        cpuMs += unpriced * (this.#prices.get(operation)?.meanCpuMs() ?? 0)
      }
    }
    // In the first second there is no second to divide by yet.
    return { cores: cpuMs / (Math.max(count, attackSlots[0]) * slotMs), calls }
  }

  #slot(number: number): Slot {
    return this.#slots[number % levelSlots]!
  }
}
