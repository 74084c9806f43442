/**
 * A deployment as the objects that Kubernetes is given: plain values, made from options and nothing
 * else, in the order in which they are applied. Why each is as it is stands in docs/kubernetes.md.
 */
import type {
  KubernetesObject,
  V1Container,
  V1Deployment,
  V1EnvVar,
  V1NetworkPolicyPeer,
  V1NetworkPolicyPort,
  V1NetworkPolicySpec,
  V1ObjectMeta,
  V1PodDisruptionBudget,
  V1PodSpec,
  V1Service,
  V1ServiceAccount,
  V2HorizontalPodAutoscaler,
} from "@kubernetes/client-node"
import { userId } from "../image/dockerfile.ts"
import { labelValue } from "../name.ts"
import { identity } from "./labels.ts"
import type { DeploymentOptions } from "./options.ts"
import { milliCpu } from "./quantity.ts"

/** The defaults of the settings `port` and `managementPort`. */
export const ports = { api: 8080, management: 9090 } as const

/** Between the last answer that is allowed and SIGKILL. */
const marginSeconds = 5

export function manifests(options: DeploymentOptions): readonly KubernetesObject[] {
  return [
    serviceAccount(options),
    networkPolicy(options),
    service(options),
    disruptionBudget(options),
    deployment(options),
    autoscaler(options),
  ]
}

function serviceAccount(options: DeploymentOptions): V1ServiceAccount {
  return {
    apiVersion: "v1",
    kind: "ServiceAccount",
    metadata: metadata(options),
    automountServiceAccountToken: false,
  }
}

/** The library's own type calls `from` otherwise than the API does. */
interface NetworkPolicy extends KubernetesObject {
  readonly spec: Omit<V1NetworkPolicySpec, "ingress"> & {
    readonly ingress: readonly {
      readonly ports: readonly V1NetworkPolicyPort[]
      readonly from?: readonly V1NetworkPolicyPeer[]
    }[]
  }
}

/** In: the API from anywhere, the management port from within the cluster. Out: anything. */
function networkPolicy(options: DeploymentOptions): NetworkPolicy {
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

function service(options: DeploymentOptions): V1Service {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: metadata(options),
    spec: {
      type: options.expose,
      selector: identity(options.name),
      ports: [{ name: "api", port: 80, targetPort: "api", protocol: "TCP" }],
    },
  }
}

function disruptionBudget(options: DeploymentOptions): V1PodDisruptionBudget {
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

function deployment(options: DeploymentOptions): V1Deployment {
  const labels = { ...identity(options.name), ...versionLabel(options) }
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

function podSpec(options: DeploymentOptions): V1PodSpec {
  const { name, preStopSeconds } = options
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
      seccompProfile: { type: "RuntimeDefault" },
    },
    topologySpreadConstraints: ["kubernetes.io/hostname", "topology.kubernetes.io/zone"].map(
      (topologyKey) => ({
        maxSkew: 1,
        topologyKey,
        whenUnsatisfiable: "ScheduleAnyway",
        labelSelector: { matchLabels: identity(name) },
      }),
    ),
    containers: [container(options)],
    volumes: [{ name: "tmp", emptyDir: {} }],
  }
}

function container(options: DeploymentOptions): V1Container {
  const { image, cpu, cpuLimit, memory, preStopSeconds, envFrom } = options
  const probe = (path: string) => ({ httpGet: { path, port: "management" } })
  return {
    name: "service",
    image,
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
    resources: {
      requests: { cpu, memory },
      limits: { memory, ...(cpuLimit === undefined ? {} : { cpu: cpuLimit }) },
    },
    startupProbe: { ...probe("/livez"), periodSeconds: 1, timeoutSeconds: 3, failureThreshold: 60 },
    readinessProbe: {
      ...probe("/readyz"),
      periodSeconds: 1,
      timeoutSeconds: 3,
      failureThreshold: 3,
    },
    livenessProbe: {
      ...probe("/livez"),
      periodSeconds: 10,
      timeoutSeconds: 5,
      failureThreshold: 3,
    },
    ...(preStopSeconds === 0
      ? {}
      : { lifecycle: { preStop: { sleep: { seconds: preStopSeconds } } } }),
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    },
    volumeMounts: [{ name: "tmp", mountPath: "/tmp" }],
  }
}

/** Ours, then what was given, which goes over it. */
function environment(options: DeploymentOptions): V1EnvVar[] {
  const workers = Math.max(1, Math.ceil(milliCpu(options.cpu) / 1000))
  const variables = {
    // Without a limit a process sees all CPUs of its node, and would take as many workers.
    ...(options.cpuLimit === undefined ? { CAPSTAN_WORKERS: `${workers}` } : {}),
    CAPSTAN_DRAIN_GRACE_MS: `${drainGraceMs(options)}`,
    ...options.env,
  }
  return Object.entries(variables).map(([name, value]) => ({ name, value }))
}

/** The longest that an admitted request may take, and a little. */
function drainGraceMs({ env, deadlineMsMax }: DeploymentOptions): number {
  return Number(env.CAPSTAN_DRAIN_GRACE_MS ?? deadlineMsMax + 1000)
}

function autoscaler(options: DeploymentOptions): V2HorizontalPodAutoscaler {
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
      behavior: {
        scaleUp: {
          stabilizationWindowSeconds: 0,
          selectPolicy: "Max",
          policies: [
            { type: "Percent", value: 300, periodSeconds: 15 },
            { type: "Pods", value: 4, periodSeconds: 15 },
          ],
        },
        scaleDown: {
          stabilizationWindowSeconds: 300,
          selectPolicy: "Max",
          policies: [
            { type: "Percent", value: 25, periodSeconds: 60 },
            { type: "Pods", value: 1, periodSeconds: 60 },
          ],
        },
      },
    },
  }
}

function metadata(options: DeploymentOptions): V1ObjectMeta {
  const { name, namespace } = options
  return {
    name,
    ...(namespace === undefined ? {} : { namespace }),
    labels: { ...identity(name), ...versionLabel(options) },
  }
}

function versionLabel({ version }: DeploymentOptions): Readonly<Record<string, string>> {
  const value = labelValue(version)
  return value === "" ? {} : { "app.kubernetes.io/version": value }
}
