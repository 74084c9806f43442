/** Pods and autoscalers for tests: everything healthy, until a test says otherwise. */
import type { Decision } from "../../src/autoscale/conclude.ts"
import { decide } from "../../src/autoscale/decide.ts"
import { type Memory, noMemory } from "../../src/autoscale/memory.ts"
import type { Observed, Pod } from "../../src/autoscale/observed.ts"
import { type ResolvedSpec, resolveSpec } from "../../src/autoscale/resolve.ts"
import type { AutoscalerSpec, MetricSpec } from "../../src/autoscale/spec.ts"

/** Long after every pod has started. */
export const noonMs = 43_200_000

/** Requests one core. */
export function pod(usedMilli: number | undefined, other: Partial<Pod> = {}): Pod {
  return {
    name: "pod",
    phase: "Running",
    deleted: false,
    gone: false,
    startedAtMs: 0,
    ready: { status: true, sinceMs: 5_000 },
    containers: [
      {
        name: "app",
        requestsMilli: { cpu: 1000 },
        usageMilli: usedMilli === undefined ? {} : { cpu: usedMilli },
      },
    ],
    sample: { atMs: noonMs, windowMs: 15_000 },
    metricsMilli: {},
    ...other,
  }
}

/** So many pods, alike. */
export function pods(
  count: number,
  usedMilli: number | undefined,
  other: Partial<Pod> = {},
): Pod[] {
  return Array.from({ length: count }, () => pod(usedMilli, other))
}

export function cpu(averageUtilization: number): MetricSpec {
  return {
    type: "Resource",
    resource: { name: "cpu", target: { type: "Utilization", averageUtilization } },
  }
}

export function queue(averageValue: number): MetricSpec {
  return {
    type: "External",
    external: { metric: { name: "queue" }, target: { type: "AverageValue", averageValue } },
  }
}

/** From 1 to 20 replicas at 50 % of their CPU. */
export function spec(other: Partial<AutoscalerSpec> = {}): ResolvedSpec {
  return resolveSpec({ maxReplicas: 20, metrics: [cpu(50)], ...other })
}

export function seen(pods: readonly Pod[], other: Partial<Observed> = {}): Observed {
  const replicas = other.replicas ?? pods.length
  return { statusReplicas: replicas, objectMilli: {}, externalMilli: {}, ...other, replicas, pods }
}

/** An autoscaler that syncs every 15 s, and remembers. */
export class Autoscaler {
  readonly #spec: ResolvedSpec
  #memory: Memory = noMemory
  #nowMs = noonMs

  constructor(spec: ResolvedSpec) {
    this.#spec = spec
  }

  sync(observed: Observed): Decision {
    const decision = decide(observed, this.#spec, this.#memory, this.#nowMs)
    this.#memory = decision.memory
    this.#nowMs += 15_000
    return decision
  }
}
