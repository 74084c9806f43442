/**
 * What of a cluster is still there when the cluster is gone, and bills or keeps something that does.
 *
 * Google's networking has no owner field. What tells whose a thing is are labels that GKE sets on disks
 * and machines, and JSON in descriptions; older controllers name only the object within the cluster,
 * never the cluster. Such things are taken for leftovers only when the project has no cluster any more:
 * beside a living one they may be what serves its users.
 *
 * Nothing is deleted here: each comes with the command that would.
 */
import { type Gcloud, GcloudError } from "./gcloud.ts"
import { diskPerHour, dollars, listPrices } from "./prices.ts"
import type { Args } from "./step.ts"
import type { Cluster } from "./survey.ts"
import { isApiOff } from "./trouble.ts"
import { imagePrefix, type Place, regionOf } from "./wish.ts"

export interface Leftover {
  /** `forwarding rule k8s2-fr-abc in europe-west4`. */
  readonly title: string
  /** What it costs, as far as that is known. */
  readonly bills: string
  /** What removes it. */
  readonly args: Args
}

export interface Search {
  readonly leftovers: readonly Leftover[]
  /** Made by Kubernetes for clusters that can't be told from it, beside clusters that live: how many. */
  readonly unclear: number
}

/** As gcloud tells of anything in Compute Engine. */
export interface Resource {
  readonly name: string
  /** URLs; global ones have neither. */
  readonly region?: string
  readonly zone?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly description?: string
  /** Who uses it: of disks and addresses. */
  readonly users?: readonly string[]
  readonly sizeGb?: string
}

interface Kind {
  readonly what: string
  readonly group: string
  readonly bills: (resource: Resource) => string
}

/** In the order in which they let go of each other. */
export const kinds: readonly Kind[] = [
  {
    what: "forwarding rule",
    group: "forwarding-rules",
    bills: () =>
      `${dollars(listPrices.forwardingRulesPerHour)} an hour, up to five of a project together`,
  },
  { what: "target pool", group: "target-pools", bills: () => "bills nothing by itself" },
  { what: "backend service", group: "backend-services", bills: () => "bills nothing by itself" },
  {
    what: "network endpoint group",
    group: "network-endpoint-groups",
    bills: () => "bills nothing by itself",
  },
  {
    what: "address",
    group: "addresses",
    bills: () => {
      const [from, to] = listPrices.idleAddressPerHour
      return `${dollars(from)} to ${dollars(to)} an hour, by region`
    },
  },
  { what: "disk", group: "disks", bills: diskBills },
]

export function listArgs({ group }: Kind, project: string): Args {
  return ["compute", group, "list", `--project=${project}`]
}

export function deleteArgs({ group }: Kind, resource: Resource, project: string): Args {
  const { zone, region, name } = resource
  const place =
    zone !== undefined
      ? [`--zone=${last(zone)}`]
      : region !== undefined
        ? [`--region=${last(region)}`]
        : ["--global"]
  return ["compute", group, "delete", name, ...place, `--project=${project}`]
}

export interface Known {
  /** Of kube-system, if the cluster could still be asked. */
  readonly uid: string | undefined
  /** That are in the project now. */
  readonly clusters: readonly Cluster[]
}

/** Whose a resource is: of this cluster, of some cluster, or nobody's business here. */
export function belongs(
  { name, labels = {}, description = "" }: Resource,
  place: Place,
  uid: string | undefined,
): "cluster" | "kubernetes" | "other" {
  const labelled = labels["goog-k8s-cluster-name"]
  if (labelled !== undefined) {
    const at = labels["goog-k8s-cluster-location"]
    const isHere = labelled === place.cluster && (at === undefined || at === place.location)
    return isHere ? "cluster" : "other"
  }
  const [, described] = /"cluster-uid"\s*:\s*"([^"]+)"/.exec(description) ?? []
  if (described !== undefined && uid !== undefined) return described === uid ? "cluster" : "other"
  const [, path] = /"k8sCluster"\s*:\s*"([^"]+)"/.exec(description) ?? []
  if (path !== undefined) {
    const isHere = path.endsWith(`/locations/${place.location}/clusters/${place.cluster}`)
    return isHere ? "cluster" : "other"
  }
  const isMade = /kubernetes\.io\/|"cluster-uid"/.test(description)
  return isMade || /^(?:k8s\d?-|gkegw\d-|gke-.*-pvc-|pvc-)/.test(name) ? "kubernetes" : "other"
}

/** @throws {GcloudError} when something can't be looked for: no answer is not the same as nothing. */
export async function search(gcloud: Gcloud, place: Place, known: Known): Promise<Search> {
  const { project } = place
  const isAlone = known.clusters.length === 0
  const leftovers: Leftover[] = []
  let unclear = 0
  for (const kind of kinds) {
    for (const resource of await resources(gcloud, kind, project)) {
      const whose = belongs(resource, place, known.uid)
      const isUsed = kind.group === "disks" && (resource.users ?? []).length > 0
      if (whose === "other" || isUsed) continue
      if (whose === "kubernetes" && !isAlone) unclear += 1
      else leftovers.push(leftover(kind, resource, project))
    }
  }
  return { leftovers, unclear }
}

/** Images in a registry that stays. */
export async function imagesIn(gcloud: Gcloud, place: Place): Promise<readonly Leftover[]> {
  const images = await gcloud.list<{ readonly package: string; readonly version: string }>(
    imagesArgs(place),
  )
  return images.map(({ package: name, version }) => ({
    title: `image ${name}@${version}`,
    bills: `${dollars(listPrices.imagesPerGbMonth)} a month for each GB above 0.5 GB`,
    args: imageDeleteArgs(`${name}@${version}`),
  }))
}

export function imagesArgs(place: Place): Args {
  return ["artifacts", "docker", "images", "list", imagePrefix(place)]
}

export function imageDeleteArgs(image: string): Args {
  return ["artifacts", "docker", "images", "delete", image, "--delete-tags"]
}

async function resources(
  gcloud: Gcloud,
  kind: Kind,
  project: string,
): Promise<readonly Resource[]> {
  try {
    return await gcloud.list<Resource>(listArgs(kind, project))
  } catch (error) {
    // Without Compute Engine there is nothing of it.
    if (error instanceof GcloudError && isApiOff(error)) return []
    throw error
  }
}

function leftover(kind: Kind, resource: Resource, project: string): Leftover {
  const place = last(resource.zone ?? resource.region ?? "global")
  return {
    title: `${kind.what} ${resource.name}, ${place}`,
    bills: kind.bills(resource),
    args: deleteArgs(kind, resource, project),
  }
}

function diskBills({ sizeGb, zone, region }: Resource): string {
  const perHour = diskPerHour(Number(sizeGb), regionOf(last(zone ?? region ?? "")))
  if (perHour === undefined || Number.isNaN(perHour)) return "by its size; not known here"
  return `about ${dollars(perHour)} an hour for ${sizeGb} GB, were it balanced; its data goes with it`
}

/** Of a URL. */
function last(url: string): string {
  return url.split("/").at(-1) ?? url
}
