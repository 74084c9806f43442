/**
 * What can be said about a deployment, and the deployment that comes of it. It is said in layers,
 * each over the one before: the table's defaults, the configuration file, the environment that was
 * chosen in it, the command line.
 */
import { checked, OptionError, type OptionSpec, type OptionValue } from "../option.ts"
import { milliCpu } from "../quantity.ts"
import { type DeploymentLists, type ListsLayer, type ResolvedLists, resolveLists } from "./lists.ts"

export const deploymentTable = {
  name: {
    kind: "name",
    default: undefined,
    doc: "What everything that is made is called. Left out: the service's title as a name.",
    why: "One name for all of it is one to remember, and one to remove it by.",
  },
  context: {
    kind: "text",
    default: undefined,
    doc: "The kubeconfig's context, and so the cluster. Left out: the current one.",
    why: "Said for an environment, it keeps that environment out of the wrong cluster.",
  },
  namespace: {
    kind: "namespace",
    default: undefined,
    doc: "The namespace, which must be there. Left out: that of the kubeconfig's context; manifests then name none.",
    why: "It is where your rights, quotas and secrets already are; making one is somebody's decision.",
  },
  image: {
    kind: "text",
    default: undefined,
    doc: "The image, best by digest: what `capstan image --push` prints. Left out: `capstan deploy` builds it and brings it to the cluster.",
    why: "A digest is the same image for ever, and a tag whatever was pushed last.",
  },
  pullSecret: {
    kind: "object",
    default: undefined,
    doc: "The secret with the login to the image's registry, for nodes that have none of their own.",
    why: "Clouds give their nodes a login to their own registry.",
  },
  expose: {
    kind: "choice",
    default: "ClusterIP",
    choices: ["ClusterIP", "NodePort", "LoadBalancer"],
    doc: "The type of the Service: reachable from within the cluster, on a port of every node, or by the cloud's load balancer.",
    why: "What the world may reach should be a decision, and a load balancer costs money.",
  },
  gateway: {
    kind: "gateway",
    default: undefined,
    doc: "The Gateway that routes to the service: its name, or namespace/name. It must be there.",
    why: "Gateways belong to the cluster, with their certificates and addresses; a route is what a service adds.",
  },
  hostname: {
    kind: "host",
    default: undefined,
    doc: "The host name that the Gateway routes by. Left out: all that the Gateway takes.",
    why: "A Gateway of one service needs none.",
  },
  minReplicas: {
    kind: "integer",
    default: 2,
    min: 1,
    max: 1000,
    doc: "Replicas that there always are.",
    why: "With 2 or more a node may be emptied or a replica fail and the service goes on.",
  },
  maxReplicas: {
    kind: "integer",
    default: 10,
    min: 1,
    max: 1000,
    doc: "Replicas that there are at most; what the bill can come to.",
    why: "Five times the least is room for a surge, and not for a mistake that costs a month's budget.",
  },
  targetCpu: {
    kind: "integer",
    default: 70,
    min: 1,
    max: 1000,
    doc: "Mean CPU use that the autoscaler aims at, in percent of the CPU request.",
    why: "What is above it has to last until new replicas are there; 50 keeps half of what you pay for idle.",
  },
  cpu: {
    kind: "cpu",
    default: "500m",
    doc: "CPU request of a replica: what it steadily needs, reserved for it on a node.",
    why: "Fits small nodes several times; measure your own with `capstan load` and say that.",
  },
  cpuLimit: {
    kind: "cpu-or-none",
    default: "none",
    doc: "CPU limit of a replica, at least the request. none: it may use what the node has to spare.",
    why: "A limit stops the whole process, probes included, while the node idles, and hides from the autoscaler how much is wanted.",
  },
  memory: {
    kind: "memory",
    default: "512Mi",
    doc: "Memory of a replica, request and limit in one.",
    why: "Node and a few workers with room for inputs; memory can't be taken back as CPU can, so all of it is reserved.",
  },
  preStopSeconds: {
    kind: "integer",
    default: 5,
    min: 0,
    max: 300,
    doc: "How long a replica that is to go still takes connections, until balancers have learnt to look elsewhere.",
    why: "Within a cluster that takes a second or two; cloud load balancers want 15 to 30.",
  },
  monitor: {
    kind: "choice",
    default: "off",
    choices: ["off", "on"],
    doc: "Whether Prometheus is told to scrape it, by a ServiceMonitor of the Prometheus Operator.",
    why: "A cluster without that operator does not know the kind, and refuses it.",
  },
} as const satisfies Readonly<Record<string, OptionSpec>>

type Table = typeof deploymentTable
type DeploymentOptionName = keyof Table

/** A deployment as the configuration file describes it. */
export type DeploymentConfig = {
  readonly [Name in DeploymentOptionName]?: OptionValue<Table[Name]>
} & DeploymentLists

/** What one source says of it. A later layer's value goes over an earlier one's; lists add up. */
export interface DeploymentLayer extends ListsLayer {
  readonly values: Readonly<Partial<Record<DeploymentOptionName, unknown>>>
}

/** What the service itself says. */
export interface ServiceFacts {
  readonly name: string
  readonly version: string
  /** The longest deadline of its operations. */
  readonly deadlineMsMax: number
}

type Absent = "name" | "cpuLimit"

export type DeploymentOptions = {
  readonly [Name in Exclude<DeploymentOptionName, Absent>]: Table[Name]["default"] extends undefined
    ? OptionValue<Table[Name]> | undefined
    : OptionValue<Table[Name]>
} & ServiceFacts &
  ResolvedLists & { readonly cpuLimit: string | undefined }

/**
 * Lays the layers over each other and fills in the defaults.
 * @throws {OptionError} on a value out of range, or options that contradict each other.
 */
export function resolveDeployment(
  service: ServiceFacts,
  layers: readonly DeploymentLayer[],
): DeploymentOptions {
  const given: Record<string, unknown> = {}
  const whereOf = new Map<string, string>()
  const where = (name: string): string => whereOf.get(name) ?? `the default of ${name}`
  for (const [name, spec] of Object.entries<OptionSpec>(deploymentTable)) {
    given[name] = spec.default
    for (const { values, spelt } of layers) {
      const value = values[name as DeploymentOptionName]
      if (value === undefined) continue
      given[name] = checked(spec, value, spelt(name))
      whereOf.set(name, spelt(name))
    }
  }
  const options = {
    ...(given as Pick<DeploymentOptions, Exclude<DeploymentOptionName, Absent>>),
    ...service,
    name: (given.name as string | undefined) ?? service.name,
    cpuLimit: given.cpuLimit === "none" ? undefined : (given.cpuLimit as string),
    ...resolveLists(layers),
  }
  const { minReplicas, maxReplicas, cpu, cpuLimit } = options
  if (minReplicas > maxReplicas) {
    throw new OptionError(
      `At least cannot be more than at most: ${where("minReplicas")} is ${minReplicas}, and ${where("maxReplicas")} is ${maxReplicas}.`,
    )
  }
  if (cpuLimit !== undefined && milliCpu(cpuLimit) < milliCpu(cpu)) {
    throw new OptionError(
      `${where("cpuLimit")} is ${cpuLimit}, less than ${where("cpu")}, which is ${cpu}.`,
    )
  }
  if (options.hostname !== undefined && options.gateway === undefined) {
    throw new OptionError(
      `${where("hostname")} is ${options.hostname}, and no Gateway is named that would route by it.`,
    )
  }
  return options
}
