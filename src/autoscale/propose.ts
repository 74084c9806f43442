/**
 * Second step of a sync: every metric says how many replicas it takes, and the most counts.
 *
 * A metric that fails blocks decreases only: what it would have asked for is not known, so nothing
 * may be taken away, while what the others ask for may be added.
 *
 * Upstream: computeReplicasForMetrics and computeReplicasForMetric in horizontal.go.
 */
import type { Computed, Judgement, Measured, Uncomputed } from "./computed.ts"
import { type Condition, condition } from "./conditions.ts"
import type { Metric } from "./metric.ts"
import type { Observed } from "./observed.ts"
import { perPodReplicas } from "./per-pod.ts"
import type { ResolvedSpec } from "./resolve.ts"
import { sharedReplicas } from "./shared.ts"
import type { MetricType } from "./spec.ts"
import { metricText } from "./wording.ts"

export interface Proposal {
  /** `undefined`: nothing is known, or not enough to take replicas away. */
  readonly replicas: number | undefined
  /** As events say it. */
  readonly because: string
  readonly conditions: readonly Condition[]
  /** One for each metric, in the order of the spec. */
  readonly metrics: readonly MetricStatus[]
  readonly reasons: readonly string[]
}

/** What one metric came to. An entry of `status.currentMetrics`, which is empty where it failed. */
export type MetricStatus = Measured & {
  readonly type: MetricType
  readonly name: string
  /** What it asks for. Absent when it failed. */
  readonly replicas?: number
  readonly error?: string
}

export function propose(observed: Observed, spec: ResolvedSpec, nowMs: number): Proposal {
  const results = spec.metrics.map((metric) => ({
    metric,
    result: replicasFor(metric, observed, spec, nowMs),
  }))
  const failed = results.filter(({ result }) => "error" in result)
  const { most, askedBy } = mostOf(results)
  const isBlocked =
    failed.length === results.length || (failed.length > 0 && most < observed.replicas)
  // A count that overflowed is below nothing.
  const replicas = Math.max(0, most)
  return {
    replicas: isBlocked ? undefined : replicas,
    because: becauseOf(replicas, askedBy, observed.replicas),
    conditions: [
      isBlocked
        ? condition("ScalingActive", false, failureReason(failed[0]!.metric.type))
        : condition("ScalingActive", true, "ValidMetricFound"),
    ],
    metrics: results.map(toStatus),
    reasons: [
      ...results.map(toReason),
      ...whatCounts(results.length, failed.length, most, isBlocked),
    ],
  }
}

interface Result {
  readonly metric: Metric
  readonly result: Computed | Uncomputed
}

/** What one metric asks for, whatever the others and the bounds say. */
export function replicasFor(
  metric: Metric,
  observed: Observed,
  judgement: Judgement,
  nowMs: number,
): Computed | Uncomputed {
  const { type, target } = metric
  const isShared = (type === "Object" || type === "External") && target.kind !== "utilization"
  return isShared
    ? sharedReplicas(metric, target, observed, judgement.tolerance)
    : perPodReplicas(metric, observed, judgement, nowMs)
}

/** The first of several that ask for as many; of those that ask for nothing, the last. */
function mostOf(results: readonly Result[]): { readonly most: number; readonly askedBy: string } {
  let most = 0
  let askedBy = ""
  for (const { metric, result } of results) {
    if ("error" in result || (most !== 0 && result.replicas <= most)) continue
    most = result.replicas
    askedBy = metric.upstreamName
  }
  return { most, askedBy }
}

function becauseOf(most: number, askedBy: string, current: number): string {
  if (most > current) return `${askedBy} above target`
  return most < current ? "All metrics below target" : ""
}

/** Upstream's name for the failure of a metric, in conditions and events. */
export function failureReason(type: MetricType): string {
  return `FailedGet${type}Metric`
}

function toStatus({ metric: { type, name }, result }: Result): MetricStatus {
  return "error" in result
    ? { type, name, error: result.error }
    : { type, name, replicas: result.replicas, ...result.measured }
}

function toReason({ metric, result }: Result): string {
  return "error" in result ? `${metricText(metric)} failed: ${result.error}` : result.reason
}

/** Of several metrics. */
function whatCounts(all: number, failed: number, most: number, isBlocked: boolean): string[] {
  if (all === 1 || failed === all) return []
  return [isBlocked ? "while a metric fails, nothing is taken away" : `the most counts: ${most}`]
}
