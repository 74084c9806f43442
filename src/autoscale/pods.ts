/**
 * Which pods count, and as what. The order of the questions matters: a pod belongs to the first
 * group that fits.
 *
 * Upstream: groupPods in replica_calculator.go.
 */
import type { Metric } from "./metric.ts"
import type { Pod, ReadyCondition, Sample } from "./observed.ts"
import { readingOf } from "./readings.ts"
import type { Readiness } from "./resolve.ts"

export interface PodGroups {
  /** The values that count: of the ready pods, and of pods that are gone but still have one. */
  readonly heard: readonly Reading[]
  readonly readyCount: number
  /** Not started, or too young for its CPU to mean anything. */
  readonly unready: readonly Pod[]
  /** It runs, but the metric has no value for it. */
  readonly missing: readonly Pod[]
}

export interface Reading {
  readonly pod: Pod
  readonly milli: number
}

/** Pods being deleted and pods that failed are in no group. */
export function groupPods(
  pods: readonly Pod[],
  metric: Metric,
  readiness: Readiness,
  nowMs: number,
): PodGroups {
  const heard: Reading[] = []
  const unready: Pod[] = []
  const missing: Pod[] = []
  let readyCount = 0
  const isCpu = metric.type !== "Pods" && metric.name === "cpu"
  for (const pod of pods) {
    const milli = readingOf(pod, metric)
    if (pod.gone) {
      if (milli !== undefined) heard.push({ pod, milli })
    } else if (pod.deleted || pod.phase === "Failed") {
      // What it used says nothing about those that stay.
    } else if (pod.phase === "Pending") {
      unready.push(pod)
    } else if (milli === undefined) {
      missing.push(pod)
    } else if (isCpu && isStarting(pod, readiness, nowMs)) {
      unready.push(pod)
    } else {
      heard.push({ pod, milli })
      readyCount += 1
    }
  }
  return { heard, readyCount, unready, missing }
}

/** Starting takes CPU, which is no reason to start more. */
function isStarting(pod: Pod, readiness: Readiness, nowMs: number): boolean {
  const { ready, startedAtMs, sample } = pod
  if (ready === undefined || startedAtMs === undefined) return true
  const isYoung = startedAtMs + readiness.cpuInitializationPeriodMs > nowMs
  if (isYoung) return !ready.status || reachesBack(sample!, ready)
  // If it turned unready later than that, it had been ready, and may be unready for being busy.
  return !ready.status && ready.sinceMs < startedAtMs + readiness.initialDelayMs
}

/** Does the sample hold anything of the time before the pod became what it is? */
function reachesBack({ atMs, windowMs }: Sample, { sinceMs }: ReadyCondition): boolean {
  return atMs < sinceMs + windowMs
}
