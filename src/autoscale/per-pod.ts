/**
 * Metrics that every pod has a value of: its CPU, its memory, a number of its own. Use ÷ target × the
 * pods that count, rounded up, is how many it takes.
 *
 * The silent pods, those without a value that counts, are what makes it hard. They are taken to use
 * whatever speaks against a change: plenty where the others use too little, nothing where they use
 * too much. What then remains of the change, in the same direction, is asked for.
 *
 * Upstream: GetResourceReplicas and calcPlainMetricReplicas in replica_calculator.go.
 */
import type { Computed, Judgement, Uncomputed } from "./computed.ts"
import { type Gauge, type Gauged, gaugeOf } from "./gauge.ts"
import { toCount } from "./integers.ts"
import type { Metric } from "./metric.ts"
import type { Observed, Pod } from "./observed.ts"
import { groupPods, type PodGroups, type Reading } from "./pods.ts"
import { requestOf } from "./readings.ts"
import { isWithin } from "./tolerance.ts"
import { countText, measuredText, readingText, targetText, withinText } from "./wording.ts"

export function perPodReplicas(
  metric: Metric,
  { replicas, pods }: Observed,
  { tolerance, readiness }: Judgement,
  nowMs: number,
): Computed | Uncomputed {
  const problem = problemWith(metric, pods)
  if (problem !== undefined) return { error: problem }
  const groups = groupPods(pods, metric, readiness, nowMs)
  const gauge = gaugeOf(metric)
  const { heard, readyCount } = groups
  if (heard.length === 0) return { error: `no pod that is ready has a value of ${metric.name}` }
  const gauged = gauge.measure(heard)
  if (gauged === undefined) return { error: `the pods with a value request no ${metric.name}` }

  const { ratio, measured } = gauged
  const said = readingText(metric, measured)
  const keep = (why: string): Computed => ({ replicas, measured, reason: said + why })
  const assumed = assume(gauge, groups, ratio)
  if (assumed.length === 0) {
    if (isWithin(tolerance, ratio)) return keep(` is ${withinText(metric, tolerance, ratio)}`)
    const asked = toCount(Math.ceil(ratio * readyCount))
    const ready = countText(readyCount, "ready pod")
    const how = `target ${targetText(metric)}, asks for ${asked}: ${ready}`
    return { replicas: asked, measured, reason: `${said}, ${how} × ${shorten(ratio)}` }
  }

  const all = gauge.measure([...heard, ...assumed]) as Gauged
  const assumption = `, ${measuredText(all.measured)} ${assumptionText(metric, assumed.length, ratio)}`
  if (isWithin(tolerance, all.ratio)) {
    return keep(`${assumption}, which is ${withinText(metric, tolerance, all.ratio)}`)
  }
  if (all.ratio > 1 !== ratio > 1) {
    return keep(`${assumption}, which is on the other side of ${targetText(metric)}`)
  }
  const asked = toCount(Math.ceil(all.ratio * (heard.length + assumed.length)))
  const isContrary = all.ratio > 1 ? asked < replicas : asked > replicas
  if (isContrary) return keep(`${assumption}, which would make ${replicas} ${asked}: the wrong way`)
  const how = `target ${targetText(metric)}, asks for ${asked}`
  return { replicas: asked, measured, reason: `${said}${assumption}, ${how}` }
}

/** Where the list of pods is wrong, no value can help. */
function problemWith(metric: Metric, pods: readonly Pod[]): string | undefined {
  if (pods.every(({ gone }) => gone)) return "there are no pods"
  if (metric.target.kind !== "utilization") return undefined
  // Of all pods, those included that do not count otherwise.
  const pod = pods.find((it) => !it.gone && requestOf(it, metric) === undefined)
  if (pod === undefined) return undefined
  return metric.container === undefined
    ? `${pod.name} has a container without a request for ${metric.name}`
    : `${pod.name} has no container ${metric.container} with a request for ${metric.name}`
}

/** Readings of the silent pods. None where there are none, or where they make no difference. */
function assume(gauge: Gauge, { missing, unready }: PodGroups, ratio: number): readonly Reading[] {
  if (ratio > 1) return [...missing, ...unready].map((pod) => ({ pod, milli: 0 }))
  if (ratio < 1) return missing.map((pod) => ({ pod, milli: gauge.plenty(pod) }))
  return []
}

function assumptionText({ target }: Metric, count: number, ratio: number): string {
  const plenty = target.kind === "utilization" ? `${Math.max(100, target.percent)} %` : "the target"
  return `with ${countText(count, "silent pod")} counted as ${ratio > 1 ? "0" : plenty}`
}

function shorten(ratio: number): number {
  return Math.round(ratio * 100) / 100
}
