/**
 * First step of a sync: is there anything to decide? A target that was scaled to nothing is left
 * alone, and one that is out of bounds is brought to the nearest bound at once. Both without a look
 * at metrics, policies or windows, which makes `minReplicas` the fastest way to scale up.
 *
 * Upstream: the first branches of reconcileAutoscaler in horizontal.go.
 */
import { type Condition, condition } from "./conditions.ts"
import type { ResolvedSpec } from "./resolve.ts"

/** What the sync comes to, whatever the metrics say. */
export interface Forced {
  readonly replicas: number
  /** As events say it. */
  readonly because: string
  readonly conditions: readonly Condition[]
  readonly reasons: readonly string[]
}

/** `undefined`: the replicas are within bounds, so that the metrics decide. */
export function checkBounds(
  replicas: number,
  { minReplicas, maxReplicas }: ResolvedSpec,
): Forced | undefined {
  if (replicas === 0 && minReplicas !== 0) {
    return {
      ...{ replicas, because: "" },
      conditions: [condition("ScalingActive", false, "ScalingDisabled")],
      reasons: ["scaled to 0 by hand, which turns autoscaling off"],
    }
  }
  if (replicas > maxReplicas) {
    return {
      replicas: maxReplicas,
      because: "Current number of replicas above Spec.MaxReplicas",
      conditions: [],
      reasons: [`${replicas} is above maxReplicas, ${maxReplicas}`],
    }
  }
  if (replicas < minReplicas) {
    return {
      replicas: minReplicas,
      because: "Current number of replicas below Spec.MinReplicas",
      conditions: [],
      reasons: [`${replicas} is below minReplicas, ${minReplicas}`],
    }
  }
  return undefined
}
