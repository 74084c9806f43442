/**
 * What an autoscaler sees at one sync: the scale of its target, the pods, and their metrics.
 *
 * Amounts are thousandths: of a core, of a byte of memory, of any other unit. Times are milliseconds
 * on any axis, as long as it is that of the sync's `nowMs`.
 */

export interface Observed {
  /** As was asked for: `spec.replicas`. */
  readonly replicas: number
  /** As there are: `status.replicas`. Average values of Object and External are measured by it. */
  readonly statusReplicas: number
  readonly pods: readonly Pod[]
  /** Object metrics by name. One that is not there could not be fetched. */
  readonly objectMilli: Readonly<Record<string, number>>
  /** External metrics by name. One that is not there, or is empty, could not be fetched. */
  readonly externalMilli: Readonly<Record<string, readonly number[]>>
}

export interface Pod {
  readonly name: string
  readonly phase: "Pending" | "Running" | "Succeeded" | "Failed" | "Unknown"
  /** It is on its way out: it has a deletion timestamp. */
  readonly deleted: boolean
  /** The metrics still show it, the list of pods no longer does. */
  readonly gone: boolean
  readonly startedAtMs: number | undefined
  /** Its condition Ready, once it has one. */
  readonly ready: ReadyCondition | undefined
  /** Restartable init containers among them. */
  readonly containers: readonly Container[]
  /** When its resources were last measured. None: the metrics do not show it. */
  readonly sample: Sample | undefined
  /** Its values of Pods metrics, by name. */
  readonly metricsMilli: Readonly<Record<string, number>>
}

export interface ReadyCondition {
  readonly status: boolean
  /** Since when it is what it is. */
  readonly sinceMs: number
}

export interface Container {
  readonly name: string
  /** By resource: cpu, memory. */
  readonly requestsMilli: Readonly<Record<string, number>>
  readonly usageMilli: Readonly<Record<string, number>>
}

/** Usage is the mean over a window that ends at a point in time. */
export interface Sample {
  readonly atMs: number
  readonly windowMs: number
}
