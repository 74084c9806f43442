/**
 * Our own decision beside the cluster's autoscaler, sync by sync.
 *
 * The API does not announce syncs, but what they leave behind: a sync that measures or decides
 * anything new changes the autoscaler's status. So when its status is another than at the last look,
 * there was a sync in between, and what it saw is what one of the two looks shows, or a mixture: a
 * measurement or a pod may have come just before it or just after. Nor does a status appear the moment
 * that something was measured: meanwhile there may have been looks that show the next measurement, and
 * not yet the status. So the measurements of the last few looks count as well. Our decision is made
 * from each of them, and counts as the same if one comes to the same use and replicas. A sync that
 * leaves everything as it was can't be seen; one is taken to have been there every 15 s, so that ours
 * remembers what the autoscaler does. When such a sync was, is a guess: a difference is none until a
 * whole interval has passed without a trace.
 *
 * What the autoscaler remembers from before the first look can't be seen at all. Until the longest of
 * its windows has passed, that may be the difference, and is said to be.
 */
import type { Decision } from "../../autoscale/conclude.ts"
import type { ConditionType } from "../../autoscale/conditions.ts"
import { decide } from "../../autoscale/decide.ts"
import { type Memory, noMemory, rememberChange } from "../../autoscale/memory.ts"
import type { Observed } from "../../autoscale/observed.ts"
import { type ResolvedSpec, resolveSpec } from "../../autoscale/resolve.ts"
import { SpecError } from "../../autoscale/validate.ts"
import type { HorizontalPodAutoscaler } from "../../kubernetes/kinds.ts"
import { type Look, timeMs } from "../../kubernetes/watch/look.ts"
import { explained, type Unlike } from "./explain.ts"
import { observedOf, specOf } from "./observed.ts"
import type { Difference, Sync, Verdict } from "./sync.ts"

/** The controller's, unless it was set otherwise; there is no way to ask. */
const syncEveryMs = 15_000
/** So much later than due, an unchanged status means a sync that changed nothing. */
const marginMs = 2_000
/** Looks further apart than this leave too much unseen between them. */
const gapMs = 5_000
const nothingOtherwise = { replicas: 0, times: 0 }

export class Shadow {
  #number = 0
  /** The looks that a sync seen only now may have gone by, the newest first; one at the least. */
  #recent: readonly Seen[] = []
  #memory: Memory = noMemory
  #sinceMs = 0
  #syncedMs = 0
  /** What ours said otherwise of syncs that left no trace, and of how many in a row. */
  #otherwise = nothingOtherwise

