import type { KubernetesObject } from "../kinds.ts"

/**
 * The labels by which Capstan knows what it has made. All of it has both; pods, replica sets and
 * endpoint slices inherit them. `capstan down` looks for these and for nothing else.
 */
const managedBy = { "app.kubernetes.io/managed-by": "capstan" } as const

/** What selects a deployment's pods. Never to be changed: a Deployment's selector can't be. */
export function identity(name: string): Readonly<Record<string, string>> {
  return { "app.kubernetes.io/name": name, ...managedBy }
}

/** Whether Capstan has made an object, and for this deployment. */
export function isMadeFor(name: string, { metadata }: KubernetesObject): boolean {
  return Object.entries(identity(name)).every(([key, value]) => metadata?.labels?.[key] === value)
}

/** Whether a label is one that nobody else may set. */
export function isOurs(label: string): boolean {
  return Object.hasOwn(identity(""), label) || label === "app.kubernetes.io/version"
}

/** The same, as a label selector in the API's notation. */
export function selectorOf(name: string): string {
  return Object.entries(identity(name))
    .map(([key, value]) => `${key}=${value}`)
    .join(",")
}
