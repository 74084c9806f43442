/**
 * Two runs side by side: what differs by more than chance. Every figure comes with an interval, from
 * how the seconds of both runs differ (see noise.ts), and the intervals of a table hold all together
 * with 95 %, so that in a table of many names no difference is found only because many were looked
 * at (Bonferroni). The interval of a ratio or difference is put together of those of its two sides
 * (Zou & Donner, Construction of confidence limits about effect measures, Stat. Med. 27, 2008).
 *
 * A name's own seconds are not kept, so its intervals are those of independent requests, widened by
 * as much as the seconds widen those of all names together: the design effect of survey sampling
 * (Kish, Survey Sampling, 1965).
 */

import { comparabilityWarnings, isSameLoad } from "./comparable.ts"
import {
  type Errors,
  type Interval,
  percentileInterval,
  relativeInterval,
  type Second,
  type Spread,
  secondsMin,
  secondsOf,
  shareInterval,
  spreadsOf,
  sum,
} from "./noise.ts"
import type { Buckets, StoredResult, StoredRow } from "./stored.ts"

/** What is compared: a rate, a share, and times. */
export type Compared = "requests/s" | "failed" | "mean" | "p50" | "p95" | "p99"

export interface Change {
  readonly of: Compared
  /** Requests a second, a share from 0 to 1, or milliseconds. */
  readonly before: number
  readonly now: number
  /**
   * How much more it is now: as a part of what it was, or of a share, as a difference. With what it
   * may be by chance at least and at most; both undefined where the runs can't tell.
   */
  readonly change: number
  readonly interval: Interval | undefined
}

export interface Comparison {
  /** What the earlier run is called, where it was read from, say. */
  readonly name: string
  readonly earlier: StoredResult
  /** What keeps the two from being compared, in sentences. */
  readonly warnings: readonly string[]
  readonly total: readonly Change[]
  /** Names that both runs have, in this one's order. */
  readonly rows: readonly {
    readonly method: string
    readonly name: string
    readonly changes: readonly Change[]
  }[]
}

const percentages = { p50: 50, p95: 95, p99: 99 } as const
type Percentile = keyof typeof percentages
const percentiles = Object.keys(percentages) as readonly Percentile[]

/** All intervals of a table hold with this probability, less than one. */
const alphaAll = 0.05
const comparedInTotal = percentiles.length + 3
const comparedByName = percentiles.length + 1

/** @param name of the earlier run, for the reader. */
export function compare(now: StoredResult, before: StoredResult, name: string): Comparison {
  const pairs = now.rows.flatMap((row) => {
    const other = before.rows.find((one) => one.method === row.method && one.name === row.name)
    return other === undefined ? [] : [[row, other] as const]
  })
  const isMeasured = now.total.requests > 0 && before.total.requests > 0
  const noise = isMeasured ? noiseOf(now, before) : undefined
  return {
    name,
    earlier: before,
    warnings: comparabilityWarnings(now, before),
    total: isMeasured ? totalChanges(now, before, noise) : [],
    rows: pairs
      .filter((rows) => rows.every(({ requests }) => requests > 0))
      .map(([row, other]) => ({
        method: row.method,
        name: row.name,
        changes: rowChanges(
          [row, other],
          [now.total, before.total],
          noise,
          alphaAll / (comparedByName * pairs.length),
        ),
      })),
  }
}

type Sides<T> = readonly [now: T, before: T]

/** How far the totals may be off. */
type Noise = Readonly<Record<Compared, Sides<Spread>>>

/** Undefined when a run is too short to tell. */
function noiseOf(now: StoredResult, before: StoredResult): Noise | undefined {
  const seconds = both([now, before], secondsOf)
  if (seconds.some(({ length }) => length < secondsMin)) return undefined
  const isPaired = isSameLoad(now, before) && isSameLength(seconds)
  const errors = both([now, before], ({ total }, side) => errorsOf(total, seconds[side]!))
  return mapped(errors[0], (of) => spreadsOf(errors[0][of], errors[1][of], isPaired))
}

/** A second or two more or less, at the end. */
function isSameLength([now, before]: Sides<readonly Second[]>): boolean {
  return Math.abs(now.length - before.length) <= Math.max(2, 0.02 * before.length)
}

/** What each second contributed to each figure's error; they add up to nothing. */
function errorsOf(row: StoredRow, seconds: readonly Second[]): Readonly<Record<Compared, Errors>> {
  const requests = sum(seconds.map((second) => second.requests))
  const mean = sum(seconds.map(({ latencySumMs }) => latencySumMs)) / requests
  const perS = requests / sum(seconds.map((second) => second.seconds))
  const failed = sum(seconds.map(({ failures }) => failures)) / requests
  const ofLevel = (of: Percentile): Errors => {
    const atMs = row.latency.percentilesMs[percentages[of]]
    const below = seconds.map((second) => second.requests * second.levelAt(atMs))
    const level = sum(below) / requests
    const wanted = percentages[of] / 100
    return {
      bySecond: seconds.map(
        (second, index) => (below[index]! - level * second.requests) / requests,
      ),
      independent: (wanted * (1 - wanted)) / requests,
    }
  }
  return {
    "requests/s": {
      bySecond: seconds.map((second) => (second.requests - perS * second.seconds) / requests),
      independent: 0,
    },
    failed: {
      bySecond: seconds.map((second) => (second.failures - failed * second.requests) / requests),
      independent: (failed * (1 - failed)) / requests,
    },
    mean: {
      bySecond: seconds.map(
        (second) => (second.latencySumMs - mean * second.requests) / (mean * requests),
      ),
      independent: relativeVariance(row.latencyHistogram) / requests,
    },
    p50: ofLevel("p50"),
    p95: ofLevel("p95"),
    p99: ofLevel("p99"),
  }
}

