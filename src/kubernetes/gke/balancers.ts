/**
 * What in a cluster has made load balancers outside of it. Their controllers take them down when the
 * object is deleted, and hold the object, by a finalizer, until that is done; so an object that is gone
 * has left no forwarding rule.
 */
import { setTimeout as sleep } from "node:timers/promises"
import { type Api, ApiError } from "../cluster/api.ts"
import type { KubernetesObject } from "../kinds.ts"

export interface Balancer {
  /** `Service shop/web`. */
  readonly title: string
  readonly path: string
  readonly uid: string
}

interface MaybeBalanced extends KubernetesObject {
  readonly spec?: { readonly type?: string }
}

const sources = [
  { kind: "Gateway", root: "/apis/gateway.networking.k8s.io/v1", plural: "gateways" },
  { kind: "Ingress", root: "/apis/networking.k8s.io/v1", plural: "ingresses" },
  { kind: "Service", root: "/api/v1", plural: "services" },
] as const

/** All of them, in every namespace. */
async function balancers(api: Api): Promise<readonly Balancer[]> {
  const found = await Promise.all(
    sources.map(async ({ kind, root, plural }) => {
      const objects = await listed(api, `${root}/${plural}`)
      return objects
        .filter(({ spec }) => kind !== "Service" || spec?.type === "LoadBalancer")
        .map(({ metadata }) => ({
          title: `${kind} ${metadata?.namespace}/${metadata?.name}`,
          path: `${root}/namespaces/${metadata?.namespace}/${plural}/${metadata?.name}`,
          uid: metadata?.uid ?? "",
        }))
    }),
  )
  return found.flat()
}

const lookEachMs = 500

/**
 * Deletes them, and resolves to those that are still there in the end.
 * @param said told the title of each that is asked to go.
 */
export async function removeBalancers(
  api: Api,
  {
    patienceMs,
    said,
    signal,
  }: {
    readonly patienceMs: number
    readonly said: (title: string) => void
    readonly signal: AbortSignal
  },
): Promise<readonly Balancer[]> {
  const endMs = performance.now() + patienceMs
  const asked = new Set<string>()
  for (;;) {
    const left = await balancers(api)
    const isOver = asked.size > 0 && performance.now() > endMs
    if (left.length === 0 || isOver || signal.aborted) return left
    for (const each of left) {
      if (asked.has(each.uid)) continue
      asked.add(each.uid)
      said(each.title)
      await remove(api, each)
    }
    await sleep(lookEachMs, undefined, { signal }).catch(() => {})
  }
}

/** What GKE writes on much of what it makes for a cluster: the identity of its namespace kube-system. */
export async function clusterUid(api: Api): Promise<string | undefined> {
  const namespace = await api.find<KubernetesObject>("/api/v1/namespaces/kube-system")
  return namespace?.metadata?.uid
}

/** Waits until metrics are served; false when they are not in time. */
export async function seesMetrics(
  api: Api,
  { patienceMs, signal }: { readonly patienceMs: number; readonly signal: AbortSignal },
): Promise<boolean> {
  const endMs = performance.now() + patienceMs
  for (;;) {
    const served = await api.find("/apis/metrics.k8s.io/v1beta1").catch((error: unknown) => {
      // Announced, and nobody there yet.
      if (error instanceof ApiError) return undefined
      throw error
    })
    if (served !== undefined) return true
    if (performance.now() > endMs || signal.aborted) return false
    await sleep(lookEachMs, undefined, { signal }).catch(() => {})
  }
}

/** Empty when the cluster does not know the kind. */
async function listed(api: Api, path: string): Promise<readonly MaybeBalanced[]> {
  const found = await api.find<{ readonly items: readonly MaybeBalanced[] }>(path)
  return found?.items ?? []
}

async function remove(api: Api, { path, uid }: Balancer): Promise<void> {
  try {
    await api.text(path, { method: "DELETE", body: { preconditions: { uid } } })
  } catch (error) {
    // Gone, or another of the same name: the next look tells.
    if (!(error instanceof ApiError && [404, 409].includes(error.status))) throw error
  }
}
