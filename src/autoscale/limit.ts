/**
 * Fourth step of a sync: how far this one may go. A rate, that of the policies or without behavior a
 * fixed one, and the bounds; the tighter of the two is named.
 *
 * Upstream: convertDesiredReplicasWithRules, calculateScaleUpLimit and
 * convertDesiredReplicasWithBehaviorRate in horizontal.go.
 */
import { type Condition, condition } from "./conditions.ts"
import { toCount } from "./integers.ts"
import type { Memory } from "./memory.ts"
import { fewestAllowed, mostAllowed } from "./policies.ts"
import type { ResolvedSpec } from "./resolve.ts"

export interface Limited {
  readonly replicas: number
  readonly conditions: readonly Condition[]
  readonly reasons: readonly string[]
}

/** @param wanted what stabilising left. @param current how many there are. */
export function limit(
  wanted: number,
  current: number,
  spec: ResolvedSpec,
  memory: Memory,
  nowMs: number,
): Limited {
  const [ceiling, floor] = boundsOfSync(wanted, current, spec, memory, nowMs)
  if (floor !== undefined && wanted < floor.replicas) return limited(floor)
  if (ceiling !== undefined && wanted > ceiling.replicas) return limited(ceiling)
  return {
    replicas: wanted,
    conditions: [condition("ScalingLimited", false, "DesiredWithinRange")],
    reasons: [],
  }
}

interface Bound {
  readonly replicas: number
  /** Upstream's name for it. */
  readonly name: "ScaleUpLimit" | "TooManyReplicas" | "ScaleDownLimit" | "TooFewReplicas"
  readonly reason: string
}

/** A rate has a say in its own direction only; without behavior the bounds have one in both. */
function boundsOfSync(
  wanted: number,
  current: number,
  { behavior, minReplicas, maxReplicas }: ResolvedSpec,
  memory: Memory,
  nowMs: number,
): readonly [ceiling?: Bound | undefined, floor?: Bound | undefined] {
  if (behavior === undefined) {
    const rate = toCount(Math.max(2 * current, 4))
    return [
      ceilingOf(rate, maxReplicas, `one sync takes ${current} to ${rate} at most`),
      floorOf(undefined, minReplicas, ""),
    ]
  }
  if (wanted > current) {
    const rate = mostAllowed(current, behavior.up, memory, nowMs)
    return [ceilingOf(rate, maxReplicas, `the policies allow ${rate} for now`)]
  }
  if (wanted < current) {
    const rate = fewestAllowed(current, behavior.down, memory, nowMs)
    return [undefined, floorOf(rate, minReplicas, `the policies keep ${rate} for now`)]
  }
  return []
}

function ceilingOf(rate: number, maxReplicas: number, reason: string): Bound {
  return rate < maxReplicas
    ? { replicas: rate, name: "ScaleUpLimit", reason }
    : { replicas: maxReplicas, name: "TooManyReplicas", reason: `maxReplicas is ${maxReplicas}` }
}

function floorOf(rate: number | undefined, minReplicas: number, reason: string): Bound {
  return rate !== undefined && rate > minReplicas
    ? { replicas: rate, name: "ScaleDownLimit", reason }
    : { replicas: minReplicas, name: "TooFewReplicas", reason: `minReplicas is ${minReplicas}` }
}

function limited({ replicas, name, reason }: Bound): Limited {
  return {
    replicas,
    conditions: [condition("ScalingLimited", true, name)],
    reasons: [reason],
  }
}