function totalChanges(
  now: StoredResult,
  before: StoredResult,
  noise: Noise | undefined,
): readonly Change[] {
  const sides = [now.total, before.total] as const
  const alpha = alphaAll / comparedInTotal
  const byRatio = (of: "requests/s" | "mean", value: (row: StoredRow) => number): Change => {
    const values = both(sides, value)
    const intervals =
      noise && both(values, (one, side) => relativeInterval(one, noise[of][side]!, alpha))
    return ratioChange(of, values, intervals)
  }
  return [
    byRatio("requests/s", ({ requestsPerS }) => requestsPerS),
    failedChange(sides, noise?.failed, alpha),
    byRatio("mean", ({ latency }) => latency.meanMs),
    ...percentiles.map((of) => percentileChange(of, sides, noise?.[of], alpha)),
  ]
}

function rowChanges(
  rows: Sides<StoredRow>,
  totals: Sides<StoredRow>,
  noise: Noise | undefined,
  alpha: number,
): readonly Change[] {
  // The same design effect on fewer requests.
  const ofName = (of: Percentile | "failed"): Sides<Spread> | undefined =>
    noise &&
    both(noise[of], ({ variance, degrees, independent }, side) => {
      const fewer = totals[side]!.requests / rows[side]!.requests
      return { variance: variance * fewer, degrees, independent: independent * fewer }
    })
  return [
    failedChange(rows, ofName("failed"), alpha),
    ...percentiles.map((of) => percentileChange(of, rows, ofName(of), alpha)),
  ]
}

function percentileChange(
  of: Percentile,
  sides: Sides<StoredRow>,
  spreads: Sides<Spread> | undefined,
  alpha: number,
): Change {
  const percent = percentages[of]
  const values = both(sides, ({ latency }) => latency.percentilesMs[percent])
  const intervals =
    spreads &&
    both(sides, ({ latencyHistogram }, side) =>
      percentileInterval(latencyHistogram, percent / 100, spreads[side]!, alpha),
    )
  return ratioChange(of, values, intervals)
}

function failedChange(
  sides: Sides<StoredRow>,
  spreads: Sides<Spread> | undefined,
  alpha: number,
): Change {
  const shares = both(sides, ({ failures, requests }) => Math.min(1, failures / requests))
  const intervals =
    spreads &&
    both(sides, ({ requests }, side) =>
      shareInterval(shares[side]!, requests, spreads[side]!, alpha),
    )
  const [now, before] = shares
  return {
    of: "failed",
    before,
    now,
    change: now - before,
    interval: intervals && differenceInterval(shares, intervals),
  }
}

function ratioChange(
  of: Compared,
  [now, before]: Sides<number>,
  intervals: Sides<Interval> | undefined,
): Change {
  const logs =
    intervals && both(intervals, ([low, high]): Interval => [Math.log(low), Math.log(high)])
  const found = logs && differenceInterval([Math.log(now), Math.log(before)], logs)
  return {
    of,
    before,
    now,
    change: now / before - 1,
    interval: found && [Math.exp(found[0]) - 1, Math.exp(found[1]) - 1],
  }
}

/** Zou & Donner's, of now less before. */
function differenceInterval(
  [now, before]: Sides<number>,
  [[nowLow, nowHigh], [beforeLow, beforeHigh]]: Sides<Interval>,
): Interval {
  return [
    now - before - Math.hypot(now - nowLow, beforeHigh - before),
    now - before + Math.hypot(nowHigh - now, before - beforeLow),
  ]
}

/** Variance by the square of the mean. */
function relativeVariance(buckets: Buckets): number {
  const count = sum(buckets.map(([, times]) => times))
  const mean = sum(buckets.map(([us, times]) => us * times)) / count
  return sum(buckets.map(([us, times]) => times * (us / mean - 1) ** 2)) / count
}

function both<From, To>(
  [now, before]: Sides<From>,
  map: (from: From, side: 0 | 1) => To,
): Sides<To> {
  return [map(now, 0), map(before, 1)]
}

function mapped<Key extends string, To>(
  object: Readonly<Record<Key, unknown>>,
  map: (key: Key) => To,
): Record<Key, To> {
  const keys = Object.keys(object) as Key[]
  return Object.fromEntries(keys.map((key) => [key, map(key)])) as Record<Key, To>
}
