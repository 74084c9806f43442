/** A comparison in words, the same in every report. */
import { formatDuration } from "../pace/duration.ts"
import { inColumns, wrapped } from "./columns.ts"
import type { Change, Compared, Comparison } from "./compare.ts"
import { moment, percent, rate, time } from "./figures.ts"

/** `same`: no difference that these runs can show. `unknown`: they can't tell. */
export type ChangeVerdict = "better" | "worse" | "same" | "unknown"

export function verdictOf({ of, interval }: Change): ChangeVerdict {
  if (interval === undefined) return "unknown"
  const [low, high] = interval
  if (low <= 0 && high >= 0) return "same"
  const isMore = low > 0
  return isMore === (of === "requests/s") ? "better" : "worse"
}

/** `slower by 12% (8 to 16)`. */
export function changeText(change: Change): string {
  const { of, before, now, interval } = change
  if (of === "failed" && before === 0 && now === 0) return "none in either"
  switch (verdictOf(change)) {
    case "unknown":
      return "a run is too short to tell"
    case "same":
      if (isAnything(change)) return "these runs can't tell"
      return `no difference that these runs can show (${range(of, interval!)})`
    case "better":
    case "worse":
      return `${directionOf(change)} by ${size(change.change)}${unit(of)} ${bounds(interval!)}`
  }
}

/** A value of what is compared. */
export function comparedText(of: Compared, value: number): string {
  switch (of) {
    case "requests/s":
      return rate(value)
    case "failed":
      return percent(value)
    default:
      return time(value)
  }
}

export function comparedWith({ name, earlier }: Comparison): string {
  return `Compared with ${name}, of ${moment(Date.parse(earlier.startedAt))} (${formatDuration(earlier.durationMs)}, ${earlier.offered})`
}

/** What two runs can't tell of each other, whatever they measured. */
export const comparisonCaveat =
  "The ranges hold together with 95%. They are of chance within the two runs; what differs from one run to the next by itself (a warm cache, another program on the machine) shows only when runs are repeated."

/** Whether the runs can tell anything at all. */
export function isTold({ total }: Comparison): boolean {
  return total.some((change) => verdictOf(change) !== "unknown")
}

/** By name, those changes that are more than chance. */
export function changesByName({ rows }: Comparison): readonly (readonly [string, Change])[] {
  return rows.flatMap(({ method, name, changes }) =>
    changes
      .filter((change) => ["better", "worse"].includes(verdictOf(change)))
      .map((change) => [`${method} ${name}`.trim(), change] as const),
  )
}

/** Lines for a terminal. */
export function comparisonLines(comparison: Comparison, width: number): string[] {
  const { warnings, total } = comparison
  const lines = [
    ...wrapped(`${comparedWith(comparison)}:`, width, "  "),
    ...warnings.flatMap((warning) => wrapped(`! ${warning}`, width, "  ")),
  ]
  if (total.length === 0) return lines
  lines.push(...table([["", "before", "now", ""], ...total.map(cells)], [0, 3], width))
  if (!isTold(comparison)) return lines
  return [...lines, ...linesByName(comparison, width), ...wrapped(comparisonCaveat, width)]
}

function linesByName(comparison: Comparison, width: number): string[] {
  if (comparison.rows.length < 2) return []
  const changed = changesByName(comparison)
  if (changed.length === 0) return ["By name: no difference that these runs can show."]
  const shown = changed.slice(0, changesShown).map(([name, change]) => [name, ...cells(change)])
  const more = changed.length - changesShown
  return [
    "By name, what differs:",
    ...table(shown, [0, 1, 4], width),
    ...(more > 0 ? [`  and ${more} more`] : []),
  ]
}

/** @param left the columns that are to the left. */
function table(
  rows: readonly (readonly string[])[],
  left: readonly number[],
  width: number,
): string[] {
  return inColumns(rows, (index) => (left.includes(index) ? "left" : "right")).flatMap((line) =>
    wrapped(`  ${line}`, width, "      "),
  )
}

const changesShown = 20

function cells(change: Change): string[] {
  const { of, before, now } = change
  return [of, comparedText(of, before), comparedText(of, now), changeText(change)]
}

function directionOf({ of, change }: Change): string {
  if (of === "requests/s" || of === "failed") return change > 0 ? "more" : "less"
  return change > 0 ? "slower" : "faster"
}

/** `(8 to 16)`, in the direction of the change, or the end that is known. */
function bounds([low, high]: readonly [number, number]): string {
  const [least, most] = low > 0 ? [low, high] : [-high, -low]
  if (!Number.isFinite(most)) return `(at least ${size(least)})`
  return `(${size(least)} to ${size(most)})`
}

function unit(of: Compared): string {
  return of === "failed" ? " points" : "%"
}

function size(change: number): string {
  const value = Math.abs(change) * 100
  return value < 0.1 ? value.toFixed(2) : value < 9.95 ? value.toFixed(1) : value.toFixed(0)
}

/** Neither end is known: too few requests for so high a percentile. */
function isAnything({ of, interval }: Change): boolean {
  return of !== "failed" && interval?.[0] === -1 && interval[1] === Number.POSITIVE_INFINITY
}

/** Of what includes no change: `−3.0 to +28%`. */
function range(of: Compared, [low, high]: readonly [number, number]): string {
  // Nothing can be less by more than all of it.
  const hasLow = of === "failed" || low > -1
  if (!Number.isFinite(high)) return `${signed(low)}${unit(of)} or more`
  return hasLow
    ? `${signed(low)} to ${signed(high)}${unit(of)}`
    : `at most ${signed(high)}${unit(of)}`
}

function signed(change: number): string {
  return `${change < 0 ? "−" : "+"}${size(change)}`
}
