/**
 * A histogram of durations with a high dynamic range: 1 µs to 10 min, to three significant digits,
 * in 84 KiB whatever it is given.
 *
 * Buckets are laid out as in HdrHistogram: 2048 of width 1 µs, then 1024 of twice the width, and so
 * on, so that a bucket is never wider than a thousandth of its value. Two histograms add up to that
 * of both, which is why percentiles of several threads or machines are taken from the sum and never
 * averaged.
 */

const usMax = 600_000_000
/** Values below have a bucket each; above, the bucket's width doubles with every power of two. */
const exactBits = 11
const half = 1 << (exactBits - 1)
const buckets = indexOf(usMax) + 1

export class Histogram {
  readonly #counts = new Uint32Array(buckets)
  #total = 0
  #sumUs = 0
  #minUs = Number.POSITIVE_INFINITY
  #maxUs = 0

  /** Takes a duration. Below 1 µs it counts as 1 µs, above 10 min as 10 min. */
  add(ms: number): void {
    this.addUs(Math.round(ms * 1000))
  }

  /** The same in whole microseconds, `count` times. */
  addUs(value: number, count = 1): void {
    const us = value < 1 ? 1 : value > usMax ? usMax : value
    this.#counts[indexOf(us)]! += count
    this.#total += count
    this.#sumUs += us * count
    if (us < this.#minUs) this.#minUs = us
    if (us > this.#maxUs) this.#maxUs = us
  }

  /** Adds all that `other` has been given. */
  merge(other: Histogram): void {
    for (let index = 0; index < buckets; index++) this.#counts[index]! += other.#counts[index]!
    this.#total += other.#total
    this.#sumUs += other.#sumUs
    this.#minUs = Math.min(this.#minUs, other.#minUs)
    this.#maxUs = Math.max(this.#maxUs, other.#maxUs)
  }

  clear(): void {
    this.#counts.fill(0)
    this.#total = 0
    this.#sumUs = 0
    this.#minUs = Number.POSITIVE_INFINITY
    this.#maxUs = 0
  }

  get total(): number {
    return this.#total
  }

  /** 0 while it is empty, as are all below. */
  get meanMs(): number {
    return this.#total === 0 ? 0 : this.#sumUs / this.#total / 1000
  }

  get minMs(): number {
    return this.#total === 0 ? 0 : this.#minUs / 1000
  }

  get maxMs(): number {
    return this.#maxUs / 1000
  }

  /** The value that `percent` of all values do not exceed, 0 to 100. */
  percentileMs(percent: number): number {
    return this.percentilesMs([percent])[0]!
  }

  /** Several at once, in one pass. They have to be in ascending order. */
  percentilesMs(percents: readonly number[]): number[] {
    const found: number[] = []
    let index = -1
    let seen = 0
    for (const percent of percents) {
      // The nearest rank, less what floating point adds: 99.9 % of 1000 is 999, not 1000.
      const rank = Math.max(1, Math.ceil((percent / 100) * this.#total - 1e-6))
      while (seen < rank && index < buckets - 1) {
        index += 1
        seen += this.#counts[index]!
      }
      // The bucket's upper end, but never more than was really seen.
      found.push(this.#total === 0 ? 0 : Math.min(this.#maxUs, upperEnd(index)) / 1000)
    }
    return found
  }

  /** The buckets that are not empty: the upper end of each in microseconds, and its count. */
  toJSON(): [us: number, count: number][] {
    const pairs: [number, number][] = []
    for (let index = 0; index < buckets; index++) {
      const count = this.#counts[index]!
      if (count > 0) pairs.push([upperEnd(index), count])
    }
    return pairs
  }
}

function indexOf(us: number): number {
  const shift = Math.max(0, 32 - Math.clz32(us) - exactBits)
  return shift * half + (us >>> shift)
}

function upperEnd(index: number): number {
  const shift = Math.max(0, (index >>> (exactBits - 1)) - 1)
  return (index - shift * half) * 2 ** shift + 2 ** shift - 1
}
