/** A deployment `a` as one look at a cluster shows it: all is well, until a test says otherwise. */
import type {
  Condition,
  ContainerStatus,
  Deployment,
  HorizontalPodAutoscaler,
  Pod,
  PodMetrics,
} from "../../src/kubernetes/kinds.ts"
import type { Look } from "../../src/kubernetes/watch/look.ts"

export const startMs = Date.parse("2026-11-24T12:00:00Z")
export const at = (seconds: number): string => new Date(startMs + seconds * 1000).toISOString()

const labels = { "app.kubernetes.io/name": "a", "app.kubernetes.io/managed-by": "capstan" }

export function deployment(replicas: number, more: Partial<Deployment["status"]> = {}): Deployment {
  return {
    kind: "Deployment",
    metadata: { name: "a", annotations: { "deployment.kubernetes.io/revision": "1" } },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: {
        spec: { containers: [{ name: "service", resources: { requests: { cpu: "100m" } } }] },
      },
    },
    status: { replicas, ...more },
  }
}

interface PodFacts {
  /** Seconds after the start. */
  readonly bornS?: number
  /** When it became ready, or ceased to be; null: it never was. */
  readonly readyS?: number | null
  readonly isReady?: boolean
  readonly status?: Partial<ContainerStatus>
  readonly metadata?: Pod["metadata"]
}

export function pod(
  name: string,
  {
    bornS = -600,
    readyS = -590,
    isReady = readyS !== null,
    status = {},
    metadata = {},
  }: PodFacts = {},
): Pod {
  return {
    kind: "Pod",
    metadata: { name, labels, creationTimestamp: at(bornS), ...metadata },
    spec: { containers: [{ name: "service", resources: { requests: { cpu: "100m" } } }] },
    status: {
      phase: "Running",
      startTime: at(bornS),
      conditions: [
        {
          type: "Ready",
          status: isReady ? "True" : "False",
          lastTransitionTime: at(readyS ?? bornS),
        },
      ],
      containerStatuses: [{ name: "service", restartCount: 0, started: isReady, ...status }],
    },
  }
}

export function used(name: string, milli: number, atS: number): PodMetrics {
  return {
    kind: "PodMetrics",
    metadata: { name, labels },
    timestamp: at(atS),
    window: "15s",
    containers: [{ name: "service", usage: { cpu: `${milli * 1_000_000}n` } }],
  }
}

interface Decided {
  readonly from: number
  readonly to: number
  readonly percent?: number
  readonly conditions?: readonly Condition[]
  readonly atS?: number
}

export function autoscaler({
  from,
  to,
  percent,
  conditions = [],
  atS = 0,
}: Decided): HorizontalPodAutoscaler {
  const target = { type: "Utilization", averageUtilization: 50 }
  return {
    kind: "HorizontalPodAutoscaler",
    metadata: { name: "a", uid: "u", managedFields: [{ subresource: "status", time: at(atS) }] },
    spec: {
      scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "a" },
      minReplicas: 1,
      maxReplicas: 10,
      metrics: [{ type: "Resource", resource: { name: "cpu", target } }],
      behavior: {},
    },
    status: {
      currentReplicas: from,
      desiredReplicas: to,
      currentMetrics:
        percent === undefined
          ? null
          : [
              {
                type: "Resource",
                resource: { name: "cpu", current: { averageUtilization: percent } },
              },
            ],
      conditions,
    },
  }
}

export function look(seconds: number, more: Partial<Look>): Look {
  return {
    ...{ atMs: startMs + seconds * 1000, deployment: deployment(1), sets: [], pods: [pod("p")] },
    ...{ metrics: [used("p", 98, seconds - 5)], autoscaler: autoscaler({ from: 1, to: 1 }) },
    ...{ events: [], blind: [], ...more },
  }
}
