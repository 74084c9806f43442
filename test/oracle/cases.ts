/** Cases and answers as the oracle writes them: a JSON object a line, seconds and thousandths. */
import type { AutoscalerSpec, ControllerFlags, MetricType } from "../../src/autoscale/spec.ts"
import type { ClusterModel } from "../../src/plan/model.ts"
import type { Seen } from "../../src/plan/view.ts"

/** One metric, one moment. */
export interface ReplicasCase {
  readonly id: string
  readonly metric: CaseMetric
  readonly currentReplicas: number
  readonly statusReplicas?: number
  readonly tolerance?: { readonly up: number; readonly down: number }
  readonly cpuInitializationPeriodSeconds?: number
  readonly delayOfInitialReadinessStatusSeconds?: number
  readonly now: number
  readonly pods: readonly CasePod[]
}

export interface CaseMetric {
  readonly source: MetricType
  readonly resource?: string
  readonly container?: string
  readonly targetUtilization?: number
  readonly targetAverageValueMilli?: number
  readonly targetValueMilli?: number
  readonly valuesMilli?: readonly number[]
}

export interface CasePod {
  readonly name?: string
  readonly phase: "Pending" | "Running" | "Succeeded" | "Failed" | "Unknown"
  readonly deleted?: boolean
  readonly gone?: boolean
  readonly ready: boolean | null
  readonly readyTransitionAt: number
  readonly startedAt: number | null
  readonly containers: readonly {
    readonly name: string
    readonly requestMilli: number | null
    readonly usageMilli: number | null
  }[]
  readonly metricMilli?: number | null
  readonly sampleAt: number | null
  readonly windowSeconds?: number
}

export interface ReplicasAnswer {
  readonly id: string
  readonly replicas: number
  readonly utilization?: number
  readonly usage?: number
  readonly error?: string
}

/** A series of syncs, 15 s apart. */
export interface ControllerCase {
  readonly id: string
  readonly hpa: AutoscalerSpec
  readonly flags?: ControllerFlags
  readonly initialReplicas: number
  readonly syncTakesMs?: number
  readonly steps?: readonly CaseStep[]
  readonly follow?: ClusterModel
  readonly output?: "replicas"
}

/** What is left out stays as it was. */
export interface CaseStep {
  readonly pods?: readonly CasePod[]
  readonly external?: Readonly<Record<string, readonly number[]>>
  readonly object?: Readonly<Record<string, number>>
  readonly statusReplicas?: number
  readonly setReplicas?: number
  readonly setMinReplicas?: number
  readonly setMaxReplicas?: number
}

export interface ControllerAnswer {
  readonly id: string
  readonly invalid?: string
  readonly replicas?: readonly number[]
  readonly syncs?: readonly AnsweredSync[]
}

export interface AnsweredSync {
  readonly t: number
  readonly currentReplicas: number
  readonly desiredReplicas: number
  readonly replicas: number
  readonly conditions: readonly (readonly [type: string, status: string, reason: string])[]
  readonly metrics?: readonly AnsweredMetric[]
  readonly events?: readonly (readonly [type: string, reason: string, message: string])[]
  readonly error?: string
  readonly seen?: Seen
}

export interface AnsweredMetric {
  readonly type: string
  readonly utilization?: number
  readonly averageValueMilli?: number
  readonly valueMilli?: number
}