  /** What ours would do now, were this a sync. Undefined where there is no autoscaler. */
  now(look: Look): Decision | string | undefined {
    const seen = seenOf(look)
    if (seen === undefined) return undefined
    if (typeof seen.spec === "string") return seen.spec
    if (seen.look.metrics === undefined) return "the metrics can't be read"
    return decide(observedOf(seen.look, seen.look.metrics), seen.spec, this.#memory, look.atMs)
  }

  /** Until when the autoscaler may act on what was before the first look; in milliseconds since 1970. */
  get blindUntilMs(): number {
    const spec = this.#recent[0]?.spec
    return this.#sinceMs + (spec === undefined || typeof spec === "string" ? 0 : windowMs(spec))
  }

  /** A look later than the last; answers with the sync that there was in between, if any. */
  take(look: Look): Sync | undefined {
    const now = seenOf(look)
    const recent = this.#recent
    const [before] = recent
    if (now === undefined || before === undefined || before.uid !== now.uid) {
      this.#recent = now === undefined ? [] : [now]
      if (now !== undefined) this.#begin(now)
      return undefined
    }
    this.#recent = [now, ...recent.filter((seen) => look.atMs - seen.look.atMs <= gapMs)]
    if (before.status !== now.status) return this.#seen(before, now)
    const dueMs = this.#syncedMs + syncEveryMs
    return look.atMs < dueMs + marginMs ? undefined : this.#unseen(now, dueMs)
  }

  #begin({ look, autoscaler }: Seen): void {
    const { conditions = [], desiredReplicas = 0 } = autoscaler.status ?? {}
    this.#sinceMs = look.atMs
    this.#syncedMs = look.atMs
    this.#memory = {
      ...noMemory,
      conditions: conditions.map(({ type, status, reason = "" }) => ({
        type: type as ConditionType,
        status: status === "True" ? "True" : "False",
        reason,
      })),
      desiredReplicas,
    }
  }

  /** The status tells of a sync. */
  #seen(before: Seen, now: Seen): Sync {
    this.#otherwise = nothingOtherwise
    const atMs = now.syncedAtMs ?? now.look.atMs
    this.#syncedMs = atMs
    const theirs = verdictOf(before, now)
    const decisions = this.#candidates(now, theirs.from).map((observed) =>
      decide(observed, now.spec as ResolvedSpec, this.#memory, atMs),
    )
    const same = (decision: Decision): boolean =>
      decision.replicas === theirs.to && utilizationOf(decision) === theirs.utilizationPercent
    const decision =
      decisions.find(same) ??
      decisions.find((each) => utilizationOf(each) === theirs.utilizationPercent) ??
      decisions[0]
    const differences = explained(this.#unlike(theirs, decision, now, before, atMs))
    if (decision !== undefined) this.#remember(decision, now.spec as ResolvedSpec, theirs, atMs)
    return this.#sync(atMs, theirs, decision, differences)
  }

  /** A sync is due and left no trace, if there was one: then it decided what it had decided before. */
  #unseen(now: Seen, atMs: number): Sync | undefined {
    this.#syncedMs = atMs
    const replicas = now.look.deployment?.spec?.replicas ?? 0
    const theirs: Verdict = {
      from: replicas,
      to: replicas,
      utilizationPercent: usedOf(now.autoscaler),
    }
    const decisions = this.#candidates(now, replicas)
      .map((observed) => decide(observed, now.spec as ResolvedSpec, this.#memory, atMs))
      // It has not seen what we see; ours is to remember nothing that theirs can't.
      .filter((decision) => utilizationOf(decision) === theirs.utilizationPercent)
    const decision = decisions.find((each) => each.replicas === replicas) ?? decisions[0]
    if (decision === undefined) return undefined
    const times = this.#timesOtherwise(decision.replicas, replicas)
    if (times === 1) return undefined
    this.#remember(decision, now.spec as ResolvedSpec, theirs, atMs)
    if (times !== 2) return undefined
    const differences = explained(this.#unlike(theirs, decision, now, now, atMs))
    return this.#sync(atMs, theirs, decision, differences)
  }

  #sync(
    atMs: number,
    theirs: Verdict,
    decision: Decision | undefined,
    differences: readonly Difference[],
  ): Sync {
    this.#number += 1
    return {
      number: this.#number,
      atMs,
      theirs,
      ours: decision && {
        from: theirs.from,
        to: decision.replicas,
        utilizationPercent: utilizationOf(decision),
        reasons: decision.reasons,
      },
      differences,
    }
  }

  /**
   * In how many syncs in a row ours wanted these replicas, and theirs did nothing. Only at the second
   * is that certain: the first may have come later than it was due, or have seen less than we see.
   */
  #timesOtherwise(ours: number, theirs: number): number {
    const { replicas, times } = this.#otherwise
    this.#otherwise =
      ours === theirs
        ? nothingOtherwise
        : { replicas: ours, times: ours === replicas ? times + 1 : 1 }
    return this.#otherwise.times
  }

  /** What the sync may have seen, the likeliest first; nothing where there is no telling. */
  #candidates(now: Seen, replicas: number): readonly Observed[] {
    if (typeof now.spec === "string") return []
    const recent = this.#recent
    const [, before = now] = recent
    const pairs = [
      [before, before] as const,
      [now, now] as const,
      ...recent.flatMap((seen) => recent.map((measured) => [seen, measured] as const)),
    ]
    return pairs.flatMap(([seen, measured]) =>
      measured.look.metrics === undefined
        ? []
        : [{ ...observedOf(seen.look, measured.look.metrics), replicas }],
    )
  }

  #unlike(
    theirs: Verdict,
    decision: Decision | undefined,
    now: Seen,
    before: Seen,
    atMs: number,
  ): Unlike {
    const spec = typeof now.spec === "string" ? undefined : now.spec
    return {
      theirs,
      decision,
      ours: decision && utilizationOf(decision),
      conditions: now.autoscaler.status?.conditions ?? [],
      whyNot: typeof now.spec === "string" ? now.spec : "the metrics could not be read here",
      watchedMs: atMs - this.#sinceMs,
      windowMs: spec === undefined ? 0 : windowMs(spec),
      unseenMs: now.look.atMs - before.look.atMs > gapMs ? now.look.atMs - before.look.atMs : 0,
      isRespecified: JSON.stringify(before.autoscaler.spec) !== JSON.stringify(now.autoscaler.spec),
    }
  }

  /** What ours asked for, and what theirs did: it is the cluster that is being followed. */
  #remember(decision: Decision, spec: ResolvedSpec, { from, to }: Verdict, atMs: number): void {
    const { recommendations } = decision.memory
    // It went below what ours took to have been asked for: that was a guess, and was wrong.
    const isDisproved = to < decision.replicas
    this.#memory = {
      ...decision.memory,
      recommendations: isDisproved
        ? recommendations.map((each) => ({ ...each, replicas: Math.min(each.replicas, to) }))
        : recommendations,
      ...rememberChange(this.#memory, spec.behavior, from, to, atMs),
      desiredReplicas: to,
    }
  }
}

