/**
 * The kinds of the Kubernetes API, as far as Capstan reads or writes them. Not generated: upstream's
 * own types are tens of megabytes, of which this is what is used. A field that is missing here is
 * added here, under the API's own name.
 */

type Labels = Readonly<Record<string, string>>
/** Amounts by resource: `{ cpu: "500m", memory: "512Mi" }`. */
export type Amounts = Readonly<Record<string, string>>

export interface KubernetesObject {
  readonly apiVersion?: string
  readonly kind?: string
  readonly metadata?: ObjectMeta
}

export interface ObjectMeta {
  readonly name?: string
  readonly namespace?: string
  readonly uid?: string
  readonly resourceVersion?: string
  readonly labels?: Labels
  readonly annotations?: Labels
  readonly generation?: number
  readonly creationTimestamp?: string
  /** When its time to end is up, and not when it was told to. */
  readonly deletionTimestamp?: string
  readonly deletionGracePeriodSeconds?: number
  readonly ownerReferences?: readonly OwnerReference[]
  readonly managedFields?: readonly {
    readonly manager?: string
    readonly subresource?: string
    readonly time?: string
  }[]
}

export interface OwnerReference {
  readonly apiVersion: string
  readonly kind: string
  readonly name: string
  readonly uid: string
}

export interface Condition {
  readonly type: string
  readonly status: string
  readonly reason?: string
  readonly message?: string
  readonly lastTransitionTime?: string | null
}

export interface LabelSelector {
  readonly matchLabels?: Labels
}

export interface Deployment extends KubernetesObject {
  readonly spec?: {
    readonly replicas?: number
    readonly paused?: boolean
    readonly selector?: LabelSelector
    readonly strategy?: {
      readonly type: string
      readonly rollingUpdate?: { readonly maxSurge: number; readonly maxUnavailable: number }
    }
    readonly revisionHistoryLimit?: number
    readonly template?: PodTemplate
  }
  readonly status?: {
    readonly observedGeneration?: number
    readonly replicas?: number
    readonly updatedReplicas?: number
    readonly readyReplicas?: number
    readonly availableReplicas?: number
    readonly conditions?: readonly Condition[]
  }
}

export interface ReplicaSet extends KubernetesObject {
  readonly spec?: { readonly replicas?: number; readonly template?: PodTemplate }
  readonly status?: { readonly readyReplicas?: number }
}

export interface PodTemplate {
  readonly metadata?: ObjectMeta
  readonly spec?: PodSpec
}

export interface Pod extends KubernetesObject {
  readonly spec?: PodSpec
  readonly status?: {
    readonly phase?: string
    readonly reason?: string
    readonly startTime?: string
    readonly conditions?: readonly Condition[]
    readonly containerStatuses?: readonly ContainerStatus[]
    readonly initContainerStatuses?: readonly ContainerStatus[]
  }
}

export interface PodSpec {
  readonly nodeName?: string
  readonly serviceAccountName?: string
  readonly automountServiceAccountToken?: boolean
  readonly enableServiceLinks?: boolean
  readonly terminationGracePeriodSeconds?: number
  readonly securityContext?: {
    readonly runAsNonRoot?: boolean
    readonly runAsUser?: number
    readonly runAsGroup?: number
    readonly fsGroup?: number
    readonly fsGroupChangePolicy?: string
    readonly seccompProfile?: { readonly type: string }
  }
  readonly topologySpreadConstraints?: readonly {
    readonly maxSkew: number
    readonly topologyKey: string
    readonly whenUnsatisfiable: string
    readonly labelSelector: LabelSelector
    readonly matchLabelKeys?: readonly string[]
  }[]
  readonly initContainers?: readonly Container[]
  readonly containers: readonly Container[]
  readonly volumes?: readonly {
    readonly name: string
    readonly emptyDir?: { readonly sizeLimit: string }
    readonly persistentVolumeClaim?: { readonly claimName: string }
    readonly configMap?: { readonly name: string }
    readonly secret?: { readonly secretName: string }
  }[]
  readonly nodeSelector?: Labels
  readonly tolerations?: readonly {
    readonly key?: string
    readonly operator?: string
    readonly value?: string
    readonly effect?: string
  }[]
  readonly overhead?: Amounts
  readonly resources?: Resources
}

interface Resources {
  readonly requests?: Amounts
  readonly limits?: Amounts
}

export interface Container {
  readonly name: string
  readonly image?: string
  readonly command?: readonly string[]
  readonly args?: readonly string[]
  readonly imagePullPolicy?: string
  readonly restartPolicy?: string
  readonly ports?: readonly {
    readonly name: string
    readonly containerPort: number
    readonly protocol: string
  }[]
  readonly env?: readonly EnvVar[]
  readonly envFrom?: readonly {
    readonly secretRef?: { readonly name: string }
    readonly configMapRef?: { readonly name: string }
  }[]
  readonly resources?: Resources
  readonly startupProbe?: Probe
  readonly readinessProbe?: Probe
  readonly livenessProbe?: Probe
  readonly lifecycle?: { readonly preStop?: { readonly sleep?: { readonly seconds: number } } }
  readonly securityContext?: {
    readonly allowPrivilegeEscalation?: boolean
    readonly readOnlyRootFilesystem?: boolean
    readonly capabilities?: { readonly drop: readonly string[] }
  }
  readonly volumeMounts?: readonly {
    readonly name: string
    readonly mountPath: string
    readonly readOnly?: boolean
  }[]
}

export interface EnvVar {
  readonly name: string
  readonly value?: string
  readonly valueFrom?: {
    readonly secretKeyRef?: { readonly name: string; readonly key: string }
    readonly configMapKeyRef?: { readonly name: string; readonly key: string }
  }
}

