/** Thresholds: what a run has to keep, for CI to hold it to. `p99<500ms`, `errors<1%`, `rate>=100/s`. */

import type { Histogram } from "../core/histogram.ts"
import { LoadError } from "./error.ts"
import { parseDurationMs } from "./pace/duration.ts"
import { parseRate } from "./pace/rate.ts"

type Comparison = "<" | "<=" | ">" | ">="

export interface Threshold {
  /** As it was typed. */
  readonly text: string
  readonly of: { readonly percentile: number } | "mean" | "max" | "errors" | "rate"
  readonly comparison: Comparison
  /** In milliseconds, as a share from 0 to 1, or in requests a second. */
  readonly bound: number
  /** The run is ended when it is crossed, though not before so long. Undefined: it never is. */
  readonly abortAfterMs: number | undefined
}

/** Before, a run's first answers would decide: those that had to open connections. */
const abortAfterMsDefault = 5000

export interface Verdict {
  readonly threshold: string
  /** What was measured, in words. */
  readonly measured: string
  readonly kept: boolean
}

/** What thresholds look at. */
export interface Measured {
  readonly latency: Histogram
  readonly requests: number
  readonly failures: number
  readonly requestsPerS: number
}

/** @throws {LoadError} saying what is wrong and how thresholds are written. */
export function parseThreshold(text: string): Threshold {
  const wrong = (why: string): LoadError =>
    new LoadError(
      `The threshold "${text}" can't be read: ${why}. Examples: p99<500ms, p99.9<=2s, mean<100ms, max<5s, errors<1%, rate>=100/s; to end the run when it is crossed, "errors<10% abort" or "errors<10% abort after 30s".`,
    )
  const [, rule = text, abort, after] =
    /^(.*?)(\s+abort(?:\s+after\s+(\S+))?)?\s*$/.exec(text) ?? []
  const [, what = "", comparison = "", value = ""] =
    /^([a-z][a-z0-9.]*)(<=|>=|<|>)(.+)$/.exec(rule.replaceAll(/\s/g, "")) ?? []
  if (what === "") throw wrong("it is not NAME, < or >, VALUE")
  const of = measureOf(what)
  if (of === undefined) throw wrong(`there is no "${what}"`)
  const bound = boundOf(of, value)
  if (bound === undefined) throw wrong(`"${value}" is not a value for ${what}`)
  const afterMs = after === undefined ? abortAfterMsDefault : parseDurationMs(after)
  if (afterMs === undefined) throw wrong(`"${after}" is not a duration`)
  const abortAfterMs = abort === undefined ? undefined : afterMs
  return { text, of, comparison: comparison as Comparison, bound, abortAfterMs }
}

export function judge({ text, of, comparison, bound }: Threshold, measured: Measured): Verdict {
  const value = measure(of, measured)
  return {
    threshold: text,
    measured:
      of === "errors"
        ? `${Number((value * 100).toFixed(3))}%`
        : of === "rate"
          ? `${Number(value.toFixed(2))}/s`
          : `${Number(value.toFixed(2))}ms`,
    // Of nothing, nothing can be said to be kept.
    kept: measured.requests > 0 && compare(value, comparison, bound),
  }
}

function measureOf(what: string): Threshold["of"] | undefined {
  if (what === "mean" || what === "max" || what === "errors" || what === "rate") return what
  const percentile = /^p(\d+(?:\.\d+)?)$/.exec(what)?.[1]
  if (percentile === undefined || Number(percentile) > 100) return undefined
  return { percentile: Number(percentile) }
}

function boundOf(of: Threshold["of"], value: string): number | undefined {
  if (of === "rate") return parseRate(value)
  if (of !== "errors") return /[a-z]$/.test(value) ? parseDurationMs(value) : undefined
  const percent = /^(\d+(?:\.\d+)?)%$/.exec(value)?.[1]
  return percent === undefined ? undefined : Number(percent) / 100
}

function measure(of: Threshold["of"], measured: Measured): number {
  const { latency, requests, failures, requestsPerS } = measured
  if (typeof of === "object") return latency.percentileMs(of.percentile)
  switch (of) {
    case "mean":
      return latency.meanMs
    case "max":
      return latency.maxMs
    case "errors":
      return requests === 0 ? 0 : failures / requests
    case "rate":
      return requestsPerS
    default:
      return of satisfies never
  }
}

function compare(value: number, comparison: Comparison, bound: number): boolean {
  switch (comparison) {
    case "<":
      return value < bound
    case "<=":
      return value <= bound
    case ">":
      return value > bound
    case ">=":
      return value >= bound
    default:
      return comparison satisfies never
  }
}
