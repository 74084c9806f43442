/** A histogram as two charts draw it: how many took how long, and how long the slowest part took. */
import type { Buckets } from "./stored.ts"

export interface Distribution {
  /** Lower ends of bins that are as wide as each other on a logarithmic axis. */
  readonly fromMs: readonly number[]
  /** The part of all values in each bin, 0 to 1. */
  readonly shares: readonly number[]
  /** One in so many values: 2 is the median, 100 the 99th percentile. Ascending. */
  readonly oneIn: readonly number[]
  /** What so many take at least. */
  readonly ms: readonly number[]
}

/** A bin's upper end is 12 % above its lower one. */
const binsByTen = 20

export function distributionOf(buckets: Buckets): Distribution {
  return { ...bins(buckets), ...tail(buckets) }
}

function bins(buckets: Buckets): Pick<Distribution, "fromMs" | "shares"> {
  const total = countOf(buckets)
  const indices = buckets.map(([us]) => Math.floor(Math.log10(us) * binsByTen))
  const first = indices.at(0) ?? 0
  const shares = new Array<number>((indices.at(-1) ?? first) - first + 1).fill(0)
  for (const [at, [, count]] of buckets.entries()) shares[indices[at]! - first]! += count / total
  return {
    fromMs: shares.map((_, index) => rounded(10 ** ((first + index) / binsByTen) / 1000)),
    shares: shares.map(rounded),
  }
}

function tail(buckets: Buckets): Pick<Distribution, "oneIn" | "ms"> {
  const total = countOf(buckets)
  const oneIn: number[] = []
  const ms: number[] = []
  let [at, seen] = [0, 0]
  for (let step = 0; total > 0; step++) {
    const parts = Math.min(total, 10 ** (step / binsByTen))
    const rank = Math.max(1, Math.ceil(total * (1 - 1 / parts) - 1e-6))
    while (at < buckets.length && seen + buckets[at]![1] < rank) seen += buckets[at++]![1]
    oneIn.push(rounded(parts))
    ms.push(buckets[at]![0] / 1000)
    if (parts === total) break
  }
  return { oneIn, ms }
}

function countOf(buckets: Buckets): number {
  return buckets.reduce((total, [, count]) => total + count, 0)
}

/** To four digits: what a chart can show, in a third of the bytes. */
function rounded(value: number): number {
  return Number(value.toPrecision(4))
}
