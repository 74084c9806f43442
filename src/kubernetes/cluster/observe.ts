/** Everything that a look at a rollout needs, fetched at once. */
import type { Deployment, Event, KubernetesObject, Pod, ReplicaSet } from "../kinds.ts"
import { selectorOf } from "../manifests/labels.ts"
import type { Api } from "./api.ts"
import { collection } from "./resources.ts"

export interface Observed {
  readonly deployment: Deployment
  /** Pods of the version that is being rolled out. */
  readonly pods: readonly Pod[]
  /** Pods of earlier versions that still serve. */
  readonly olderReady: number
  /** Warnings about these pods, the newest last. */
  readonly warnings: readonly Event[]
}

/** The number that a Deployment gives to each version of its pods; 0 before it has given any. */
export function revisionOf({ metadata }: KubernetesObject): number {
  return Number(metadata?.annotations?.["deployment.kubernetes.io/revision"] ?? 0)
}

export async function observe(api: Api, namespace: string, name: string): Promise<Observed> {
  const labelSelector = selectorOf(name)
  const [deployment, sets, pods, warnings] = await Promise.all([
    api.json<Deployment>(`${collection("apps/v1", "deployments", namespace)}/${name}`),
    api.list<ReplicaSet>(collection("apps/v1", "replicasets", namespace), { labelSelector }),
    api.list<Pod>(collection("v1", "pods", namespace), { labelSelector }),
    api.list<Event>(collection("v1", "events", namespace), {
      fieldSelector: "type=Warning,involvedObject.kind=Pod",
    }),
  ])
  return select(deployment, sets, pods, warnings)
}

/** Of what there is, what belongs to the newest version, and what to the ones before. */
export function select(
  deployment: Deployment,
  sets: readonly ReplicaSet[],
  pods: readonly Pod[],
  warnings: readonly Event[],
): Observed {
  const current = revisionOf(deployment)
  const newest = sets.find((set) => revisionOf(set) === current)
  const isNew = ({ metadata }: Pod): boolean =>
    metadata?.ownerReferences?.some(({ uid }) => uid === newest?.metadata?.uid) === true
  const names = new Set(pods.filter(isNew).map(({ metadata }) => metadata?.name))
  return {
    deployment,
    pods: pods.filter((pod) => isNew(pod) && pod.metadata?.deletionTimestamp === undefined),
    olderReady: pods.filter((pod) => !isNew(pod) && isReady(pod)).length,
    warnings: warnings
      .filter(({ involvedObject }) => names.has(involvedObject?.name))
      .toSorted((a, b) => (lastSeen(a) < lastSeen(b) ? -1 : 1)),
  }
}

export function isReady({ status }: Pod): boolean {
  return (
    status?.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True") === true
  )
}

function lastSeen({ lastTimestamp, eventTime, metadata }: Event): string {
  return lastTimestamp ?? eventTime ?? metadata?.creationTimestamp ?? ""
}
