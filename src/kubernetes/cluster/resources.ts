/** Where objects live in the API: for the kinds that we make by table, for all others by asking. */
import type { ApiGroups, ApiResources, KubernetesObject } from "../kinds.ts"
import { type Api, ApiError } from "./api.ts"

/** Plural names, by kind, of what manifests/objects.ts makes. */
export const plurals: Readonly<Record<string, string>> = {
  ServiceAccount: "serviceaccounts",
  NetworkPolicy: "networkpolicies",
  Service: "services",
  PodDisruptionBudget: "poddisruptionbudgets",
  Deployment: "deployments",
  HorizontalPodAutoscaler: "horizontalpodautoscalers",
  HTTPRoute: "httproutes",
  ServiceMonitor: "servicemonitors",
}

/** The path of an object that we make. */
export function pathOf(object: KubernetesObject, namespace: string): string {
  const { apiVersion = "", metadata } = object
  return `${collection(apiVersion, pluralOf(object), namespace)}/${metadata?.name}`
}

export function pluralOf({ kind = "" }: KubernetesObject): string {
  const plural = plurals[kind]
  if (plural === undefined) throw new Error(`There is no plural for the kind ${kind}.`)
  return plural
}

/** `apps` of `apps/v1`; the group of `v1` has no name. */
export function groupOf({ apiVersion = "" }: KubernetesObject): string {
  return apiVersion.includes("/") ? apiVersion.replace(/\/.*$/, "") : ""
}

export function collection(apiVersion: string, plural: string, namespace: string): string {
  return `/${root(apiVersion)}/namespaces/${namespace}/${plural}`
}

/** A kind of object that can be listed and deleted, in a namespace. */
export interface Resource {
  readonly apiVersion: string
  readonly kind: string
  readonly plural: string
}

/** What the cluster has of these, in the preferred version of each group. */
export async function deletableResources(api: Api): Promise<readonly Resource[]> {
  const { groups } = await api.json<ApiGroups>("/apis")
  const versions = [
    "v1",
    ...groups.map(
      ({ preferredVersion, versions: all }) => (preferredVersion ?? all[0])?.groupVersion ?? "",
    ),
  ]
  const lists = await Promise.all(versions.map((version) => resourcesOf(api, version)))
  return lists.flat()
}

async function resourcesOf(api: Api, apiVersion: string): Promise<Resource[]> {
  try {
    const { resources } = await api.json<ApiResources>(`/${root(apiVersion)}`)
    return resources
      .filter(
        ({ namespaced, verbs }) => namespaced && verbs.includes("list") && verbs.includes("delete"),
      )
      .map(({ kind, name }) => ({ apiVersion, kind, plural: name }))
  } catch (error) {
    // An API that another server stands for, and that server is away: it has nothing of ours.
    if (error instanceof ApiError && error.status >= 500) return []
    throw error
  }
}

function root(apiVersion: string): string {
  return apiVersion.includes("/") ? `apis/${apiVersion}` : `api/${apiVersion}`
}
