/**
 * Fifth step of a sync: what is said of it, and what is remembered. Takes it that the scaling
 * succeeds.
 *
 * Upstream: the end of reconcileAutoscaler, setStatus and storeScaleEvent in horizontal.go.
 */
import { type Condition, type Conditions, condition, withConditions } from "./conditions.ts"
import { type Memory, rememberChange } from "./memory.ts"
import { failureReason, type MetricStatus } from "./propose.ts"
import type { ResolvedSpec } from "./resolve.ts"

/** What a sync decides. */
export interface Decision {
  /** How many replicas there should be from now on. */
  readonly replicas: number
  /** For the next sync. */
  readonly memory: Memory
  readonly conditions: Conditions
  /** What each metric came to. Empty when none was looked at. */
  readonly metrics: readonly MetricStatus[]
  /** As upstream announces them. */
  readonly events: readonly AutoscalerEvent[]
  /** For people: what came of it, and step by step why. */
  readonly reasons: readonly string[]
  /** A metric failed. It may have scaled all the same. */
  readonly error: string | undefined
}

interface AutoscalerEvent {
  readonly type: "Normal" | "Warning"
  readonly reason: string
  readonly message: string
}

/** The sync that comes to its end. */
export interface Sync {
  /** How many replicas there were. */
  readonly current: number
  readonly spec: ResolvedSpec
  readonly memory: Memory
  readonly nowMs: number
}

export interface Conclusion {
  /** `undefined`: nothing could be decided, so nothing changes. */
  readonly replicas: number | undefined
  /** As events say it. */
  readonly because: string
  readonly metrics: readonly MetricStatus[]
  /** The steps that were taken, in their order. */
  readonly steps: readonly Step[]
}

/** What every step leaves behind. */
interface Step {
  readonly conditions: readonly Condition[]
  readonly reasons: readonly string[]
}

export function conclude(sync: Sync, { replicas, because, metrics, steps }: Conclusion): Decision {
  const { current, spec, memory, nowMs } = sync
  const to = replicas ?? current
  const said = [gotScale]
  const reasons: string[] = []
  for (const step of steps) {
    for (const it of step.conditions) said.push(it)
    for (const it of step.reasons) reasons.push(it)
  }
  if (to !== current) said.push(rescaled)
  const conditions = withConditions(memory.conditions, said)
  const failed = metrics.filter(({ error }) => error !== undefined)
  const { added, removed } = rememberChange(memory, spec.behavior, current, to, nowMs)
  return {
    replicas: to,
    memory: {
      recommendations: memory.recommendations,
      added,
      removed,
      conditions,
      desiredReplicas: replicas ?? memory.desiredReplicas,
    },
    conditions,
    metrics,
    events: eventsOf(current, replicas, because, failed),
    reasons: withOutcome(current, to, reasons),
    error: errorOf(metrics.length, failed),
  }
}

const gotScale = condition("AbleToScale", true, "SucceededGetScale")
const rescaled = condition("AbleToScale", true, "SucceededRescale")

function eventsOf(
  current: number,
  replicas: number | undefined,
  because: string,
  failed: readonly MetricStatus[],
): readonly AutoscalerEvent[] {
  const events = failed.map(({ type, error = "" }) => warning(failureReason(type), error))
  if (replicas === undefined) {
    events.push(warning("FailedComputeMetricsReplicas", failed[0]?.error ?? ""))
  } else if (replicas !== current) {
    const message = `New size: ${replicas}; reason: ${because}`
    events.push({ type: "Normal", reason: "SuccessfulRescale", message })
  }
  return events
}

function warning(reason: string, message: string): AutoscalerEvent {
  return { type: "Warning", reason, message }
}

function errorOf(all: number, failed: readonly MetricStatus[]): string | undefined {
  if (failed.length === 0) return undefined
  return `${failed.length} of ${all} metrics failed, the first because ${failed[0]?.error}`
}

/** "held: cpu at 52 % is within 10 % of 50 %". */
function withOutcome(current: number, replicas: number, reasons: string[]): readonly string[] {
  const outcome = replicas === current ? "held" : `${current} → ${replicas}`
  reasons[0] = `${outcome}: ${reasons[0]}`
  return reasons
}
