/**
 * Why our decision and the cluster's are not the same: the cases in which the API can't show what the
 * autoscaler went by. What none of them covers is not explained away.
 */
import type { Decision } from "../../autoscale/conclude.ts"
import type { Condition } from "../../kubernetes/kinds.ts"
import type { Difference, Verdict } from "./sync.ts"

/** Everything that bears on a difference. */
export interface Unlike {
  readonly theirs: Verdict
  /** Ours; undefined when there is none. */
  readonly decision: Decision | undefined
  /** The use that ours comes to, in percent. */
  readonly ours: number | undefined
  /** Of the autoscaler, after the sync. */
  readonly conditions: readonly Condition[]
  /** Why ours can't decide, when it can't. */
  readonly whyNot: string
  /** For how long the cluster had been watched. */
  readonly watchedMs: number
  /** For how long an autoscaler with this behaviour remembers. */
  readonly windowMs: number
  /** 0 unless there was a gap between this look and the one before. */
  readonly unseenMs: number
  /** Its specification changed between the two looks. */
  readonly isRespecified: boolean
}

export function explained(unlike: Unlike): readonly Difference[] {
  const { decision, whyNot, theirs } = unlike
  if (decision === undefined) {
    return [{ what: "ours says nothing", because: whyNot }]
  }
  const differences: Difference[] = []
  const isMeasuredAlike = unlike.ours === theirs.utilizationPercent
  if (!isMeasuredAlike) {
    differences.push({
      what: `the autoscaler measured ${percent(theirs.utilizationPercent)}, ours ${percent(unlike.ours)}`,
      because: whyMeasured(unlike),
    })
  }
  if (decision.replicas !== theirs.to) {
    differences.push({
      what: `the autoscaler ${outcome(theirs.from, theirs.to)}, ours ${outcome(theirs.from, decision.replicas)}`,
      because: isMeasuredAlike ? whyDecided(unlike, decision) : "it follows from what was measured",
    })
  }
  return differences
}

function whyMeasured(unlike: Unlike): string | undefined {
  const { conditions, decision, ours, theirs } = unlike
  const active = conditions.find(({ type }) => type === "ScalingActive")
  if (active?.status === "False" && theirs.utilizationPercent === undefined) {
    return `it could not measure: ${active.message ?? active.reason}`
  }
  const unseen = whyUnseen(unlike)
  if (unseen !== undefined) return unseen
  if (theirs.utilizationPercent === undefined && decision?.metrics.length === 0) return undefined
  if (ours === undefined) return `ours could not measure: ${decision?.error ?? "no metrics"}`
  return undefined
}

function whyDecided(unlike: Unlike, decision: Decision): string | undefined {
  const { watchedMs, windowMs } = unlike
  const unseen = whyUnseen(unlike)
  if (unseen !== undefined) return unseen
  if (watchedMs > windowMs) return undefined
  const theirs = heldBy(unlike.conditions)
  const ours = heldBy(decision.conditions)
  if (theirs === undefined && ours === undefined) return undefined
  const who = theirs === undefined ? "ours" : "it"
  return `${who} is held back by what was asked for before (${theirs ?? ours}); this watch has seen ${Math.round(watchedMs / 1000)} s of the ${Math.round(windowMs / 1000)} s that count`
}

/** What rests on memory: windows and policies, and neither the bounds nor the metrics. */
function heldBy(
  conditions: readonly { readonly status: string; readonly reason?: string }[],
): string | undefined {
  const memory = ["ScaleDownStabilized", "ScaleUpStabilized", "ScaleUpLimit", "ScaleDownLimit"]
  return conditions.find(({ reason = "" }) => memory.includes(reason))?.reason
}

function whyUnseen({ unseenMs, isRespecified }: Unlike): string | undefined {
  if (unseenMs > 0) {
    return `the API was away for ${Math.round(unseenMs / 1000)} s, and the sync was in that time`
  }
  return isRespecified ? "its settings changed within the same second" : undefined
}

function percent(value: number | undefined): string {
  return value === undefined ? "no use" : `${value} %`
}

function outcome(from: number, to: number): string {
  return from === to ? `held ${from}` : `went ${from} → ${to}`
}
