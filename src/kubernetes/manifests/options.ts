/**
 * The one table of what can be said about a deployment: name, default, range and meaning. Flags,
 * `--help` and docs/kubernetes.md are read off it or held to it by a test.
 */
import { isName, nameRule } from "../name.ts"
import { isCpu, isMemory, milliCpu } from "./quantity.ts"

export type DeploymentOptionSpec =
  | {
      readonly kind: "integer"
      readonly default: number
      readonly min: number
      readonly max: number
      readonly doc: string
    }
  | {
      readonly kind: "choice"
      readonly default: string
      readonly choices: readonly string[]
      readonly doc: string
    }
  | { readonly kind: "cpu" | "memory"; readonly default: string; readonly doc: string }
  | { readonly kind: "cpu-or-none"; readonly default: string; readonly doc: string }
  | { readonly kind: "name" | "text"; readonly default: undefined; readonly doc: string }

export const deploymentTable = {
  name: {
    kind: "name",
    default: undefined,
    doc: "What everything that is made is called. Left out: the service's title as a name.",
  },
  namespace: {
    kind: "name",
    default: undefined,
    doc: "The namespace, which must be there. Left out: that of the kubeconfig's context; manifests then name none.",
  },
  image: {
    kind: "text",
    default: undefined,
    doc: "The image, best by digest: what `capstan image --push` prints.",
  },
  expose: {
    kind: "choice",
    default: "ClusterIP",
    choices: ["ClusterIP", "NodePort", "LoadBalancer"],
    doc: "The type of the Service: reachable from within the cluster, on a port of every node, or by the cloud's load balancer.",
  },
  minReplicas: {
    kind: "integer",
    default: 2,
    min: 1,
    max: 1000,
    doc: "Replicas that there always are. With 2 or more a node may be emptied or a replica fail and the service goes on.",
  },
  maxReplicas: {
    kind: "integer",
    default: 10,
    min: 1,
    max: 1000,
    doc: "Replicas that there are at most; what the bill can come to.",
  },
  targetCpu: {
    kind: "integer",
    default: 70,
    min: 1,
    max: 1000,
    doc: "Mean CPU use that the autoscaler aims at, in percent of the CPU request.",
  },
  cpu: {
    kind: "cpu",
    default: "500m",
    doc: "CPU request of a replica: what it steadily needs, reserved for it on a node.",
  },
  cpuLimit: {
    kind: "cpu-or-none",
    default: "none",
    doc: "CPU limit of a replica, at least the request. none: it may use what the node has to spare.",
  },
  memory: {
    kind: "memory",
    default: "512Mi",
    doc: "Memory of a replica, request and limit in one.",
  },
  preStopSeconds: {
    kind: "integer",
    default: 5,
    min: 0,
    max: 300,
    doc: "How long a replica that is to go still takes connections, until balancers have learnt to look elsewhere.",
  },
} as const satisfies Readonly<Record<string, DeploymentOptionSpec>>

export type DeploymentOptionName = keyof typeof deploymentTable

/** Values as typed, by option name. */
export type DeploymentFlags = { readonly [Name in DeploymentOptionName]?: string | undefined } & {
  /** `NAME=value`. */
  readonly env?: readonly string[]
  /** `secret/NAME` or `configmap/NAME`: every key of it becomes a variable. */
  readonly envFrom?: readonly string[]
}

/** What the service itself says. */
export interface ServiceFacts {
  readonly name: string
  readonly version: string
  /** The longest deadline of its operations. */
  readonly deadlineMsMax: number
}

export interface DeploymentOptions {
  readonly name: string
  readonly version: string
  readonly deadlineMsMax: number
  readonly namespace: string | undefined
  readonly image: string
  readonly expose: (typeof deploymentTable)["expose"]["choices"][number]
  readonly minReplicas: number
  readonly maxReplicas: number
  readonly targetCpu: number
  readonly cpu: string
  readonly cpuLimit: string | undefined
  readonly memory: string
  readonly preStopSeconds: number
  readonly env: Readonly<Record<string, string>>
  readonly envFrom: readonly { readonly kind: "secret" | "configmap"; readonly name: string }[]
}

/** An option that is not what it may be. The message names option, value and range. */
export class DeploymentOptionError extends Error {
  override readonly name = "DeploymentOptionError"
}

/**
 * Fills in the defaults.
 * @param flagOf how an option is spelt, for messages.
 * @throws {DeploymentOptionError} on a value out of range, or options that contradict each other.
 */
