/**
 * How far a run's figures may be off by chance.
 *
 * Requests are not independent: a busy second, a collection of garbage or a slow disk hits all that
 * are under way, so a million requests say much less than a million throws of dice; and neighbouring
 * seconds are not independent either. So errors are estimated from the run's slow waves: its first
 * few cosines over time, whose squares tell how much a mean over the whole run may be off, with as
 * many degrees of freedom as there are cosines (the equal-weighted cosine estimator of Lazarus,
 * Lewis, Stock & Watson, HAR inference: recommendations for practice, J. Bus. Econ. Stat. 36, 2018,
 * with their number of cosines). They are never taken for less than what chance alone would give if
 * every request were independent.
 *
 * - A percentile is bounded by turning it round: the share of requests below it has an error like
 *   any mean, and the percentiles at that share's bounds are the percentile's (Woodruff, Confidence
 *   intervals for medians and other position measures, J. Am. Stat. Assoc. 47, 1952).
 * - A share has Wilson's interval, with as many requests as the seconds are worth.
 */
import { type Percent, percents } from "../books/stats.ts"
import type { Buckets, StoredResult } from "./stored.ts"
import { studentQuantile } from "./student.ts"

/** A second of a run, or where an old one was thinned out, a few. */
export interface Second {
  readonly seconds: number
  readonly requests: number
  readonly failures: number
  readonly latencySumMs: number
  /** The share of the second's requests that took no longer, from 0 to 1. */
  readonly levelAt: (ms: number) => number
}

/** Fewer say too little of how much seconds differ. */
export const secondsMin = 10

export function secondsOf({ history, total }: StoredResult): readonly Second[] {
  return history.map((point, index) => {
    const before = index === 0 ? undefined : history[index - 1]
    const { requests, failures, meanMs } = point.total
    const levels = knownLevels(point.percentilesMs, total.latency.minMs)
    return {
      seconds: (point.elapsedMs - (before?.elapsedMs ?? 0)) / 1000,
      requests: requests - (before?.total.requests ?? 0),
      failures: failures - (before?.total.failures ?? 0),
      latencySumMs: requests * meanMs - (before ? before.total.requests * before.total.meanMs : 0),
      levelAt: (ms) => levelAt(levels, total.latency.minMs, ms),
    }
  })
}

/** A figure's error: what each second added to it, and what it would be by chance alone. */
export interface Errors {
  readonly bySecond: readonly number[]
  /** The variance if requests were independent. */
  readonly independent: number
}

/** A variance as the seconds have it, from how many degrees of freedom, and as independence has it. */
export interface Spread {
  readonly variance: number
  readonly degrees: number
  readonly independent: number
}

/** Of the sum of all seconds' errors. */
function spreadOf({ bySecond, independent }: Errors): Spread {
  const { length } = bySecond
  const degrees = Math.max(1, Math.round(0.41 * length ** (2 / 3)))
  let squares = 0
  for (let wave = 1; wave <= degrees; wave++) {
    const step = (Math.PI * wave) / length
    let part = 0
    for (let index = 0; index < length; index++) {
      part += bySecond[index]! * Math.cos(step * (index + 0.5))
    }
    squares += 2 * part ** 2
  }
  return { variance: squares / degrees, degrees, independent }
}

/**
 * The spreads of two runs that are to be compared. When the same load was offered at the same time
 * of both, what both share (a ramp above all) is no error of their difference: then it is the spread
 * of the differences second by second, split between them as it is by themselves.
 */
export function spreadsOf(now: Errors, before: Errors, isPaired: boolean): [Spread, Spread] {
  const alone: [Spread, Spread] = [spreadOf(now), spreadOf(before)]
  const sumAlone = alone[0].variance + alone[1].variance
  if (!isPaired || sumAlone === 0) return alone
  const length = Math.min(now.bySecond.length, before.bySecond.length)
  const together = spreadOf({
    bySecond: Array.from({ length }, (_, index) => now.bySecond[index]! - before.bySecond[index]!),
    independent: 0,
  })
  const scale = together.variance / sumAlone
  const split = (spread: Spread): Spread => ({
    ...spread,
    variance: spread.variance * scale,
    degrees: together.degrees,
  })
  return [split(alone[0]), split(alone[1])]
}

