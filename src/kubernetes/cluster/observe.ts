/** Everything that a look at a rollout needs, fetched at once. */
import type { CoreV1Event, V1Deployment, V1Pod, V1ReplicaSet } from "@kubernetes/client-node"
import { selectorOf } from "../manifests/labels.ts"
import type { Api } from "./api.ts"
import { collection } from "./resources.ts"

export interface Observed {
  readonly deployment: V1Deployment
  /** Pods of the version that is being rolled out. */
  readonly pods: readonly V1Pod[]
  /** Pods of earlier versions that still serve. */
  readonly olderReady: number
  /** Warnings about these pods, the newest last. */
  readonly warnings: readonly CoreV1Event[]
}

const revision = "deployment.kubernetes.io/revision"

export async function observe(api: Api, namespace: string, name: string): Promise<Observed> {
  const labelSelector = selectorOf(name)
  const [deployment, sets, pods, warnings] = await Promise.all([
    api.json<V1Deployment>(`${collection("apps/v1", "deployments", namespace)}/${name}`),
    api.list<V1ReplicaSet>(collection("apps/v1", "replicasets", namespace), { labelSelector }),
    api.list<V1Pod>(collection("v1", "pods", namespace), { labelSelector }),
    api.list<CoreV1Event>(collection("v1", "events", namespace), {
      fieldSelector: "type=Warning,involvedObject.kind=Pod",
    }),
  ])
  return select(deployment, sets, pods, warnings)
}

/** Of what there is, what belongs to the newest version, and what to the ones before. */
export function select(
  deployment: V1Deployment,
  sets: readonly V1ReplicaSet[],
  pods: readonly V1Pod[],
  warnings: readonly CoreV1Event[],
): Observed {
  const current = deployment.metadata?.annotations?.[revision]
  const newest = sets.find(({ metadata }) => metadata?.annotations?.[revision] === current)
  const isNew = ({ metadata }: V1Pod): boolean =>
    metadata?.ownerReferences?.some(({ uid }) => uid === newest?.metadata?.uid) === true
  const names = new Set(pods.filter(isNew).map(({ metadata }) => metadata?.name))
  return {
    deployment,
    pods: pods.filter((pod) => isNew(pod) && pod.metadata?.deletionTimestamp === undefined),
    olderReady: pods.filter((pod) => !isNew(pod) && isReady(pod)).length,
    warnings: warnings
      .filter(({ involvedObject }) => names.has(involvedObject.name))
      .toSorted((a, b) => (lastSeen(a) < lastSeen(b) ? -1 : 1)),
  }
}

export function isReady({ status }: V1Pod): boolean {
  return (
    status?.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True") === true
  )
}

/** Times are strings in the API's JSON, whatever the library's types say. */
function lastSeen({ lastTimestamp, eventTime, metadata }: CoreV1Event): string {
  return String(lastTimestamp ?? eventTime ?? metadata.creationTimestamp ?? "")
}
