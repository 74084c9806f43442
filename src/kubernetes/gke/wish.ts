/**
 * What somebody wants of Google Kubernetes Engine: one cluster, and one registry beside it. All that is
 * typed goes into command lines, so it is held to Google's own rules before anything is asked.
 *
 * https://cloud.google.com/kubernetes-engine/docs/concepts/regional-clusters
 */

/** Autopilot's nodes are Google's affair and it bills pods; Standard's are machines that bill by themselves. */
export type Mode = "autopilot" | "standard"

/** Where a cluster is, in a project. */
export interface Place {
  readonly cluster: string
  readonly project: string
  /** A region or a zone. */
  readonly location: string
  /** The registry's name. Its location is the region. */
  readonly registry: string
}

export interface Wish extends Place {
  readonly mode: Mode
  /** Standard only, as the rest. */
  readonly machineType: string
  /** In each of the zones. */
  readonly nodesMin: number
  readonly nodesMax: number
}

export const gkeDefaults = {
  mode: "autopilot",
  machineType: "e2-standard-2",
  nodesMin: 1,
  nodesMax: 3,
} as const satisfies Partial<Wish>

/** GKE's own limit is higher with autoscaling, and nobody reaches it by a typing error without a bill. */
export const nodesMaxMax = 1000

interface Rule {
  readonly what: string
  readonly pattern: RegExp
  readonly rule: string
}

const rules = {
  cluster: {
    what: "A cluster's name",
    pattern: /^[a-z](?:[a-z0-9-]{0,38}[a-z0-9])?$/,
    rule: "lower-case letters, digits and -, beginning with a letter, 40 at most",
  },
  registry: {
    what: "A registry's name",
    pattern: /^[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/,
    rule: "lower-case letters, digits and -, beginning with a letter, 63 at most",
  },
  project: {
    what: "A project's id",
    pattern: /^(?:[a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$/,
    rule: "6 to 30 lower-case letters, digits and -, as gcloud projects list shows it",
  },
  location: {
    what: "A location",
    pattern: /^[a-z]+(?:-[a-z]+)+[0-9]+(?:-[a-z])?$/,
    rule: "a region such as europe-west4, or a zone such as europe-west4-a",
  },
  machineType: {
    what: "A machine type",
    pattern: /^[a-z][a-z0-9]*(?:-[a-z0-9]+)+$/,
    rule: "as gcloud compute machine-types list shows it, for example e2-standard-2",
  },
} as const satisfies Readonly<Record<string, Rule>>

/** What is wrong with it, in words; undefined when it may be asked for. */
export function complaintAbout(wish: Wish): string | undefined {
  const { nodesMin, nodesMax } = wish
  for (const [key, { what, pattern, rule }] of Object.entries(rules)) {
    const value = wish[key as keyof typeof rules]
    if (!pattern.test(value)) return `${what} can't be ${JSON.stringify(value)}: ${rule}.`
  }
  if (wish.mode === "autopilot" && isZone(wish.location)) {
    const region = regionOf(wish.location)
    return `Autopilot clusters are regional, and ${wish.location} is a zone: say --location ${region}, or --mode standard.`
  }
  if (!Number.isInteger(nodesMin) || nodesMin < 1 || nodesMin > nodesMaxMax) {
    return `--min-nodes must be a whole number from 1 to ${nodesMaxMax}.`
  }
  if (!Number.isInteger(nodesMax) || nodesMax < nodesMin || nodesMax > nodesMaxMax) {
    return `--max-nodes must be a whole number from --min-nodes (${nodesMin}) to ${nodesMaxMax}.`
  }
  return undefined
}

/** `europe-west4-a` → `europe-west4`; a region is its own. */
export function regionOf(location: string): string {
  return location.replace(/-[a-z]$/, "")
}

export function isZone(location: string): boolean {
  return regionOf(location) !== location
}

/** What images' names begin with: `europe-west4-docker.pkg.dev/project/registry`. */
export function imagePrefix({ project, location, registry }: Place): string {
  // A project of a domain, `example.com:shop`, is `example.com/shop` there.
  return `${registryHost(location)}/${project.replace(":", "/")}/${registry}`
}

export function registryHost(location: string): string {
  return `${regionOf(location)}-docker.pkg.dev`
}

/** As gcloud calls it in the kubeconfig. */
export function contextOf({ project, location, cluster }: Place): string {
  return `gke_${project}_${location}_${cluster}`
}
