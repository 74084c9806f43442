/**
 * Metrics that all pods share: a number of another object, or from outside. They have a value
 * whatever the pods do, so a single step can go as far as it takes.
 *
 * `total` is compared as it is, and multiplies the ready pods. `average` is divided by the replicas
 * first, and the pods do not matter.
 *
 * Upstream: GetObjectMetricReplicas, GetExternalMetricReplicas, getUsageRatioReplicaCount,
 * GetObjectPerPodMetricReplicas and GetExternalPerPodMetricReplicas in replica_calculator.go.
 */
import type { Computed, Uncomputed } from "./computed.ts"
import { toAmount, toCount, toCountCapped } from "./integers.ts"
import type { AmountTarget, Metric } from "./metric.ts"
import type { Observed, Pod } from "./observed.ts"
import type { Tolerance } from "./resolve.ts"
import { isWithin } from "./tolerance.ts"
import { countText, readingText, targetText, withinText } from "./wording.ts"

/** The largest amount, as a float. */
const beyondAmounts = 2 ** 63

export function sharedReplicas(
  metric: Metric,
  target: AmountTarget,
  observed: Observed,
  tolerance: Tolerance,
): Computed | Uncomputed {
  const milli = sumOf(metric, observed)
  if (milli === undefined) return { error: `there is no value of ${metric.name}` }
  return target.kind === "total"
    ? byTotal(metric, target, milli, observed, tolerance)
    : byAverage(metric, target, milli, observed, tolerance)
}

function sumOf({ type, name, target }: Metric, observed: Observed): number | undefined {
  if (type === "Object") return observed.objectMilli[name]
  const values = observed.externalMilli[name] ?? []
  if (values.length === 0) return undefined
  let sum = 0
  for (const value of values) {
    sum += value
    // Upstream takes it for an overflow. So a negative metric asks for all there is.
    if (sum < 0 && target.kind === "average") return beyondAmounts
  }
  return sum
}

function byTotal(
  metric: Metric,
  target: AmountTarget,
  totalMilli: number,
  { replicas, pods }: Observed,
  tolerance: Tolerance,
): Computed | Uncomputed {
  const measured = { totalMilli }
  const said = readingText(metric, measured)
  const ratio = totalMilli / target.milli
  const asks = `${said}, target ${targetText(metric)}, asks for`
  if (replicas === 0) {
    const asked = toCount(Math.ceil(ratio))
    return { replicas: asked, measured, reason: `${asks} ${asked}` }
  }
  if (isWithin(tolerance, ratio)) {
    return { replicas, measured, reason: `${said} is ${withinText(metric, tolerance, ratio)}` }
  }
  if (pods.every(({ gone }) => gone)) return { error: "there are no pods" }
  const ready = pods.filter(isReady).length
  const asked = toCountCapped(Math.ceil(ratio * ready))
  return { replicas: asked, measured, reason: `${asks} ${asked}: ${countText(ready, "ready pod")}` }
}

/** Pods being deleted count here, as long as they are ready. */
function isReady({ gone, phase, ready }: Pod): boolean {
  return !gone && phase === "Running" && ready?.status === true
}

function byAverage(
  metric: Metric,
  target: AmountTarget,
  totalMilli: number,
  { statusReplicas }: Observed,
  tolerance: Tolerance,
): Computed {
  const averageMilli =
    totalMilli === beyondAmounts ? undefined : toAmount(Math.ceil(totalMilli / statusReplicas))
  const measured = { averageMilli }
  const said = readingText(metric, measured)
  const ratio = totalMilli / (target.milli * statusReplicas)
  if (isWithin(tolerance, ratio)) {
    const reason = `${said} is ${withinText(metric, tolerance, ratio)}`
    return { replicas: statusReplicas, measured, reason }
  }
  // Only External's is kept from overflowing.
  const toReplicas = metric.type === "External" ? toCountCapped : toCount
  const asked = toReplicas(Math.ceil(totalMilli / target.milli))
  return {
    replicas: asked,
    measured,
    reason: `${said}, target ${targetText(metric)}, asks for ${asked}`,
  }
}
