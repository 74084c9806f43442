/**
 * Quantiles of recent values, in fixed memory.
 *
 * Values fall into buckets whose bounds grow by 5 %, so every quantile is right to within 2.5 %.
 * Old values fade: after each `halfLife` values all counts are halved. Fading by count, not by time,
 * keeps what is known about an operation through a quiet night.
 */

const growth = 1.05
const smallest = 0.001
const bucketCount = 512
const logGrowth = Math.log(growth)

export class Quantiles {
  readonly #counts = new Float64Array(bucketCount)
  readonly #halfLife: number
  #total = 0
  #sinceHalving = 0
  /**
   * Quantiles found lately. They are asked for at every call and hardly move, so they stay until one
   * value in 16 is new.
   */
  readonly #known = new Map<number, number>()
  #sinceKnown = 0

  /** @param halfLife after how many values an old one counts half. 1 or more. */
  constructor(halfLife = 512) {
    this.#halfLife = halfLife
  }

  /** Takes a value of 0 or more. Below 0.001 and above 7 × 10⁷ it counts as these. */
  add(value: number): void {
    this.#counts[bucketOf(value)]! += 1
    this.#total += 1
    this.#sinceHalving += 1
    this.#sinceKnown += 1
    if (this.#sinceKnown * 16 > this.#total) {
      this.#known.clear()
      this.#sinceKnown = 0
    }
    if (this.#sinceHalving >= this.#halfLife) this.#halve()
  }

  /** The q-quantile, 0 ≤ q ≤ 1, or `undefined` before the first value. */
  quantile(q: number): number | undefined {
    if (this.#total === 0) return undefined
    const known = this.#known.get(q)
    if (known !== undefined) return known
    const rank = q * this.#total
    let seen = 0
    let bucket = 0
    for (; bucket < bucketCount - 1; bucket++) {
      seen += this.#counts[bucket]!
      if (seen >= rank && seen > 0) break
    }
    const value = middleOf(bucket)
    this.#known.set(q, value)
    return value
  }

  #halve(): void {
    this.#sinceHalving = 0
    for (let bucket = 0; bucket < bucketCount; bucket++) this.#counts[bucket]! /= 2
    this.#total /= 2
  }
}

function bucketOf(value: number): number {
  if (!(value > smallest)) return 0
  return Math.min(bucketCount - 1, 1 + Math.floor(Math.log(value / smallest) / logGrowth))
}

/** The geometric middle of a bucket. */
function middleOf(bucket: number): number {
  return bucket === 0 ? smallest : smallest * growth ** (bucket - 0.5)
}
