/** How numbers and metrics are said in reasons. */
import type { Measured } from "./computed.ts"
import type { Metric } from "./metric.ts"
import type { Tolerance } from "./resolve.ts"

/** "cpu at 52 %". */
export function readingText(metric: Metric, measured: Measured): string {
  return `${metricText(metric)} at ${measuredText(measured)}`
}

/** "cpu", "cpu of app". */
export function metricText({ name, container }: Metric): string {
  return container === undefined ? name : `${name} of ${container}`
}

export function measuredText({ utilization, averageMilli, totalMilli }: Measured): string {
  if (utilization !== undefined) return `${utilization} %`
  if (totalMilli !== undefined) return amountText(totalMilli)
  return averageMilli === undefined ? "an unknown average" : `${amountText(averageMilli)} each`
}

/** "50 %", or for other targets "0.5". */
export function targetText({ target }: Metric): string {
  return target.kind === "utilization" ? `${target.percent} %` : amountText(target.milli)
}

/** "within 10 % of 50 %": by the tolerance of the side that the ratio is on. */
export function withinText(metric: Metric, { up, down }: Tolerance, ratio: number): string {
  return `within ${percentText(ratio < 1 ? down : up)} of ${targetText(metric)}`
}

/** "1 pod", "2 pods". */
export function countText(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`
}

/** "300 s". */
export function secondsText(ms: number): string {
  return `${ms / 1000} s`
}

function percentText(share: number): string {
  return `${Math.round(share * 1000) / 10} %`
}

function amountText(milli: number): string {
  return `${milli / 1000}`
}
