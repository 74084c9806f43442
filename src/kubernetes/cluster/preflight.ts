/**
 * What is looked at before anything is changed: first whether one may and can at all, then whether
 * it is likely to come up. The second is a forecast: what it says no to may still come right, and can
 * be tried all the same.
 */

import type {
  ApiGroups,
  Deployment,
  KubernetesObject,
  LimitRange,
  Node,
  PersistentVolumeClaim,
  Pod,
  ResourceQuota,
} from "../kinds.ts"
import { selectorOf } from "../manifests/labels.ts"
import { type Deployable, replicaSize } from "../manifests/objects.ts"
import { amount } from "../quantity.ts"
import { type Api, ApiError } from "./api.ts"
import { type Forecast, type ForecastFacts, forecast } from "./forecast.ts"
import { missingReferences } from "./references.ts"
import { findImage } from "./registry.ts"
import { collection, groupOf, pluralOf } from "./resources.ts"
import { tooOldFor } from "./versions.ts"

export interface Preflight {
  /** The server's version. */
  readonly version: string
  /** Why it can't be done. */
  readonly obstacles: readonly string[]
  /** What will be missing afterwards. */
  readonly warnings: readonly string[]
}

/**
 * @param objects what will be applied.
 * @throws {UnreachableError} when nothing answers.
 */
export async function preflight(
  api: Api,
  namespace: string,
  objects: readonly KubernetesObject[],
): Promise<Preflight> {
  const [{ gitVersion }, missing, denied, unknown, hasMetrics] = await Promise.all([
    api.json<{ readonly gitVersion: string }>("/version"),
    isNamespaceMissing(api, namespace),
    deniedVerbs(api, namespace, objects),
    unknownKinds(api, objects),
    servesMetrics(api),
  ])
  const tooOld = tooOldFor(objects, gitVersion)
  const obstacles = [
    ...(tooOld === undefined ? [] : [tooOld]),
    ...(missing
      ? [`There is no namespace ${namespace}. Make it:  kubectl create namespace ${namespace}`]
      : []),
    ...(denied.length > 0
      ? [`You may not ${denied.join(", ")} in the namespace ${namespace}. Ask for a role that may.`]
      : []),
    ...unknown,
  ]
  const warnings = hasMetrics
    ? []
    : [
        "The cluster serves no metrics (metrics.k8s.io), so the autoscaler will not scale. Install metrics-server; on minikube:  minikube addons enable metrics-server",
      ]
  return { version: gitVersion, obstacles, warnings }
}

async function isNamespaceMissing(api: Api, namespace: string): Promise<boolean> {
  try {
    return (await api.find(`/api/v1/namespaces/${namespace}`)) === undefined
  } catch (error) {
    // Who may not read namespaces may still work in one.
    if (error instanceof ApiError && error.status === 403) return false
    throw error
  }
}

async function deniedVerbs(
  api: Api,
  namespace: string,
  objects: readonly KubernetesObject[],
): Promise<readonly string[]> {
  const ours = new Map(objects.map((object) => [pluralOf(object), groupOf(object)]))
  const wanted = [
    ...Array.from(ours, ([resource, group]) =>
      ["get", "create", "patch"].map((verb) => ({ verb, resource, group })),
    ).flat(),
    { verb: "list", resource: "replicasets", group: "apps" },
    { verb: "list", resource: "pods", group: "" },
    { verb: "list", resource: "events", group: "" },
  ]
  const answers = await Promise.all(
    wanted.map(async ({ verb, resource, group }) => {
      const review = await api.json<{ readonly status?: { readonly allowed?: boolean } }>(
        "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
        {
          method: "POST",
          body: {
            apiVersion: "authorization.k8s.io/v1",
            kind: "SelfSubjectAccessReview",
            spec: { resourceAttributes: { namespace, verb, group, resource } },
          },
        },
      )
      return review.status?.allowed === true ? [] : [`${verb} ${resource}`]
    }),
  )
  return answers.flat()
}

