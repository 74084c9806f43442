/**
 * The autoscaler's specification as a person writes it: `spec` of a HorizontalPodAutoscaler in
 * autoscaling/v2, field by field, without `scaleTargetRef`, which the decision does not need. The
 * same object goes into a Kubernetes manifest, so what holds here holds there.
 *
 * Most of it may be left out; `resolve.ts` has the defaults.
 */

/** A decimal number with an optional suffix: 0.5, "500m", "2", "1e3", "512Mi". */
export type Quantity = string | number

export interface AutoscalerSpec {
  /** @default 1. With 0, and a metric of type Object or External, it scales down to nothing. */
  readonly minReplicas?: number
  readonly maxReplicas: number
  /** The metric that asks for most replicas counts. @default CPU, 80 % of the request. */
  readonly metrics?: readonly MetricSpec[]
  /**
   * How fast it may scale. Left out is not the same as empty: without it, one sync at most doubles
   * (1 → 4 → 8); with `{}`, it doubles or adds 4, whichever is more (1 → 5 → 10).
   */
  readonly behavior?: BehaviorSpec
}

export type MetricSpec =
  | { readonly type: "Resource"; readonly resource: ResourceSource }
  | { readonly type: "ContainerResource"; readonly containerResource: ContainerResourceSource }
  | { readonly type: "Pods"; readonly pods: PodsSource }
  | { readonly type: "Object"; readonly object: ObjectSource }
  | { readonly type: "External"; readonly external: ExternalSource }

export type MetricType = MetricSpec["type"]

/** What the pods use of a resource, all their containers together. */
export interface ResourceSource {
  readonly name: string
  readonly target: TargetSpec
}

/** What one container of each pod uses. */
interface ContainerResourceSource extends ResourceSource {
  readonly container: string
}

/** A number that each pod has. */
export interface PodsSource {
  readonly metric: MetricIdentifier
  readonly target: TargetSpec
}

/** A number that another object of the cluster has. */
export interface ObjectSource extends PodsSource {
  readonly describedObject: {
    readonly kind: string
    readonly name: string
    readonly apiVersion?: string
  }
}

/** Numbers from outside, added up. */
type ExternalSource = PodsSource

export interface MetricIdentifier {
  readonly name: string
  readonly selector?: { readonly matchLabels?: Readonly<Record<string, string>> }
}

/** One of the three values, by `type`. */
export interface TargetSpec {
  readonly type: "Utilization" | "AverageValue" | "Value"
  /** Percent of what was requested. Resource and ContainerResource. */
  readonly averageUtilization?: number
  /** For each replica. Any source. */
  readonly averageValue?: Quantity
  /** For all of them together. Object and External. */
  readonly value?: Quantity
}

export interface BehaviorSpec {
  readonly scaleUp?: RulesSpec
  readonly scaleDown?: RulesSpec
}

export interface RulesSpec {
  /**
   * It goes up no further than the lowest, and down no further than the highest, count recommended
   * in the last so many seconds. 0 to 3600. @default 0 up; what the controller has for all down.
   */
  readonly stabilizationWindowSeconds?: number
  /** Which policy counts: that of the largest or the smallest change, or none at all. @default Max */
  readonly selectPolicy?: "Max" | "Min" | "Disabled"
  /** @default up 4 pods or 100 % in 15 s, down 100 % in 15 s. */
  readonly policies?: readonly PolicySpec[]
  /** How far the metric may be off its target before anything happens: 0.1 is 10 %. */
  readonly tolerance?: Quantity
}

/** At most `value` pods, or percent of the pods, in the last `periodSeconds`. */
export interface PolicySpec {
  readonly type: "Pods" | "Percent"
  /** 1 or more. */
  readonly value: number
  /** 1 to 1800. */
  readonly periodSeconds: number
}

/** What is set for all autoscalers of a cluster: `--horizontal-pod-autoscaler-*` of its controller. */
export interface ControllerFlags {
  /** @default 0.1 */
  readonly tolerance?: number
  /** @default 300 */
  readonly downscaleStabilizationSeconds?: number
  /** How long after its start a pod's CPU is looked at with suspicion. @default 300 */
  readonly cpuInitializationPeriodSeconds?: number
  /** A pod that turned unready later than this after its start had been ready. @default 30 */
  readonly delayOfInitialReadinessStatusSeconds?: number
}
