/**
 * From what is there to what is wished for, as steps. What costs nothing and can fail comes first: a
 * project that lacks a permission should not learn of it with a cluster running.
 */
import { clusterLabels, isOurCluster, isOurRegistry, labelsFlag, registryLabels } from "./ours.ts"
import { clusterCost, free, registryCost } from "./prices.ts"
import { gcloud, type Plan, type Step } from "./step.ts"
import { apis, findCluster, type Survey } from "./survey.ts"
import { contextOf, type Place, regionOf, registryHost, type Wish } from "./wish.ts"

/** What `survey` finds where nothing is there yet: what a plan without looking starts from. */
export const nothing: Survey = {
  account: "",
  hasBilling: undefined,
  enabled: new Set(),
  clusters: [],
  registry: undefined,
  operations: [],
  hasAuthPlugin: true,
}

export function createPlan(wish: Wish, found: Survey): Plan {
  const obstacle = obstacleTo(wish, found)
  if (obstacle !== undefined) return { kind: "obstacle", ...obstacle }
  const registry = registrySteps(wish, found)
  const cluster = clusterSteps(wish, found)
  const steps = [
    ...(found.hasAuthPlugin ? [] : [installPlugin]),
    ...enableSteps(wish, found),
    ...registry.steps,
    ...cluster.steps,
    getCredentials(wish),
    configureDocker(wish),
    seeMetrics,
  ]
  return { kind: "steps", steps, notes: [...registry.notes, ...cluster.notes] }
}

interface Part {
  readonly steps: readonly Step[]
  readonly notes: readonly string[]
}

function obstacleTo(
  wish: Wish,
  found: Survey,
): { readonly message: string; readonly next: string } | undefined {
  const { project, cluster: name, location } = wish
  if (found.hasBilling === false) {
    return {
      message: `The project ${project} has no billing account, and Google makes no cluster without one.`,
      next: `gcloud billing accounts list\ngcloud billing projects link ${project} --billing-account=ACCOUNT_ID`,
    }
  }
  const cluster = findCluster(found.clusters, wish)
  if (cluster === undefined) return undefined
  if (!isOurCluster(cluster)) {
    return {
      message: `There is a cluster ${name} in ${location} already, and Capstan has not made it.`,
      next: `Take another name, or use it as it is:\ngcloud container clusters get-credentials ${name} --location=${location} --project=${project}`,
    }
  }
  if (cluster.status === "ERROR") {
    return {
      message: `The cluster ${name} was begun and failed: ${cluster.statusMessage ?? "Google gives no reason"}`,
      next: `Remove what there is of it, then make it again:\ncapstan gke delete ${name} --location ${location} --project ${project}`,
    }
  }
  const mode = cluster.autopilot?.enabled === true ? "autopilot" : "standard"
  // One that is going says nothing of the next.
  if (mode !== wish.mode && cluster.status !== "STOPPING") {
    return {
      message: `The cluster ${name} is there already, in mode ${mode}; you asked for ${wish.mode}. A cluster's mode can't be changed.`,
      next: `Say --mode ${mode}, or take another name.`,
    }
  }
  return undefined
}

const installPlugin: Step = {
  what: "Install the plugin by which kubeconfigs log in to GKE",
  action: gcloud(["components", "install", "gke-gcloud-auth-plugin", "--quiet"]),
  cost: free,
}

function enableSteps({ project }: Wish, { enabled }: Survey): readonly Step[] {
  const missing = apis.filter((api) => !enabled.has(api))
  if (missing.length === 0) return []
  return [
    {
      what: "Switch on Kubernetes Engine and Artifact Registry in the project",
      action: gcloud(["services", "enable", ...missing, `--project=${project}`]),
      cost: { ...free, words: "costs nothing by itself" },
    },
  ]
}

function registrySteps(wish: Wish, { registry }: Survey): Part {
  const { project, registry: name, location, cluster } = wish
  if (registry !== undefined) {
    const whose = isOurRegistry(registry, wish)
      ? `The registry ${name} is there already.`
      : `The registry ${name} is there already, not made for this cluster: it is used, and capstan gke delete will leave it.`
    return { steps: [], notes: [whose] }
  }
  const args = [
    "artifacts",
    "repositories",
    "create",
    name,
    "--repository-format=docker",
    `--location=${regionOf(location)}`,
    `--description=Images for the cluster ${cluster}, made by capstan gke create`,
    labelsFlag(registryLabels(wish)),
    `--project=${project}`,
  ]
  return {
    steps: [
      {
        what: `Make the registry ${name}`,
        action: gcloud(args),
        cost: registryCost,
        asks: "spends",
      },
    ],
    notes: [],
  }
}

function clusterSteps(wish: Wish, found: Survey): Part {
  const { cluster: name } = wish
  const cluster = findCluster(found.clusters, wish)
  const waits = found.operations.map((id) => waitFor(wish, id))
  switch (cluster?.status) {
    case undefined:
      return { steps: [makeCluster(wish)], notes: [] }
    case "STOPPING":
      return {
        steps: [...waits, makeCluster(wish)],
        notes: [`A cluster ${name} is being deleted; when it is gone, it is made anew.`],
      }
    case "RUNNING":
      return { steps: [], notes: [`The cluster ${name} is there already.`] }
    default:
      return { steps: waits, notes: [`The cluster ${name} is being made already.`] }
  }
}

function makeCluster(wish: Wish): Step {
  const { cluster, location, project, mode, machineType, nodesMin, nodesMax } = wish
  const common = [
    `--location=${location}`,
    "--release-channel=regular",
    labelsFlag(clusterLabels),
    `--project=${project}`,
  ]
  const args =
    mode === "autopilot"
      ? ["container", "clusters", "create-auto", cluster, ...common]
      : [
          "container",
          "clusters",
          "create",
          cluster,
          ...common,
          `--machine-type=${machineType}`,
          `--num-nodes=${nodesMin}`,
          "--enable-autoscaling",
          `--min-nodes=${nodesMin}`,
          `--max-nodes=${nodesMax}`,
        ]
  return {
    what: `Make the cluster ${cluster}, ${mode}, in ${location}: five to ten minutes`,
    action: gcloud(args),
    cost: clusterCost(wish),
    asks: "spends",
  }
}

export function waitFor({ location, project }: Place, operation: string): Step {
  const args = ["container", "operations", "wait", operation]
  return {
    what: "Wait for what Google is doing to the cluster",
    action: gcloud([...args, `--location=${location}`, `--project=${project}`]),
    cost: free,
  }
}

/** @param env where it is written, when not into the user's own kubeconfig. */
export function getCredentials(place: Place, env?: Readonly<Record<string, string>>): Step {
  const { cluster, location, project } = place
  return {
    what: `Get its credentials, as the context ${contextOf(place)}`,
    action: gcloud(
      [
        "container",
        "clusters",
        "get-credentials",
        cluster,
        `--location=${location}`,
        `--project=${project}`,
      ],
      env,
    ),
    cost: free,
  }
}

function configureDocker({ location }: Wish): Step {
  return {
    what: "Let docker and podman push to the registry with gcloud's login",
    action: gcloud(["auth", "configure-docker", registryHost(location), "--quiet"]),
    cost: free,
  }
}

const seeMetrics: Step = {
  what: "See that the cluster serves metrics, which the autoscaler scales by",
  action: { by: "cluster", work: "see metrics" },
  cost: free,
}