interface Probe {
  readonly httpGet?: { readonly path: string; readonly port: string }
  readonly periodSeconds?: number
  readonly timeoutSeconds?: number
  readonly failureThreshold?: number
}

export interface ContainerStatus {
  readonly name: string
  readonly image?: string
  /** `containerd://…`: another one each time that it is started. */
  readonly containerID?: string
  readonly restartCount?: number
  /** Its startup probe has passed. */
  readonly started?: boolean
  readonly state?: ContainerState
  readonly lastState?: ContainerState
}

interface ContainerState {
  readonly running?: { readonly startedAt?: string }
  readonly waiting?: { readonly reason?: string; readonly message?: string }
  readonly terminated?: {
    readonly exitCode?: number
    readonly reason?: string
    readonly message?: string
    readonly finishedAt?: string
  }
}

export interface Event extends KubernetesObject {
  readonly type?: string
  readonly count?: number
  readonly series?: { readonly count?: number; readonly lastObservedTime?: string } | null
  readonly reason?: string
  readonly message?: string
  readonly involvedObject?: { readonly kind?: string; readonly name?: string }
  readonly lastTimestamp?: string | null
  readonly eventTime?: string | null
}

export interface Service extends KubernetesObject {
  readonly spec?: {
    readonly type?: string
    readonly clusterIP?: string
    readonly selector?: Labels
    readonly ports?: readonly {
      readonly name: string
      readonly port: number
      readonly targetPort: string
      readonly protocol: string
      readonly nodePort?: number
    }[]
  }
  readonly status?: {
    readonly loadBalancer?: {
      readonly ingress?: readonly { readonly hostname?: string; readonly ip?: string }[]
    }
  }
}

export interface ServiceAccount extends KubernetesObject {
  readonly automountServiceAccountToken: boolean
  readonly imagePullSecrets?: readonly { readonly name: string }[]
}

export interface NetworkPolicy extends KubernetesObject {
  readonly spec: {
    readonly podSelector: LabelSelector
    readonly policyTypes: readonly string[]
    readonly ingress: readonly {
      readonly ports: readonly { readonly port: string; readonly protocol: string }[]
      readonly from?: readonly { readonly namespaceSelector: LabelSelector }[]
    }[]
  }
}

export interface PodDisruptionBudget extends KubernetesObject {
  readonly spec: {
    readonly selector: LabelSelector
    readonly maxUnavailable: number
    readonly unhealthyPodEvictionPolicy: string
  }
}

export interface HorizontalPodAutoscaler extends KubernetesObject {
  readonly spec?: {
    readonly scaleTargetRef: {
      readonly apiVersion: string
      readonly kind: string
      readonly name: string
    }
    readonly minReplicas?: number
    readonly maxReplicas: number
    readonly metrics?: readonly {
      readonly type: string
      readonly resource?: {
        readonly name: string
        readonly target: { readonly type: string; readonly averageUtilization?: number }
      }
    }[]
    readonly behavior?: { readonly scaleUp?: ScalingRules; readonly scaleDown?: ScalingRules }
  }
  readonly status?: {
    readonly currentReplicas?: number
    readonly desiredReplicas?: number
    readonly lastScaleTime?: string | null
    readonly currentMetrics?:
      | readonly {
          readonly type: string
          readonly resource?: {
            readonly name: string
            readonly current: { readonly averageUtilization?: number }
          }
        }[]
      | null
    readonly conditions?: readonly Condition[]
  }
}

/** Of metrics-server, `metrics.k8s.io/v1beta1`: what a pod used, as a mean over a window. */
export interface PodMetrics extends KubernetesObject {
  /** The window's end. */
  readonly timestamp: string
  /** In Go's notation, `15.1s`. */
  readonly window: string
  readonly containers: readonly { readonly name: string; readonly usage: Amounts }[]
}

interface ScalingRules {
  readonly stabilizationWindowSeconds?: number
  readonly selectPolicy?: string
  readonly policies?: readonly {
    readonly type: string
    readonly value: number
    readonly periodSeconds: number
  }[]
}

export interface Node extends KubernetesObject {
  readonly spec?: {
    readonly unschedulable?: boolean
    readonly taints?: readonly {
      readonly key: string
      readonly value?: string
      readonly effect: string
    }[]
  }
  readonly status?: {
    readonly allocatable?: Amounts
    readonly conditions?: readonly Condition[]
    readonly addresses?: readonly { readonly type: string; readonly address: string }[]
    readonly images?: readonly { readonly names?: readonly string[] }[]
    readonly nodeInfo?: {
      readonly architecture?: string
      readonly operatingSystem?: string
      readonly kubeletVersion?: string
    }
  }
}

export interface ResourceQuota extends KubernetesObject {
  readonly spec?: { readonly scopes?: readonly string[]; readonly scopeSelector?: object }
  readonly status?: { readonly hard?: Amounts; readonly used?: Amounts }
}

export interface LimitRange extends KubernetesObject {
  readonly spec?: {
    readonly limits?: readonly {
      readonly type: string
      readonly max?: Amounts
      readonly min?: Amounts
      readonly default?: Amounts
    }[]
  }
}

export interface PersistentVolumeClaim extends KubernetesObject {
  readonly spec?: { readonly accessModes?: readonly string[] }
}

/** What a group of the API has, as discovery tells it. */
export interface ApiGroups {
  readonly groups: readonly {
    readonly name?: string
    readonly preferredVersion?: { readonly groupVersion: string }
    readonly versions: readonly { readonly groupVersion: string }[]
  }[]
}

export interface ApiResources {
  readonly resources: readonly {
    readonly name: string
    readonly kind: string
    readonly namespaced: boolean
    readonly verbs: readonly string[]
  }[]
}
