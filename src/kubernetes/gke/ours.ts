/**
 * How Capstan knows again what it has made: by labels that it sets when it makes it. What lacks them is
 * somebody else's, whatever its name, and is never changed or deleted.
 */
import type { Cluster, Registry } from "./survey.ts"
import type { Place } from "./wish.ts"

/** What a cluster is labelled with. GKE puts them on its machines and disks, too. */
export const clusterLabels = { "managed-by": "capstan" } as const

/** A registry says besides for which cluster it was made: that cluster's removal takes it away. */
export function registryLabels({ cluster }: Place): Readonly<Record<string, string>> {
  return { ...clusterLabels, "capstan-cluster": cluster }
}

export function isOurCluster({ resourceLabels }: Cluster): boolean {
  return has(resourceLabels, clusterLabels)
}

export function isOurRegistry({ labels }: Registry, place: Place): boolean {
  return has(labels, registryLabels(place))
}

/** As a flag takes them. */
export function labelsFlag(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([key, value]) => `${key}=${value}`)
  return `--labels=${pairs.join(",")}`
}

function has(
  labels: Readonly<Record<string, string>> = {},
  wanted: Readonly<Record<string, string>>,
): boolean {
  return Object.entries(wanted).every(([key, value]) => labels[key] === value)
}
