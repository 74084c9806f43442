/** What is looked at before anything is changed. */
import type { V1SelfSubjectAccessReview } from "@kubernetes/client-node"
import { type Api, ApiError } from "./api.ts"
import { plurals } from "./resources.ts"

export interface Preflight {
  /** The server's version. */
  readonly version: string
  /** Why it can't be done. */
  readonly obstacles: readonly string[]
  /** What will be missing afterwards. */
  readonly warnings: readonly string[]
}

/** @throws {UnreachableError} when nothing answers. */
export async function preflight(api: Api, namespace: string): Promise<Preflight> {
  const [{ gitVersion }, missing, denied, hasMetrics] = await Promise.all([
    api.json<{ readonly gitVersion: string }>("/version"),
    isNamespaceMissing(api, namespace),
    deniedVerbs(api, namespace),
    servesMetrics(api),
  ])
  const obstacles = [
    ...(missing
      ? [`There is no namespace ${namespace}. Make it:  kubectl create namespace ${namespace}`]
      : []),
    ...(denied.length > 0
      ? [`You may not ${denied.join(", ")} in the namespace ${namespace}. Ask for a role that may.`]
      : []),
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

const groups: Readonly<Record<string, string>> = {
  deployments: "apps",
  horizontalpodautoscalers: "autoscaling",
  poddisruptionbudgets: "policy",
  networkpolicies: "networking.k8s.io",
}

async function deniedVerbs(api: Api, namespace: string): Promise<readonly string[]> {
  const wanted = [
    ...Object.values(plurals).flatMap((plural) =>
      ["get", "create", "patch"].map((verb) => [verb, plural] as const),
    ),
    ["list", "replicasets"] as const,
    ["list", "pods"] as const,
    ["list", "events"] as const,
  ]
  const answers = await Promise.all(
    wanted.map(async ([verb, resource]) => {
      const group = resource === "replicasets" ? "apps" : (groups[resource] ?? "")
      const review = await api.json<V1SelfSubjectAccessReview>(
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

async function servesMetrics(api: Api): Promise<boolean> {
  try {
    return (await api.find("/apis/metrics.k8s.io/v1beta1")) !== undefined
  } catch (error) {
    // Announced, and whoever should serve it does not.
    if (error instanceof ApiError) return false
    throw error
  }
}