/** Kinds that a cluster has only when somebody has installed them. */
export const installed: Readonly<Record<string, string>> = {
  HTTPRoute: "Install the Gateway API and a controller for it, or leave --gateway out.",
  ServiceMonitor: "Install the Prometheus Operator, or leave --monitor off.",
}

async function unknownKinds(api: Api, objects: readonly KubernetesObject[]): Promise<string[]> {
  const asked = objects.filter(({ kind = "" }) => kind in installed)
  const answers = await Promise.all(
    asked.map(async ({ apiVersion, kind = "" }) => {
      const served = await api.find(`/apis/${apiVersion}`)
      return served === undefined
        ? [`The cluster does not know the kind ${kind} (${apiVersion}). ${installed[kind]}`]
        : []
    }),
  )
  return answers.flat()
}

async function servesMetrics(api: Api): Promise<boolean> {
  try {
    return (await api.find("/apis/metrics.k8s.io/v1beta1")) !== undefined
  } catch (error) {
    // Announced, and whoever should serve it does not.
    if (error instanceof ApiError) return false
    throw error
  }
}

/** What the forecast is made of. What one may not read is left out: it is then not foreseen. */
async function factsFor(
  api: Api,
  namespace: string,
  options: Deployable,
  isBrought: boolean,
): Promise<ForecastFacts> {
  const { name, image, cpu, memory, resources: extended, volumes, init } = options
  const seen = async <T>(asked: Promise<T>): Promise<T | undefined> =>
    await asked.catch((error: unknown) => {
      if (error instanceof ApiError) return undefined
      throw error
    })
  const list = <T extends KubernetesObject>(path: string) => seen(api.list<T>(path))
  const hasClaims = volumes.some(({ kind }) => kind === "claim")
  const [nodes, pods, ours, deployment, quotas, ranges, missing, growth, found, initFound, claims] =
    await Promise.all([
      list<Node>("/api/v1/nodes"),
      seen(
        api.list<Pod>("/api/v1/pods", {
          fieldSelector: "status.phase!=Succeeded,status.phase!=Failed",
        }),
      ),
      seen(api.list<Pod>(collection("v1", "pods", namespace), { labelSelector: selectorOf(name) })),
      seen(api.find<Deployment>(`${collection("apps/v1", "deployments", namespace)}/${name}`)),
      list<ResourceQuota>(collection("v1", "resourcequotas", namespace)),
      list<LimitRange>(collection("v1", "limitranges", namespace)),
      missingReferences(api, namespace, options),
      growsByItself(api, seen),
      isBrought ? undefined : findImage(image),
      init?.image === undefined ? undefined : findImage(init.image),
      hasClaims
        ? list<PersistentVolumeClaim>(collection("v1", "persistentvolumeclaims", namespace))
        : undefined,
    ])
  return {
    options,
    size: replicaSize(options),
    needs: { cpu: amount(cpu), memory: amount(memory), extended },
    nodes,
    pods,
    ours: new Set((ours ?? []).map(({ metadata }) => metadata?.uid ?? "")),
    replicas: deployment?.spec?.replicas ?? 0,
    quotas: quotas ?? [],
    ranges: ranges ?? [],
    missing,
    growsByItself: growth,
    found,
    initFound,
    claims,
  }
}

/** Whether somebody adds nodes when there is no room: the cluster autoscaler, or Karpenter. */
async function growsByItself(
  api: Api,
  seen: <T>(asked: Promise<T>) => Promise<T | undefined>,
): Promise<boolean> {
  const [status, groups] = await Promise.all([
    seen(api.find("/api/v1/namespaces/kube-system/configmaps/cluster-autoscaler-status")),
    seen(api.json<ApiGroups>("/apis")),
  ])
  return status !== undefined || groups?.groups.some(({ name }) => name === "karpenter.sh") === true
}

export async function foresee(
  api: Api,
  namespace: string,
  options: Deployable,
  change: { readonly isBrought: boolean; readonly rolls: boolean },
): Promise<Forecast> {
  return forecast(await factsFor(api, namespace, options, change.isBrought), change.rolls)
}