/** A look at which there was an autoscaler. */
interface Seen {
  readonly look: Look
  readonly autoscaler: HorizontalPodAutoscaler
  readonly uid: string
  readonly status: string
  /** Undefined where its managed fields do not say. */
  readonly syncedAtMs: number | undefined
  /** Or why ours can't decide by it. */
  readonly spec: ResolvedSpec | string
}

function seenOf(look: Look): Seen | undefined {
  const { autoscaler } = look
  if (autoscaler === undefined) return undefined
  const written = autoscaler.metadata?.managedFields?.findLast(
    ({ subresource }) => subresource === "status",
  )
  return {
    look,
    autoscaler,
    uid: autoscaler.metadata?.uid ?? "",
    status: JSON.stringify(autoscaler.status),
    syncedAtMs: timeMs(written?.time),
    spec: resolved(autoscaler),
  }
}

function resolved(autoscaler: HorizontalPodAutoscaler): ResolvedSpec | string {
  const foreign = (autoscaler.spec?.metrics ?? []).filter(
    ({ type }) => type !== "Resource" && type !== "ContainerResource",
  )
  if (foreign.length > 0) {
    return `it goes by ${foreign.map(({ type }) => type).join(" and ")} metrics, which only the autoscaler can read`
  }
  try {
    return resolveSpec(specOf(autoscaler))
  } catch (error) {
    if (error instanceof SpecError) return error.message
    throw error
  }
}

/** The longest that anything is remembered. */
function windowMs({ behavior, downscaleStabilizationMs }: ResolvedSpec): number {
  if (behavior === undefined) return downscaleStabilizationMs
  return Math.max(
    ...[behavior.up, behavior.down].flatMap(({ stabilizationWindowMs, policies }) => [
      stabilizationWindowMs,
      ...policies.map(({ periodMs }) => periodMs),
    ]),
  )
}

/** What the status says that the sync between them did. */
function verdictOf(before: Seen, { autoscaler }: Seen): Verdict {
  const { status = {} } = autoscaler
  const { currentReplicas: from = 0, desiredReplicas = from, conditions } = status
  const active = conditions?.find(({ type }) => type === "ScalingActive")
  const isScaled = status.lastScaleTime !== before.autoscaler.status?.lastScaleTime
  // Where nothing could be measured, what is desired is what was desired before.
  const isBlind = active?.status === "False" && !isScaled
  return { from, to: isBlind ? from : desiredReplicas, utilizationPercent: usedOf(autoscaler) }
}

function usedOf({ status }: HorizontalPodAutoscaler): number | undefined {
  return status?.currentMetrics?.find(({ resource }) => resource?.name === "cpu")?.resource?.current
    .averageUtilization
}

/** Of the CPU, as the status would show it. */
export function utilizationOf({ metrics }: Decision): number | undefined {
  return metrics.find(({ type, name }) => type === "Resource" && name === "cpu")?.utilization
}
