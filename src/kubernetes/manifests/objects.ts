/**
 * A deployment as the objects that Kubernetes is given: plain values, made from options and nothing
 * else, in the order in which they are applied. Why each is as it is stands in docs/kubernetes.md.
 */
import { type Probe, probes } from "../../core/probes.ts"
import { scalingBehavior } from "../../core/scaling.ts"
import { userId } from "../image/dockerfile.ts"
import type { HttpRoute, ServiceMonitor } from "../installed-kinds.ts"
import type {
  Amounts,
  Container,
  Deployment,
  EnvVar,
  HorizontalPodAutoscaler,
  KubernetesObject,
  NetworkPolicy,
  ObjectMeta,
  PodDisruptionBudget,
  PodSpec,
  Service,
  ServiceAccount,
} from "../kinds.ts"
import { labelValue, nameLengthMax } from "../name.ts"
import { milliCpu } from "../quantity.ts"
import type { Init } from "./init.ts"
import { identity } from "./labels.ts"
import type { DeploymentOptions } from "./options.ts"
import { drainGraceVariable, type EnvironmentValue } from "./variables.ts"
import { mountsOf, podVolumes, writableMounts } from "./volumes.ts"

/** The defaults of the settings `port` and `managementPort`. */
export const ports = { api: 8080, management: 9090 } as const

/** Between the last answer that is allowed and SIGKILL. */
const marginSeconds = 5

/** A deployment whose image is known. */
export type Deployable = DeploymentOptions & { readonly image: string }

export function manifests(options: Deployable): readonly KubernetesObject[] {
  return [
    serviceAccount(options),
    networkPolicy(options),
    service(options),
    ...(options.gateway === undefined ? [] : [route(options, options.gateway)]),
    ...(options.monitor === "on" ? [managementService(options), serviceMonitor(options)] : []),
    disruptionBudget(options),
    deployment(options),
    autoscaler(options),
  ]
}

function serviceAccount(options: Deployable): ServiceAccount {
  return {
    apiVersion: "v1",
    kind: "ServiceAccount",
    metadata: metadata(options),
    automountServiceAccountToken: false,
    ...(options.pullSecret === undefined
      ? {}
      : { imagePullSecrets: [{ name: options.pullSecret }] }),
  }
}

/** In: the API from anywhere, the management port from within the cluster. Out: anything. */
function networkPolicy(options: Deployable): NetworkPolicy {
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: metadata(options),
    spec: {
      podSelector: { matchLabels: identity(options.name) },
      policyTypes: ["Ingress"],
      ingress: [
        { ports: [{ port: "api", protocol: "TCP" }] },
        { ports: [{ port: "management", protocol: "TCP" }], from: [{ namespaceSelector: {} }] },
      ],
    },
  }
}

function service(options: Deployable): Service {
  const { serviceAnnotations } = options
  const isBare = Object.keys(serviceAnnotations).length === 0
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { ...metadata(options), ...(isBare ? {} : { annotations: serviceAnnotations }) },
    spec: {
      type: options.expose,
      selector: identity(options.name),
      ports: [{ name: "api", port: 80, targetPort: "api", protocol: "TCP" }],
    },
  }
}

function route(options: Deployable, gateway: string): HttpRoute {
  const [parent = "", namespace] = gateway.split("/").toReversed()
  return {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "HTTPRoute",
    metadata: metadata(options),
    spec: {
      parentRefs: [{ name: parent, ...(namespace === undefined ? {} : { namespace }) }],
      ...(options.hostname === undefined ? {} : { hostnames: [options.hostname] }),
      rules: [{ backendRefs: [{ name: options.name, port: 80 }] }],
    },
  }
}

/**
 * The management port, for those who look after the service. Without an address of its own: it only
 * says where the replicas are. Not a port of the other Service, which a load balancer may expose.
 */
function managementService(options: Deployable): Service {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: {
      ...metadata(options),
      name: managementName(options.name),
      labels: { ...metadata(options).labels, ...managementLabel },
    },
    spec: {
      clusterIP: "None",
      selector: identity(options.name),
      ports: [
        { name: "management", port: ports.management, targetPort: "management", protocol: "TCP" },
      ],
    },
  }
}

