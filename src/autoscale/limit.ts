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
  const { behavior, minReplicas, maxReplicas } = spec
  if (behavior === undefined) return limitByFixedRate(wanted, current, spec)
  if (wanted > current) {
    const rate = mostAllowed(current, behavior.up, memory, nowMs)
    if (wanted <= Math.min(rate, maxReplicas)) return free(wanted)
    if (rate >= maxReplicas) return tooMany(maxReplicas)
    return limited("ScaleUpLimit", rate, `the policies allow ${rate} for now`)
  }
  if (wanted < current) {
    const rate = fewestAllowed(current, behavior.down, memory, nowMs)
    if (wanted >= Math.max(rate, minReplicas)) return free(wanted)
    if (rate <= minReplicas) return tooFew(minReplicas)
    return limited("ScaleDownLimit", rate, `the policies keep ${rate} for now`)
  }
  return free(wanted)
}

/** Without behavior. Here both bounds have a say, whatever the direction. */
function limitByFixedRate(
  wanted: number,
  current: number,
  { minReplicas, maxReplicas }: ResolvedSpec,
): Limited {
  const rate = toCount(Math.max(2 * current, 4))
  if (wanted < minReplicas) return tooFew(minReplicas)
  if (wanted <= Math.min(rate, maxReplicas)) return free(wanted)
  if (rate >= maxReplicas) return tooMany(maxReplicas)
  return limited("ScaleUpLimit", rate, `one sync takes ${current} to ${rate} at most`)
}

function free(wanted: number): Limited {
  return {
    replicas: wanted,
    conditions: [condition("ScalingLimited", false, "DesiredWithinRange")],
    reasons: [],
  }
}

function tooMany(maxReplicas: number): Limited {
  return limited("TooManyReplicas", maxReplicas, `maxReplicas is ${maxReplicas}`)
}

function tooFew(minReplicas: number): Limited {
  return limited("TooFewReplicas", minReplicas, `minReplicas is ${minReplicas}`)
}

function limited(name: string, replicas: number, reason: string): Limited {
  return { replicas, conditions: [condition("ScalingLimited", true, name)], reasons: [reason] }
}
