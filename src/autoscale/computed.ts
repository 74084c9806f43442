/** What comes of one metric: a count with what was measured, or why there is none. */
import type { Readiness, Tolerance } from "./resolve.ts"

export interface Computed {
  readonly replicas: number
  readonly measured: Measured
  /** In words: what was measured, and what follows. */
  readonly reason: string
}

/** As the status shows it: what the metrics really say, without what was assumed. */
export interface Measured {
  /** Percent of the request. */
  readonly utilization?: number
  /** For each replica. `undefined` where upstream shows a number that means nothing. */
  readonly averageMilli?: number | undefined
  readonly totalMilli?: number
}

/** An expected failure: no values, no such metric, a request that is not set. In words. */
export interface Uncomputed {
  readonly error: string
}

/** What a metric is judged by, besides its target. */
export interface Judgement {
  readonly tolerance: Tolerance
  readonly readiness: Readiness
}
