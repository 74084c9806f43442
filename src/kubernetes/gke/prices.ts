/**
 * What things cost an hour, as far as that could be read somewhere. These are list prices in US
 * dollars, without tax, discounts, traffic and free tiers: an estimate to decide by, never a bill.
 * What could not be read is not in here, and is said to be unknown. docs/gke.md shows the table.
 */
import { isZone, regionOf, type Wish } from "./wish.ts"

/** An amount an hour: what is known of it, and whether there is more. */
export interface Cost {
  readonly usdPerHour: number
  /** What bills besides, and by how much is not known; empty when nothing does. */
  readonly unknown: readonly string[]
  /** The same for a person. */
  readonly words: string
}

export const free: Cost = { usdPerHour: 0, unknown: [], words: "costs nothing" }

/** Read in copies of Google's pages on 2026-11-24, the addresses beside them. */
export const listPrices = {
  /** https://cloud.google.com/kubernetes-engine/pricing: flat, whatever the mode. */
  clusterPerHour: 0.1,
  /** The same page: a credit a month and billing account, for zonal and Autopilot clusters. */
  clusterCreditPerMonth: 74.4,
  /** https://cloud.google.com/load-balancing/pricing: the first five of a project together. */
  forwardingRulesPerHour: 0.025,
  /** https://cloud.google.com/artifact-registry/pricing, above half a GB. */
  imagesPerGbMonth: 0.1,
  /** Cloud Billing Catalog as of 2026-07-30, in every region: an external IPv4 address on a machine. */
  nodeAddressPerHour: 0.005,
  /** The same catalogue: an address that nobody uses, from the cheapest region to the dearest. */
  idleAddressPerHour: [0.01, 0.016],
} as const

/** Of a node's boot disk, unless told otherwise: `gcloud container clusters create --help`. */
const bootDiskGb = 100
const hoursPerMonth = 730

/**
 * By region: an `e2-standard-2` an hour, and a GB of balanced disk (`pd-balanced`) a month.
 *
 * From Google's Cloud Billing Catalog as of 2026-07-30, in the extract of
 * https://github.com/Cyclenerd/google-cloud-pricing-cost-calculator (`pricing.yml`, commit fd66b26).
 */
export const regionalPrices: Readonly<
  Record<string, readonly [machinePerHour: number, diskPerGbMonth: number]>
> = {
  "africa-south1": [0.07371546, 0.109788],
  "asia-east1": [0.07759188, 0.1],
  "asia-east2": [0.09376134, 0.11],
  "asia-northeast1": [0.08596572, 0.13],
  "asia-northeast2": [0.08596572, 0.13],
  "asia-northeast3": [0.08596572, 0.13],
  "asia-south1": [0.08048436, 0.12],
  "asia-south2": [0.08048436, 0.12],
  "asia-southeast1": [0.08266614, 0.11],
  "asia-southeast2": [0.090106086, 0.13],
  "australia-southeast1": [0.095082, 0.135],
  "australia-southeast2": [0.080816, 0.135],
  "europe-central2": [0.08108376, 0.13],
  "europe-north1": [0.07377756, 0.11],
  "europe-north2": [0.070361996, 0.1],
  "europe-southwest1": [0.079076, 0.12],
  "europe-west10": [0.08633822, 0.154],
  "europe-west12": [0.086444732, 0.12],
  "europe-west1": [0.07371546, 0.1],
  "europe-west2": [0.08633556, 0.12],
  "europe-west3": [0.08633556, 0.12],
  "europe-west4": [0.07377204, 0.11],
  "europe-west6": [0.08778266, 0.13],
  "europe-west8": [0.077732, 0.116],
  "europe-west9": [0.077732, 0.116],
  "me-central1": [0.081418872, 0.1215],
  "me-central2": [0.107218264, 0.16],
  "me-west1": [0.073712564, 0.11],
  "northamerica-northeast1": [0.07377204, 0.11],
  "northamerica-northeast2": [0.07377204, 0.11],
  "northamerica-south1": [0.073042444, 0.109],
  "southamerica-east1": [0.1063704, 0.15],
  "southamerica-west1": [0.095826322, 0.143],
  "us-central1": [0.06701142, 0.1],
  "us-east1": [0.06701142, 0.1],
  "us-east4": [0.07547082, 0.11],
  "us-east5": [0.06701142, 0.1],
  "us-south1": [0.07907348, 0.12],
  "us-west1": [0.06701142, 0.1],
  "us-west2": [0.08048988, 0.12],
  "us-west3": [0.08048988, 0.12],
  "us-west4": [0.07547082, 0.11],
}

