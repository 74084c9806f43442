/**
 * Third step of a sync: recent recommendations hold a new one back, so that replicas are not taken
 * away in every dip and, where a window says so, not added for every peak.
 *
 * What is remembered is what the metrics asked for, not what came out of this.
 *
 * Upstream: stabilizeRecommendation and stabilizeRecommendationWithBehaviors in horizontal.go.
 */
import { type Condition, condition } from "./conditions.ts"
import { type Recommendation, store } from "./memory.ts"
import type { Behavior, ResolvedSpec } from "./resolve.ts"
import { secondsText } from "./wording.ts"

export interface Stabilised {
  readonly replicas: number
  readonly recommendations: readonly Recommendation[]
  readonly conditions: readonly Condition[]
  readonly reasons: readonly string[]
}

/** @param asked what the metrics ask for. @param current how many there are. */
export function stabilise(
  asked: number,
  current: number,
  { behavior, downscaleStabilizationMs }: ResolvedSpec,
  recommendations: readonly Recommendation[],
  nowMs: number,
): Stabilised {
  const recommendation = { replicas: asked, atMs: nowMs }
  return behavior === undefined
    ? byHighest(recommendation, downscaleStabilizationMs, recommendations)
    : byWindows(recommendation, current, behavior, recommendations)
}

/** Without behavior: the highest of the window, both its ends included. */
function byHighest(
  asked: Recommendation,
  windowMs: number,
  recommendations: readonly Recommendation[],
): Stabilised {
  const cutoffMs = asked.atMs - windowMs
  let highest = asked.replicas
  let lastOld = -1
  for (let i = 0; i < recommendations.length; i++) {
    const { replicas, atMs } = recommendations[i]!
    if (atMs < cutoffMs) lastOld = i
    else highest = Math.max(highest, replicas)
  }
  const held = highest === asked.replicas ? undefined : heldDown(windowMs, highest, highest)
  return toStabilised(highest, store(recommendations, asked, lastOld), held)
}

/**
 * With behavior: no further up than the lowest of the one window, no further down than the highest
 * of the other. Windows are open at their old end, so that one of 0 s is empty.
 */
function byWindows(
  asked: Recommendation,
  current: number,
  { up, down }: Behavior,
  recommendations: readonly Recommendation[],
): Stabilised {
  const upCutoffMs = asked.atMs - up.stabilizationWindowMs
  const downCutoffMs = asked.atMs - down.stabilizationWindowMs
  let lowest = asked.replicas
  let highest = asked.replicas
  let lastOld = -1
  for (let i = 0; i < recommendations.length; i++) {
    const { replicas, atMs } = recommendations[i]!
    if (atMs > upCutoffMs) lowest = Math.min(lowest, replicas)
    if (atMs > downCutoffMs) highest = Math.max(highest, replicas)
    if (atMs < upCutoffMs && atMs < downCutoffMs) lastOld = i
  }
  const replicas = Math.min(Math.max(current, lowest), highest)
  const isUp = asked.replicas >= current
  let held: Held | undefined
  if (replicas !== asked.replicas) {
    held = isUp
      ? heldUp(up.stabilizationWindowMs, lowest, replicas)
      : heldDown(down.stabilizationWindowMs, highest, replicas)
  }
  return toStabilised(replicas, store(recommendations, asked, lastOld), held)
}

/** What holds a recommendation back. */
interface Held {
  readonly name: "ScaleUpStabilized" | "ScaleDownStabilized"
  readonly reason: string
}

function heldUp(windowMs: number, lowest: number, replicas: number): Held {
  const reason = `${lowest} was asked for in the last ${secondsText(windowMs)}: no more than ${replicas}`
  return { name: "ScaleUpStabilized", reason }
}

function heldDown(windowMs: number, highest: number, replicas: number): Held {
  const reason = `${highest} was asked for in the last ${secondsText(windowMs)}: no fewer than ${replicas}`
  return { name: "ScaleDownStabilized", reason }
}

function toStabilised(
  replicas: number,
  recommendations: readonly Recommendation[],
  held: Held | undefined,
): Stabilised {
  return {
    replicas,
    recommendations,
    conditions: [condition("AbleToScale", true, held?.name ?? "ReadyForNewScale")],
    reasons: held === undefined ? [] : [held.reason],
  }
}
