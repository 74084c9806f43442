/**
 * The way back, as steps, in the order that leaves nothing behind. Load balancers belong to the
 * cluster's controllers: a cluster that is deleted under them leaves their forwarding rules, which bill
 * on. So they go first, the cluster next, and its registry last.
 */
import { getCredentials, waitFor } from "./create.ts"
import { clusterLabels, isOurCluster, isOurRegistry, registryLabels } from "./ours.ts"
import { free } from "./prices.ts"
import { gcloud, type Plan, type Step } from "./step.ts"
import { type Cluster, findCluster, type Survey } from "./survey.ts"
import { imagePrefix, type Place, regionOf } from "./wish.ts"

export interface DeleteOptions {
  /** A file of its own: removing a cluster is no reason to change which one kubectl talks to. */
  readonly kubeconfig: string
  /** Delete the cluster though nobody can ask it to take its load balancers down. */
  readonly skipServices: boolean
}

export function deletePlan(place: Place, found: Survey, options: DeleteOptions): Plan {
  const { cluster: name, location, project, registry: registryName } = place
  const cluster = findCluster(found.clusters, place)
  if (cluster !== undefined && !isOurCluster(cluster)) {
    return {
      kind: "obstacle",
      message: `Capstan has not made the cluster ${name} in ${location}: it lacks the label managed-by=capstan. It is left alone.`,
      next: `If it is to go all the same:\ngcloud container clusters delete ${name} --location=${location} --project=${project}`,
    }
  }
  const { registry } = found
  const isOurs = registry !== undefined && isOurRegistry(registry, place)
  const elsewhere = found.clusters.filter((each) => each.name === name && each !== cluster)
  const notes = [
    ...(cluster === undefined ? [`There is no cluster ${name} in ${location}.`] : []),
    ...(cluster === undefined
      ? elsewhere.map(
          (each) => `There is one of that name in ${each.location}: --location says which.`,
        )
      : []),
    ...(registry === undefined ? [`There is no registry ${registryName}.`] : []),
    ...(registry !== undefined && !isOurs
      ? [`The registry ${registryName} was not made for this cluster. It is left alone.`]
      : []),
  ]
  return {
    kind: "steps",
    steps: [
      ...(cluster === undefined ? [] : clusterSteps(place, cluster, found, options)),
      ...(isOurs ? [deleteRegistry(place)] : []),
    ],
    notes,
  }
}

/** What a plan without looking starts from: everything is there. */
export function everything(place: Place): Survey {
  return {
    account: "",
    hasBilling: undefined,
    enabled: new Set(),
    clusters: [
      {
        name: place.cluster,
        location: place.location,
        status: "RUNNING",
        resourceLabels: clusterLabels,
      },
    ],
    registry: { name: place.registry, format: "DOCKER", labels: registryLabels(place) },
    operations: [],
    hasAuthPlugin: true,
  }
}

function clusterSteps(
  place: Place,
  { status }: Cluster,
  { operations }: Survey,
  { kubeconfig, skipServices }: DeleteOptions,
): readonly Step[] {
  const waits = operations.map((id) => waitFor(place, id))
  if (status === "STOPPING") return waits
  // One that never came up has no load balancers, and nobody to ask.
  const isUp = status === "RUNNING" || status === "RECONCILING" || status === "DEGRADED"
  const services =
    isUp && !skipServices
      ? [getCredentials(place, { KUBECONFIG: kubeconfig }), removeBalancers]
      : []
  return [...waits, ...services, deleteCluster(place)]
}

const removeBalancers: Step = {
  what: "Delete all Gateways, Ingresses and Services with load balancers in it, and wait until these are gone",
  action: { by: "cluster", work: "remove balancers" },
  cost: free,
  asks: "deletes",
}

function deleteCluster({ cluster, location, project }: Place): Step {
  const args = ["container", "clusters", "delete", cluster]
  return {
    what: `Delete the cluster ${cluster}, with all that runs in it: some minutes`,
    action: gcloud([...args, `--location=${location}`, `--project=${project}`, "--quiet"]),
    cost: { ...free, words: "costs nothing, and ends what the cluster and its nodes or pods cost" },
    asks: "deletes",
  }
}

function deleteRegistry(place: Place): Step {
  const { registry, location, project } = place
  const args = ["artifacts", "repositories", "delete", registry]
  return {
    what: `Delete the registry ${registry}, with all images in ${imagePrefix(place)}`,
    action: gcloud([
      ...args,
      `--location=${regionOf(location)}`,
      `--project=${project}`,
      "--quiet",
    ]),
    cost: free,
    asks: "deletes",
  }
}