function serviceMonitor(options: Deployable): ServiceMonitor {
  return {
    apiVersion: "monitoring.coreos.com/v1",
    kind: "ServiceMonitor",
    metadata: metadata(options),
    spec: {
      selector: { matchLabels: { ...identity(options.name), ...managementLabel } },
      endpoints: [{ port: "management", path: "/metrics", interval: "15s" }],
    },
  }
}

const managementLabel = { "app.kubernetes.io/component": "management" } as const

/** What objects of a deployment are called. */
export function namesFor(name: string): readonly string[] {
  return [name, managementName(name)]
}

/** A Service's name has an end. */
function managementName(name: string): string {
  const suffix = "-management"
  return name.slice(0, nameLengthMax - suffix.length).replace(/-+$/, "") + suffix
}

function disruptionBudget(options: Deployable): PodDisruptionBudget {
  return {
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: metadata(options),
    spec: {
      selector: { matchLabels: identity(options.name) },
      maxUnavailable: 1,
      // A pod that is not ready protects nothing, and must not hold up the emptying of its node.
      unhealthyPodEvictionPolicy: "AlwaysAllow",
    },
  }
}

function deployment(options: Deployable): Deployment {
  const { labels = {} } = metadata(options)
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: metadata(options),
    // No `replicas`: they are the autoscaler's, and applying it again must not reset them.
    spec: {
      selector: { matchLabels: identity(options.name) },
      strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
      revisionHistoryLimit: 3,
      template: { metadata: { labels }, spec: podSpec(options) },
    },
  }
}

function podSpec(options: Deployable): PodSpec {
  const { name, preStopSeconds, volumes, init, nodeSelector, tolerations } = options
  const isChosen = Object.keys(nodeSelector).length > 0
  return {
    serviceAccountName: name,
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    terminationGracePeriodSeconds:
      preStopSeconds + Math.ceil(drainGraceMs(options) / 1000) + marginSeconds,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: userId,
      runAsGroup: userId,
      fsGroup: userId,
      // A volume that is the group's already is not gone through file by file at every start.
      ...(volumes.some(({ kind }) => kind === "claim")
        ? { fsGroupChangePolicy: "OnRootMismatch" }
        : {}),
      seccompProfile: { type: "RuntimeDefault" },
    },
    topologySpreadConstraints: ["kubernetes.io/hostname", "topology.kubernetes.io/zone"].map(
      (topologyKey) => ({
        maxSkew: 1,
        topologyKey,
        whenUnsatisfiable: "ScheduleAnyway",
        labelSelector: { matchLabels: identity(name) },
        // Each version by itself: a rollout would otherwise spread new replicas around the old ones.
        matchLabelKeys: ["pod-template-hash"],
      }),
    ),
    ...(isChosen ? { nodeSelector } : {}),
    ...(tolerations.length === 0 ? {} : { tolerations }),
    ...(init === undefined ? {} : { initContainers: [initContainer(options, init)] }),
    containers: [container(options)],
    volumes: podVolumes(volumes),
  }
}

/** What neither container may do. */
const confined = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ["ALL"] },
} as const

function initContainer(options: Deployable, init: Init): Container {
  const { image = options.image, command, args, env, mounts } = init
  return {
    name: initName,
    image,
    imagePullPolicy: pullPolicy(image),
    ...(command === undefined ? {} : { command }),
    ...(args === undefined ? {} : { args }),
    ...(Object.keys(env).length === 0 ? {} : { env: variables(env) }),
    // The same as the service's, so that a replica reserves no more for it.
    resources: replicaSize({ ...options, resources: {} }),
    securityContext: confined,
    volumeMounts: writableMounts(options.volumes, mounts),
  }
}

/** What the init container is called in a pod. */
export const initName = "init"

