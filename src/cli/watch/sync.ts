/** What the autoscaler did at a sync, and what ours says to the same. */
export interface Sync {
  /** Counted from 1. */
  readonly number: number
  readonly atMs: number
  readonly theirs: Verdict
  /** Undefined when there is no telling; `differences` says why. */
  readonly ours: (Verdict & { readonly reasons: readonly string[] }) | undefined
  /** Empty: the same replicas for the same reason, from the same use. */
  readonly differences: readonly Difference[]
}

export interface Verdict {
  readonly from: number
  readonly to: number
  /** Mean CPU use in percent of the request; undefined where there is no such metric, or no value. */
  readonly utilizationPercent: number | undefined
}

export interface Difference {
  readonly what: string
  /** Undefined: nothing that the API shows explains it. */
  readonly because: string | undefined
}
