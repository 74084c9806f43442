/** What a cluster shows of a deployment, as our own decision takes it. */
import type { Observed, Pod as ObservedPod, Sample } from "../../autoscale/observed.ts"
import { parseQuantity, toMilli } from "../../autoscale/quantity.ts"
import type { AutoscalerSpec } from "../../autoscale/spec.ts"
import type {
  Amounts,
  Container,
  HorizontalPodAutoscaler,
  Pod,
  PodMetrics,
} from "../../kubernetes/kinds.ts"
import { type Look, timeMs } from "../../kubernetes/watch/look.ts"

/** Metrics of pods that are no longer listed count as well, as they do for the autoscaler. */
export function observedOf(
  { deployment, pods }: Pick<Look, "deployment" | "pods">,
  metrics: readonly PodMetrics[],
): Observed {
  const replicas = deployment?.spec?.replicas ?? 1
  const named = new Map(metrics.map((each) => [each.metadata?.name ?? "", each]))
  const listed = pods.map((pod) => podOf(pod, named.get(pod.metadata?.name ?? "")))
  const names = new Set(listed.map(({ name }) => name))
  return {
    replicas,
    statusReplicas: deployment?.status?.replicas ?? replicas,
    pods: [
      ...listed,
      ...metrics.filter(({ metadata }) => !names.has(metadata?.name ?? "")).map(goneOf),
    ],
    objectMilli: {},
    externalMilli: {},
  }
}

/** `spec` as the API server has it is what ours is too, in all that decides. */
export function specOf({ spec }: HorizontalPodAutoscaler): AutoscalerSpec {
  const { scaleTargetRef: _, ...rest } = spec ?? { maxReplicas: 1 as const, scaleTargetRef: null }
  return rest as AutoscalerSpec
}

/** What a pod uses, in thousandths of a core. */
export function milliCoresOf(metrics: PodMetrics): number {
  return metrics.containers.reduce((sum, { usage }) => sum + (milliOf(usage).cpu ?? 0), 0)
}

function podOf({ metadata, spec, status }: Pod, metrics: PodMetrics | undefined): ObservedPod {
  const ready = status?.conditions?.find(({ type }) => type === "Ready")
  return {
    name: metadata?.name ?? "",
    phase: (status?.phase ?? "Unknown") as ObservedPod["phase"],
    deleted: metadata?.deletionTimestamp !== undefined,
    gone: false,
    startedAtMs: timeMs(status?.startTime),
    ready: ready && {
      status: ready.status === "True",
      sinceMs: timeMs(ready.lastTransitionTime) ?? 0,
    },
    containers: measuredContainers(spec?.containers ?? [], spec?.initContainers ?? []).map(
      ({ name, resources }) => ({
        name,
        requestsMilli: milliOf(resources?.requests ?? {}),
        usageMilli: milliOf(metrics?.containers.find((it) => it.name === name)?.usage ?? {}),
      }),
    ),
    sample: metrics && sampleOf(metrics),
    metricsMilli: {},
  }
}

/** Those that run as long as the pod does: init containers that are restarted are sidecars. */
function measuredContainers(
  containers: readonly Container[],
  init: readonly Container[],
): readonly Container[] {
  return [...containers, ...init.filter(({ restartPolicy }) => restartPolicy === "Always")]
}

function goneOf(metrics: PodMetrics): ObservedPod {
  return {
    name: metrics.metadata?.name ?? "",
    phase: "Unknown",
    deleted: false,
    gone: true,
    startedAtMs: undefined,
    ready: undefined,
    containers: metrics.containers.map(({ name, usage }) => ({
      name,
      requestsMilli: {},
      usageMilli: milliOf(usage),
    })),
    sample: sampleOf(metrics),
    metricsMilli: {},
  }
}

function sampleOf({ timestamp, window }: PodMetrics): Sample {
  return { atMs: timeMs(timestamp) ?? 0, windowMs: durationMs(window) }
}

function milliOf(amounts: Amounts): Readonly<Record<string, number>> {
  return Object.fromEntries(
    Object.entries(amounts).flatMap(([resource, amount]) => {
      const nano = parseQuantity(amount)
      return nano === undefined ? [] : [[resource, toMilli(nano)]]
    }),
  )
}

const unitMs: Readonly<Record<string, number>> = {
  ...{ h: 3_600_000, m: 60_000, s: 1000, ms: 1, us: 1e-3, µs: 1e-3, ns: 1e-6 },
}

/** Of Go's notation: `1m2.5s`. */
function durationMs(text: string): number {
  let sum = 0
  for (const [, number, unit = ""] of text.matchAll(/(?<![\d.])([\d.]+)(h|ms|m|s|us|µs|ns)/g)) {
    sum += Number(number) * (unitMs[unit] ?? 0)
  }
  return sum
}