/** What a cluster costs an hour as it is at first. */
export function clusterCost(wish: Wish): Cost {
  const fee = listPrices.clusterPerHour
  if (wish.mode === "autopilot") {
    return {
      usdPerHour: fee,
      unknown: ["the CPU and memory that pods request"],
      words: `about ${dollars(fee)} an hour for the cluster, and what pods request of CPU and memory: not known here`,
    }
  }
  const { machineType, nodesMin, nodesMax, location } = wish
  const perNode = nodePerHour(machineType, regionOf(location))
  const zones = isZone(location) ? 1 : regionalZones
  const nodes = (each: number): string =>
    zones === 1
      ? counted(each, "node")
      : `${counted(each * zones, "node")} (${each} in each of ${zones} zones)`
  if (perNode === undefined) {
    return {
      usdPerHour: fee,
      unknown: [`${nodes(nodesMin)} of type ${machineType} in ${location}`],
      words: `about ${dollars(fee)} an hour for the cluster, and ${nodes(nodesMin)} of type ${machineType}: not known here`,
    }
  }
  const now = fee + nodesMin * zones * perNode
  const most = fee + nodesMax * zones * perNode
  const grown =
    nodesMax > nodesMin ? `; ${dollars(most)} with the ${nodes(nodesMax)} of its limit` : ""
  return {
    usdPerHour: now,
    unknown: [],
    words: `about ${dollars(now)} an hour: ${dollars(fee)} for the cluster, ${dollars(perNode)} a node with disk and address, ${nodes(nodesMin)} at first${grown}`,
  }
}

/** Zones that GKE spreads a regional cluster's nodes over, unless told otherwise. */
const regionalZones = 3

export const registryCost: Cost = {
  ...free,
  words: `costs nothing while it is empty; ${dollars(listPrices.imagesPerGbMonth)} a month for each GB of images above 0.5 GB`,
}

/** Of leftovers: a disk of so many GB. */
export function diskPerHour(gb: number, region: string): number | undefined {
  const [, perGbMonth] = regionalPrices[region] ?? []
  return perGbMonth === undefined ? undefined : (gb * perGbMonth) / hoursPerMonth
}

/** Machine, boot disk and address. */
function nodePerHour(machineType: string, region: string): number | undefined {
  const [, cpus] = /^e2-standard-(2|4|8|16|32)$/.exec(machineType) ?? []
  const [two] = regionalPrices[region] ?? []
  const disk = diskPerHour(bootDiskGb, region)
  if (cpus === undefined || two === undefined || disk === undefined) return undefined
  // E2 machines of one shape are priced by their size.
  return (two * Number(cpus)) / 2 + disk + listPrices.nodeAddressPerHour
}

export function dollars(amount: number): string {
  return `$${amount < 0.1 ? amount.toFixed(3) : amount.toFixed(2)}`
}

/** Of several at once. */
export function total(costs: readonly Cost[]): Cost {
  const usdPerHour = costs.reduce((sum, cost) => sum + cost.usdPerHour, 0)
  const unknown = costs.flatMap((cost) => cost.unknown)
  const month = `${dollars(usdPerHour * hoursPerMonth)} a month`
  const more = unknown.length === 0 ? "" : `, and what is not known: ${unknown.join("; ")}`
  return { usdPerHour, unknown, words: `about ${dollars(usdPerHour)} an hour, ${month}${more}` }
}

function counted(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`
}
