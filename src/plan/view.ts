/**
 * What the autoscaler gets to see of a modelled cluster: the list of pods, and metrics that were
 * sampled a while ago, over a window, and are published with a lag.
 */
import type { Metric } from "../autoscale/metric.ts"
import type { Observed, Pod } from "../autoscale/observed.ts"
import type { Cluster, ModelledPod } from "./cluster.ts"
import type { ClusterModel } from "./model.ts"

export interface View {
  readonly observed: Observed
  readonly seen: Seen
}

/** A summary. */
export interface Seen {
  /** Those that were not removed. */
  readonly pods: number
  readonly ready: number
  /** How many of them have a sample. */
  readonly sampled: number
  /** By all samples together. */
  readonly usageMilli: number
}

/** Of the metrics that are not the pods' resources. */
export interface MetricNames {
  readonly pods: readonly string[]
  readonly object: readonly string[]
  readonly external: readonly string[]
}

export function metricNames(metrics: readonly Metric[]): MetricNames {
  const namesOf = (type: Metric["type"]) =>
    metrics.filter((metric) => metric.type === type).map(({ name }) => name)
  return { pods: namesOf("Pods"), object: namesOf("Object"), external: namesOf("External") }
}

/** What there is to see at the start of the k-th sync, when the autoscaler's clock reads `nowMs`. */
export function observe(
  cluster: Cluster,
  model: ClusterModel,
  names: MetricNames,
  k: number,
  nowMs: number,
): View {
  const isOutage = model.outages?.some(([first, end]) => first <= k && k < end) ?? false
  const shared = isOutage ? undefined : offered(model, k)
  const takesAsked = names.pods.length > 0
  const readings = cluster.pods.map((pod) =>
    isOutage ? undefined : read(cluster, model, pod, takesAsked),
  )
  const moment: Moment = {
    nowMs,
    now: cluster.now,
    podMetrics: names.pods,
    requestsMilli: { cpu: model.requestMilli },
  }
  const pods = cluster.pods.map((pod, i) => show(pod, cluster.now, false, readings[i], moment))
  const leaving = cluster.leaving.map(({ pod, removedAt }) =>
    show(pod, removedAt, true, undefined, moment),
  )
  return {
    observed: {
      replicas: pods.length,
      statusReplicas: pods.length,
      pods: leaving.length === 0 ? pods : [...pods, ...leaving],
      objectMilli: byName(names.object, shared),
      externalMilli: byName(names.external, shared === undefined ? undefined : [shared]),
    },
    seen: summarise(pods.length, cluster.readyCount, readings),
  }
}

/** The newest sample that has been published. */
interface Reading {
  readonly sampledAt: number
  readonly windowSeconds: number
  /** Means over the window. */
  readonly usedMilli: number
  /** Only where a Pods metric wants to know. */
  readonly askedMilli: number
}

/** `undefined`: the container was too young for it. */
function read(
  cluster: Cluster,
  model: ClusterModel,
  pod: ModelledPod,
  takesAsked: boolean,
): Reading | undefined {
  const published = cluster.now - model.lagSeconds
  const sampledAt = published - modulo(published - model.offsetSeconds, model.resolutionSeconds)
  const age = sampledAt - pod.runsAt
  if (age < (model.minWindowSeconds || model.windowSeconds)) return undefined
  const windowSeconds = Math.min(model.windowSeconds, age)
  const from = sampledAt - windowSeconds
  return {
    sampledAt,
    windowSeconds,
    usedMilli: Math.floor(cluster.usedBetween(pod, from, sampledAt) / windowSeconds),
    askedMilli: takesAsked
      ? Math.floor(cluster.askedBetween(pod, from, sampledAt) / windowSeconds)
      : 0,
  }
}

/** What all pods have in common at a sync. */
interface Moment {
  /** The same point in time on the autoscaler's axis and on the cluster's. */
  readonly nowMs: number
  readonly now: number
  readonly requestsMilli: { readonly cpu: number }
  readonly podMetrics: readonly string[]
}

/** A pod as it was at a second, and what the metrics say of it now. */
function show(
  { name, createdAt, runsAt, readyAt }: ModelledPod,
  second: number,
  deleted: boolean,
  reading: Reading | undefined,
  moment: Moment,
): Pod {
  const isReady = readyAt <= second
  return {
    name,
    phase: second < runsAt ? "Pending" : "Running",
    deleted,
    gone: false,
    startedAtMs: toMs(moment, createdAt),
    ready: { status: isReady, sinceMs: toMs(moment, isReady ? readyAt : createdAt) },
    containers: [
      {
        name: "app",
        requestsMilli: moment.requestsMilli,
        usageMilli: reading === undefined ? nothing : { cpu: reading.usedMilli },
      },
    ],
    sample: reading && {
      atMs: toMs(moment, reading.sampledAt),
      windowMs: reading.windowSeconds * 1000,
    },
    metricsMilli: byName(moment.podMetrics, reading?.askedMilli),
  }
}

function toMs({ nowMs, now }: Moment, second: number): number {
  return nowMs + (second - now) * 1000
}

/** What Object and External metrics say, whatever their names. */
function offered({ demandMilli, externalMilli }: ClusterModel, k: number): number {
  return externalMilli === undefined ? demandMilli[Math.max(0, k - 1)]! : externalMilli[k]!
}

const nothing: Readonly<Record<string, never>> = {}

function byName<T>(names: readonly string[], value: T | undefined): Readonly<Record<string, T>> {
  if (value === undefined || names.length === 0) return nothing
  return Object.fromEntries(names.map((name) => [name, value]))
}

function summarise(pods: number, ready: number, readings: readonly (Reading | undefined)[]): Seen {
  let sampled = 0
  let usageMilli = 0
  for (const reading of readings) {
    if (reading === undefined) continue
    sampled += 1
    usageMilli += reading.usedMilli
  }
  return { pods, ready, sampled, usageMilli }
}

function modulo(a: number, b: number): number {
  return ((a % b) + b) % b
}