/** From and to. */
export type Interval = readonly [low: number, high: number]

/** Of a positive figure whose errors are relative ones. */
export function relativeInterval(value: number, spread: Spread, alpha: number): Interval {
  const factor = Math.exp(reach(spread, alpha))
  return [value / factor, value * factor]
}

/** Of a percentile, `level` from 0 to 1, whose errors are those of its level. */
export function percentileInterval(
  buckets: Buckets,
  level: number,
  spread: Spread,
  alpha: number,
): Interval {
  const half = reach(spread, alpha)
  return [
    level - half <= 0 ? 0 : percentileMs(buckets, level - half),
    level + half >= 1 ? Number.POSITIVE_INFINITY : percentileMs(buckets, level + half),
  ]
}

/** Of a share, by Wilson, where independent requests have a spread of nothing when none failed. */
export function shareInterval(
  share: number,
  requests: number,
  spread: Spread,
  alpha: number,
): Interval {
  const independent = (share * (1 - share)) / requests
  const z = studentQuantile(alpha, Number.POSITIVE_INFINITY)
  // As many independent requests as would give the wider interval.
  const widening =
    independent === 0 ? 1 : Math.max(1, (reach(spread, alpha) / z) ** 2 / independent)
  return wilson(share, requests / widening, z)
}

function wilson(share: number, count: number, z: number): Interval {
  const shrunk = 1 + z ** 2 / count
  const middle = (share + z ** 2 / (2 * count)) / shrunk
  const half = (z / shrunk) * Math.sqrt((share * (1 - share)) / count + z ** 2 / (4 * count ** 2))
  return [Math.max(0, middle - half), Math.min(1, middle + half)]
}

function percentileMs(buckets: Buckets, level: number): number {
  const total = buckets.reduce((all, [, count]) => all + count, 0)
  const rank = Math.max(1, Math.ceil(level * total - 1e-6))
  let seen = 0
  for (const [us, count] of buckets) {
    seen += count
    if (seen >= rank) return us / 1000
  }
  return 0
}

/** Half an interval: the wider one of both ways to see it. */
function reach({ variance, degrees, independent }: Spread, alpha: number): number {
  return Math.max(
    studentQuantile(alpha, degrees) * Math.sqrt(variance),
    studentQuantile(alpha, Number.POSITIVE_INFINITY) * Math.sqrt(independent),
  )
}

type Levels = readonly (readonly [percent: number, ms: number])[]

/** In straight lines over the logarithm of time, through what is known of the second. */
function levelAt(levels: Levels, minMs: number, ms: number): number {
  if (levels.length === 0) return 0
  let [below, belowMs] = [0, minMs]
  for (const [percent, atMs] of levels) {
    if (ms < atMs) {
      if (ms <= belowMs) return below / 100
      const part = Math.log(ms / belowMs) / Math.log(atMs / belowMs)
      return (below + part * (percent - below)) / 100
    }
    ;[below, belowMs] = [percent, atMs]
  }
  return 1
}

/** Below the median nothing is kept: there the upper half is mirrored, on a logarithmic scale. */
function knownLevels(
  percentilesMs: Readonly<Record<Percent, number>> | null,
  minMs: number,
): Levels {
  if (percentilesMs === null) return []
  const median = percentilesMs[50]
  const upper = percents.map((percent) => [percent, percentilesMs[percent]] as const)
  const lower = upper
    .filter(([percent]) => percent > 50 && percent < 100)
    .map(([percent, ms]) => [100 - percent, Math.max(minMs, median ** 2 / ms)] as const)
  return [...lower.toReversed(), ...upper]
}

export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