/** What a replica reserves, and what it may have at most. */
export function replicaSize({
  cpu,
  cpuLimit,
  memory,
  resources,
}: Pick<Deployable, "cpu" | "cpuLimit" | "memory" | "resources">): {
  readonly requests: Amounts
  readonly limits: Amounts
} {
  const extended = Object.fromEntries(
    Object.entries(resources).map(([name, count]) => [name, `${count}`]),
  )
  return {
    requests: { cpu, memory, ...extended },
    limits: { memory, ...(cpuLimit === undefined ? {} : { cpu: cpuLimit }), ...extended },
  }
}

function container(options: Deployable): Container {
  const { image, preStopSeconds, envFrom, volumes } = options
  const probe = ({ path, ...rest }: Probe) => ({
    httpGet: { path, port: "management" },
    ...rest,
  })
  return {
    name: "service",
    image,
    imagePullPolicy: pullPolicy(image),
    ports: [
      { name: "api", containerPort: ports.api, protocol: "TCP" },
      { name: "management", containerPort: ports.management, protocol: "TCP" },
    ],
    env: environment(options),
    ...(envFrom.length === 0
      ? {}
      : {
          envFrom: envFrom.map(({ kind, name }) =>
            kind === "secret" ? { secretRef: { name } } : { configMapRef: { name } },
          ),
        }),
    resources: replicaSize(options),
    startupProbe: probe(probes.startup),
    readinessProbe: probe(probes.readiness),
    livenessProbe: probe(probes.liveness),
    ...(preStopSeconds === 0
      ? {}
      : { lifecycle: { preStop: { sleep: { seconds: preStopSeconds } } } }),
    securityContext: confined,
    volumeMounts: mountsOf(volumes),
  }
}

/** Kubernetes' own default, spelt out: a tag that moves is asked for at every start. */
function pullPolicy(image: string): string {
  return /@|:(?!latest$)[^/:]+$/.test(image) ? "IfNotPresent" : "Always"
}

/** Ours, then what was given, which goes over it. */
function environment(options: Deployable): EnvVar[] {
  const workers = Math.max(1, Math.ceil(milliCpu(options.cpu) / 1000))
  const all = {
    // Who probes it is on the node, and who reads its metrics in another pod.
    CAPSTAN_MANAGEMENT_HOST: "all",
    // Without a limit a process sees all CPUs of its node, and would take as many workers.
    ...(options.cpuLimit === undefined ? { CAPSTAN_WORKERS: `${workers}` } : {}),
    [drainGraceVariable]: `${drainGraceMs(options)}`,
    ...options.env,
  }
  return variables(all)
}

function variables(values: Readonly<Record<string, EnvironmentValue>>): EnvVar[] {
  return Object.entries(values).map(([name, value]) => variable(name, value))
}

function variable(name: string, value: EnvironmentValue): EnvVar {
  if (typeof value === "string") return { name, value }
  const { key } = value
  return "secret" in value
    ? { name, valueFrom: { secretKeyRef: { name: value.secret, key } } }
    : { name, valueFrom: { configMapKeyRef: { name: value.configmap, key } } }
}

/** The longest that an admitted request may take, and a little. */
function drainGraceMs({ env, deadlineMsMax }: Deployable): number {
  return Number(env[drainGraceVariable] ?? deadlineMsMax + 1000)
}

function autoscaler(options: Deployable): HorizontalPodAutoscaler {
  const { name, minReplicas, maxReplicas, targetCpu } = options
  return {
    apiVersion: "autoscaling/v2",
    kind: "HorizontalPodAutoscaler",
    metadata: metadata(options),
    spec: {
      scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name },
      minReplicas,
      maxReplicas,
      metrics: [
        {
          type: "Resource",
          resource: { name: "cpu", target: { type: "Utilization", averageUtilization: targetCpu } },
        },
      ],
      behavior: scalingBehavior,
    },
  }
}

function metadata(options: Deployable): ObjectMeta {
  const { name, namespace } = options
  return {
    name,
    ...(namespace === undefined ? {} : { namespace }),
    labels: { ...options.labels, ...identity(name), ...versionLabel(options) },
  }
}

function versionLabel({ version }: Deployable): Readonly<Record<string, string>> {
  const value = labelValue(version)
  return value === "" ? {} : { "app.kubernetes.io/version": value }
}
