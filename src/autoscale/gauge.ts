/**
 * Two ways to read the pods' values as one ratio of use to target: as a share of what the pods
 * requested, or as an average. Both are cut to a whole number before they are divided by the target,
 * which decides cases: 54.9 % is 54 %.
 *
 * Upstream: GetResourceUtilizationRatio and GetMetricUsageRatio in metrics/utilization.go.
 */
import type { Measured } from "./computed.ts"
import { divide, multiplyDivide, wrapCount } from "./integers.ts"
import type { Metric, UtilizationTarget } from "./metric.ts"
import type { Pod } from "./observed.ts"
import type { Reading } from "./pods.ts"
import { requestOf } from "./readings.ts"

export interface Gauge {
  /** What a silent pod is taken to use when the others use too little. */
  plenty(pod: Pod): number
  /** Of one reading or more. `undefined` when there is nothing to measure by. */
  measure(readings: readonly Reading[]): Gauged | undefined
}

export interface Gauged {
  /** Use ÷ target. */
  readonly ratio: number
  readonly measured: Measured
}

export function gaugeOf(metric: Metric): Gauge {
  const { target } = metric
  return target.kind === "utilization"
    ? utilizationGauge(metric, target)
    : averageGauge(target.milli)
}

function utilizationGauge(metric: Metric, { percent }: UtilizationTarget): Gauge {
  return {
    plenty: (pod) => multiplyDivide(requestOf(pod, metric) ?? 0, Math.max(100, percent), 100),
    measure(readings) {
      let use = 0
      let request = 0
      let pods = 0
      for (const { pod, milli } of readings) {
        // Nobody knows any more what those requested.
        if (pod.gone) continue
        use += milli
        request += requestOf(pod, metric) ?? 0
        pods += 1
      }
      if (request === 0) return undefined
      const utilization = wrapCount(multiplyDivide(use, 100, request))
      return {
        ratio: utilization / percent,
        measured: { utilization, averageMilli: divide(use, pods) },
      }
    },
  }
}

function averageGauge(targetMilli: number): Gauge {
  return {
    plenty: () => targetMilli,
    measure(readings) {
      let use = 0
      for (const { milli } of readings) use += milli
      const averageMilli = divide(use, readings.length)
      return { ratio: averageMilli / targetMilli, measured: { averageMilli } }
    },
  }
}
