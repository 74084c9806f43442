/**
 * How many replicas the policies of a behavior allow. A policy looks at how many there were when its
 * period began: now, less what was added since, and what was removed since. So what the bounds
 * forced counts against it, and what a person did by hand does not.
 *
 * Upstream: calculateScaleUpLimitWithScalingRules, calculateScaleDownLimitWithBehaviors and
 * getReplicasChangePerPeriod in horizontal.go.
 */
import { toCount, wrapCount } from "./integers.ts"
import type { Change, Memory } from "./memory.ts"
import type { Policy, Rules } from "./resolve.ts"

/** Never below `current`: additions of before may have used up all that is allowed. */
export function mostAllowed(current: number, rules: Rules, memory: Changes, nowMs: number): number {
  if (rules.selectPolicy === "Disabled") return current
  const limits = rules.policies.map((policy) =>
    raise(countAtStart(current, policy, memory, nowMs), policy),
  )
  const limit = rules.selectPolicy === "Min" ? Math.min(...limits) : Math.max(...limits)
  return Math.max(limit, current)
}

/** Never above `current`. */
export function fewestAllowed(
  current: number,
  rules: Rules,
  memory: Changes,
  nowMs: number,
): number {
  if (rules.selectPolicy === "Disabled") return current
  const limits = rules.policies.map((policy) =>
    lower(countAtStart(current, policy, memory, nowMs), policy),
  )
  // The smallest change is the highest count that it leaves.
  const limit = rules.selectPolicy === "Min" ? Math.max(...limits) : Math.min(...limits)
  return Math.min(limit, current)
}

type Changes = Pick<Memory, "added" | "removed">

function countAtStart(current: number, policy: Policy, memory: Changes, nowMs: number): number {
  const cutoffMs = nowMs - policy.periodMs
  const added = changedSince(cutoffMs, memory.added)
  const removed = changedSince(cutoffMs, memory.removed)
  return wrapCount(current - added + removed)
}

/** The period is open at its old end. */
function changedSince(cutoffMs: number, changes: readonly Change[]): number {
  let sum = 0
  for (const { replicas, atMs } of changes) if (atMs > cutoffMs) sum += replicas
  return sum
}

/** Percents round up, or one replica could never become two. */
function raise(count: number, { type, value }: Policy): number {
  return type === "Pods" ? wrapCount(count + value) : toCount(Math.ceil(count * (1 + value / 100)))
}

function lower(count: number, { type, value }: Policy): number {
  return type === "Pods" ? wrapCount(count - value) : toCount(count * (1 - value / 100))
}
