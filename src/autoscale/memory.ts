/**
 * What an autoscaler remembers from sync to sync: a value that `decide` takes and returns, fit for
 * JSON.
 *
 * Both histories reuse the place of an old entry for a new one, and never drop any other. It looks
 * like a detail, and shows when a window grows: what was forgotten by then can't come back, and what
 * was only too old does. So the places are reused here exactly as upstream does it. They are as many
 * as the longest window has syncs.
 *
 * Upstream: stabilizeRecommendation(WithBehaviors), storeScaleEvent and markScaleEventsOutdated in
 * horizontal.go.
 */
import type { Conditions } from "./conditions.ts"
import type { Behavior, Rules } from "./resolve.ts"

export interface Memory {
  /** How many replicas each sync wanted before it was held back. */
  readonly recommendations: readonly Recommendation[]
  readonly added: readonly Change[]
  readonly removed: readonly Change[]
  readonly conditions: Conditions
  /** `status.desiredReplicas`. */
  readonly desiredReplicas: number
}

export interface Recommendation {
  readonly replicas: number
  readonly atMs: number
}

/** By how much was scaled. */
export interface Change {
  /** 1 or more. */
  readonly replicas: number
  readonly atMs: number
  /** Its place may be taken. */
  readonly spent: boolean
}

/** Of an autoscaler that has never synced. */
export const noMemory: Memory = {
  recommendations: [],
  added: [],
  removed: [],
  conditions: [],
  desiredReplicas: 0,
}

/** The first sync remembers the replicas that it finds as if it had recommended them. */
export function seed(memory: Memory, replicas: number, nowMs: number): Memory {
  if (memory.recommendations.length > 0) return memory
  return { ...memory, recommendations: [{ replicas, atMs: nowMs }] }
}

/** Only behavior asks for changes, so without it they are not remembered. */
export function rememberChange(
  memory: Memory,
  behavior: Behavior | undefined,
  from: number,
  to: number,
  nowMs: number,
): Pick<Memory, "added" | "removed"> {
  const { added, removed } = memory
  if (behavior === undefined || from === to) return { added, removed }
  const change = { replicas: Math.abs(to - from), atMs: nowMs, spent: false }
  return to > from
    ? { added: storeChange(added, change, behavior.up), removed }
    : { added, removed: storeChange(removed, change, behavior.down) }
}

function storeChange(changes: readonly Change[], change: Change, rules: Rules): readonly Change[] {
  const longestPeriodMs = Math.max(...rules.policies.map(({ periodMs }) => periodMs))
  const cutoffMs = change.atMs - longestPeriodMs
  const marked = changes.map((it) => (it.atMs < cutoffMs ? { ...it, spent: true } : it))
  return store(
    marked,
    change,
    marked.findLastIndex(({ spent }) => spent),
  )
}

/** In the place of an old item, or where there is none (-1) at the end. */
export function store<T>(list: readonly T[], item: T, place: number): readonly T[] {
  return place < 0 ? [...list, item] : list.with(place, item)
}
