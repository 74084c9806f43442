/**
 * Which Kubernetes the manifests want. A field that a server does not know, it refuses in the words of
 * its parser; one that it knows and has switched off, it drops without a word. So the version is looked
 * at first: it is the one from which a field is there unless somebody has switched it off, which is
 * what the feature gates call beta, not when it came as alpha.
 *
 * https://kubernetes.io/docs/reference/command-line-tools-reference/feature-gates/
 */
import type { Deployment, KubernetesObject, Node, PodDisruptionBudget } from "../kinds.ts"

interface Need {
  /** As the API calls it. */
  readonly field: string
  /** Of Kubernetes 1. */
  readonly minor: number
  readonly isIn: (object: KubernetesObject) => boolean
  /** How to do without, where one can. */
  readonly without?: string
}

const sleep: Need = {
  field: "lifecycle.preStop.sleep",
  minor: 30,
  isIn: (object) =>
    podOf(object)?.containers.some(({ lifecycle }) => lifecycle?.preStop?.sleep !== undefined) ===
    true,
  without:
    "--pre-stop-seconds 0 does without it, at the price of requests that are lost whenever a replica goes",
}

const needs: readonly Need[] = [
  sleep,
  {
    field: "topologySpreadConstraints.matchLabelKeys",
    minor: 27,
    isIn: (object) =>
      podOf(object)?.topologySpreadConstraints?.some(
        (each) => each.matchLabelKeys !== undefined,
      ) === true,
  },
  {
    field: "unhealthyPodEvictionPolicy",
    minor: 27,
    isIn: (object) =>
      (object as PodDisruptionBudget).spec?.unhealthyPodEvictionPolicy !== undefined,
  },
  {
    field: "autoscaling/v2",
    minor: 23,
    isIn: ({ apiVersion }) => apiVersion === "autoscaling/v2",
  },
]

/** The version that these objects need, as `1.30`. */
export function versionFor(objects: readonly KubernetesObject[]): string {
  return `1.${Math.max(...neededBy(objects).map(({ minor }) => minor))}`
}

/**
 * Why a server can't be given these objects, in words; undefined when it can.
 * @param version as servers tell it: `v1.31.4-gke.1183000`. Of one that can't be read nothing is said.
 */
export function tooOldFor(
  objects: readonly KubernetesObject[],
  version: string,
): string | undefined {
  const seen = minorOf(version)
  const missing = neededBy(objects).filter(({ minor }) => seen !== undefined && seen < minor)
  if (missing.length === 0) return undefined
  const fields = missing.map(({ field, minor }) => `${field} (1.${minor})`).join(", ")
  const ways = missing.map(({ without }) => without)
  const way = ways.every((each) => each !== undefined) ? ` Or: ${ways.join("; ")}.` : ""
  return `The cluster is Kubernetes ${version}, and this needs ${versionFor(objects)} or later, for ${fields}. Upgrade the cluster.${way}`
}

/**
 * Nodes may be three versions behind their server, and it is they who wait before a replica ends.
 * In words; undefined when all of them do.
 */
export function nodesTooOld(nodes: readonly Node[], preStopSeconds: number): string | undefined {
  const old = nodes.filter(({ status }) => {
    const minor = minorOf(status?.nodeInfo?.kubeletVersion ?? "")
    return minor !== undefined && minor < sleep.minor
  })
  if (old.length === 0 || preStopSeconds === 0) return undefined
  const told = old
    .slice(0, nodesTold)
    .map(({ metadata, status }) => `${metadata?.name} (${status?.nodeInfo?.kubeletVersion})`)
  const more = old.length > nodesTold ? ` and ${old.length - nodesTold} more` : ""
  return `Nodes that are too old to wait before a replica ends (${sleep.field}, 1.${sleep.minor}): ${told.join(", ")}${more}. Requests that are on their way to a replica that goes there are lost.`
}

const nodesTold = 3

function neededBy(objects: readonly KubernetesObject[]): readonly Need[] {
  return needs.filter(({ isIn }) => objects.some(isIn))
}

function podOf(object: KubernetesObject) {
  return object.kind === "Deployment" ? (object as Deployment).spec?.template?.spec : undefined
}

function minorOf(version: string): number | undefined {
  const [, minor] = /^v?1\.(\d+)/.exec(version) ?? []
  return minor === undefined ? undefined : Number(minor)
}