export function resolveDeployment(
  service: ServiceFacts,
  flags: DeploymentFlags,
  flagOf: (name: string) => string,
): DeploymentOptions {
  const given: Record<string, unknown> = {}
  for (const [name, spec] of Object.entries<DeploymentOptionSpec>(deploymentTable)) {
    const typed = flags[name as DeploymentOptionName]
    given[name] = typed === undefined ? spec.default : parse(spec, typed, flagOf(name))
  }
  const options = {
    ...service,
    ...(given as Pick<DeploymentOptions, DeploymentOptionName>),
    name: (given.name as string | undefined) ?? service.name,
    cpuLimit: given.cpuLimit === "none" ? undefined : (given.cpuLimit as string),
    env: environment(flags.env ?? []),
    envFrom: (flags.envFrom ?? []).map(reference),
  }
  if (options.image === undefined) {
    throw new DeploymentOptionError(
      `Which image? Name it with ${flagOf("image")}: what \`capstan image --push\` prints.`,
    )
  }
  if (options.minReplicas > options.maxReplicas) {
    throw new DeploymentOptionError(
      `${flagOf("minReplicas")} is ${options.minReplicas} and ${flagOf("maxReplicas")} ${options.maxReplicas}: at least cannot be more than at most.`,
    )
  }
  if (options.cpuLimit !== undefined && milliCpu(options.cpuLimit) < milliCpu(options.cpu)) {
    throw new DeploymentOptionError(
      `${flagOf("cpuLimit")} is ${options.cpuLimit}, less than ${flagOf("cpu")}, which is ${options.cpu}.`,
    )
  }
  return options
}

/** What an option may be, in words. */
export function allowed(spec: DeploymentOptionSpec): string {
  switch (spec.kind) {
    case "integer":
      return `a whole number from ${spec.min} to ${spec.max}`
    case "choice":
      return `one of ${spec.choices.join(", ")}`
    case "cpu":
      return "CPUs like 500m, 1 or 1.5"
    case "cpu-or-none":
      return '"none", or CPUs like 500m, 1 or 1.5'
    case "memory":
      return "bytes like 512Mi or 2Gi"
    case "name":
      return nameRule
    case "text":
      return "a text that is not empty"
    default:
      return spec satisfies never
  }
}

function parse(spec: DeploymentOptionSpec, typed: string, flag: string): string | number {
  if (!fits(spec, typed)) {
    throw new DeploymentOptionError(
      `${flag} is ${JSON.stringify(typed)}; it must be ${allowed(spec)}.`,
    )
  }
  return spec.kind === "integer" ? Number(typed) : typed
}

function fits(spec: DeploymentOptionSpec, typed: string): boolean {
  switch (spec.kind) {
    case "integer":
      return /^\d+$/.test(typed) && Number(typed) >= spec.min && Number(typed) <= spec.max
    case "choice":
      return spec.choices.includes(typed)
    case "cpu":
      return isCpu(typed)
    case "cpu-or-none":
      return typed === "none" || isCpu(typed)
    case "memory":
      return isMemory(typed)
    case "name":
      return isName(typed)
    case "text":
      return /^\S+$/.test(typed)
    default:
      return spec satisfies never
  }
}

/** Ports are in the manifests in six places; changing them here would contradict the others. */
const fixedVariables = ["CAPSTAN_HOST", "CAPSTAN_PORT", "CAPSTAN_MANAGEMENT_PORT"]

function environment(pairs: readonly string[]): Record<string, string> {
  const variables: Record<string, string> = {}
  for (const pair of pairs) {
    const [, name, value] = /^([A-Za-z_][A-Za-z0-9_.-]*)=(.*)$/s.exec(pair) ?? []
    if (name === undefined || value === undefined) {
      throw new DeploymentOptionError(`--env is ${JSON.stringify(pair)}; it must be NAME=value.`)
    }
    if (fixedVariables.includes(name)) {
      throw new DeploymentOptionError(
        `--env ${name}: a deployment's ports are 8080 and 9090, inside its own address. The Service decides what others see.`,
      )
    }
    variables[name] = value
  }
  return variables
}

function reference(text: string): DeploymentOptions["envFrom"][number] {
  const [, kind, name] = /^(secret|configmap)\/([a-z0-9][a-z0-9.-]*)$/.exec(text) ?? []
  if (name === undefined) {
    throw new DeploymentOptionError(
      `--env-from is ${JSON.stringify(text)}; it must be secret/NAME or configmap/NAME.`,
    )
  }
  return { kind: kind as "secret" | "configmap", name }
}
