/** All that is known of a watched deployment at one moment, as plain data: for screen, page and scripts. */
import type { Decision } from "../../autoscale/conclude.ts"
import { isReady, revisionOf, select } from "../../kubernetes/cluster/observe.ts"
import { progressOf } from "../../kubernetes/cluster/rollout.ts"
import { troubleOf } from "../../kubernetes/cluster/trouble.ts"
import type { HorizontalPodAutoscaler } from "../../kubernetes/kinds.ts"
import { milliCpu } from "../../kubernetes/quantity.ts"
import { type Blind, type Look, timeMs } from "../../kubernetes/watch/look.ts"
import { isRolling } from "../../kubernetes/watch/news.ts"
import { lifeOf, type PodLife } from "../../kubernetes/watch/pod-life.ts"
import { conditionWords } from "./autoscaler-words.ts"
import { milliCoresOf } from "./observed.ts"
import { utilizationOf } from "./shadow.ts"
import type { Sync } from "./sync.ts"

/** All times are milliseconds since 1970. */
export interface WatchState {
  readonly name: string
  readonly namespace: string
  readonly context: string
  readonly atMs: number
  /** While there is none, because it was deleted or is still to come, all else is empty. */
  readonly isThere: boolean
  /** There has been no answer since then; all else is as it was. */
  readonly outage: { readonly sinceMs: number; readonly why: string } | null
  readonly replicas: { readonly wanted: number; readonly present: number; readonly ready: number }
  readonly rollout: { readonly revision: number; readonly ready: number } | null
  readonly cpu: Cpu
  readonly autoscaler: AutoscalerState | null
  readonly trouble: Trouble | null
  readonly pods: readonly PodState[]
  /** The newest last. */
  readonly syncs: readonly Sync[]
  /** What could not be read. */
  readonly blind: readonly Blind[]
}

interface Cpu {
  /** Of all pods. */
  readonly cores?: number
  /** Of one pod, in thousandths of a core. */
  readonly requestMilli?: number
  /** As the autoscaler would measure it now. */
  readonly utilizationPercent?: number
  readonly targetPercent?: number
  /** When the newest measurement was made. */
  readonly measuredMs?: number
}

interface AutoscalerState {
  readonly min: number
  readonly max: number
  readonly conditions: readonly {
    readonly type: string
    readonly status: string
    readonly reason: string
    /** Empty for what goes without saying. */
    readonly words: string
  }[]
  /** What ours would do now; a text where it can't tell. */
  readonly now: { readonly to: number; readonly reasons: readonly string[] } | string
  /** Until then the autoscaler may act on what was before the watch began. */
  readonly blindUntilMs: number
}

export interface PodState extends PodLife {
  readonly cpuCores?: number
}

export interface Known {
  readonly context: string
  readonly namespace: string
  readonly name: string
  readonly look: Look
  readonly outage: WatchState["outage"]
  readonly syncs: readonly Sync[]
  readonly now: Decision | string | undefined
  readonly blindUntilMs: number
  /** For longer than it takes to come right by itself. */
  readonly trouble: Trouble | undefined
}

export interface Trouble {
  readonly message: string
  readonly next: string
}

/** What keeps replicas from being ready. Those that are ready have left their troubles behind. */
export function troubleIn({ deployment, sets, pods, events }: Look): Trouble | undefined {
  if (deployment === undefined) return undefined
  const observed = select(deployment, sets, pods, events)
  const trouble = troubleOf({ ...observed, pods: observed.pods.filter((pod) => !isReady(pod)) })
  return trouble && { message: trouble.message, next: trouble.next }
}

export function stateOf(known: Known): WatchState {
  const { context, namespace, name, look, outage, syncs, now, blindUntilMs } = known
  const { deployment, autoscaler, blind } = look
  const used = new Map(
    (look.metrics ?? []).map((each) => [each.metadata?.name, milliCoresOf(each)]),
  )
  const pods = look.pods.map((pod): PodState => {
    const life = lifeOf(pod)
    const milli = used.get(life.name)
    return { ...life, ...(milli === undefined ? {} : { cpuCores: milli / 1000 }) }
  })
  const staying = pods.filter(({ phase }) => phase !== "draining")
  const decision = typeof now === "object" ? now : undefined
  return {
    ...{ name, namespace, context, atMs: look.atMs, isThere: deployment !== undefined, outage },
    replicas: {
      wanted: deployment?.spec?.replicas ?? 0,
      present: staying.length,
      ready: staying.filter(({ phase }) => phase === "ready").length,
    },
    rollout:
      deployment !== undefined && isRolling(look)
        ? { revision: revisionOf(deployment), ready: progressOf(deployment).ready }
        : null,
    cpu: cpuOf(look, decision),
    autoscaler:
      autoscaler === undefined
        ? null
        : {
            min: autoscaler.spec?.minReplicas ?? 1,
            max: autoscaler.spec?.maxReplicas ?? 0,
            conditions: (autoscaler.status?.conditions ?? []).map((condition) => ({
              type: condition.type,
              status: condition.status,
              reason: condition.reason ?? "",
              words: conditionWords(condition),
            })),
            now:
              decision === undefined
                ? `${now ?? "nothing is known yet"}`
                : { to: decision.replicas, reasons: decision.reasons },
            blindUntilMs,
          },
    trouble: known.trouble ?? null,
    pods,
    syncs,
    blind,
  }
}

function cpuOf(look: Look, decision: Decision | undefined): Cpu {
  const { metrics = [], deployment, autoscaler } = look
  const requests = (deployment?.spec?.template?.spec?.containers ?? []).map(
    ({ resources }) => resources?.requests?.cpu,
  )
  const known = {
    cores:
      metrics.length === 0
        ? undefined
        : metrics.reduce((sum, each) => sum + milliCoresOf(each), 0) / 1000,
    requestMilli: requests.every((each) => each !== undefined)
      ? requests.reduce((sum, each) => sum + milliCpu(each), 0)
      : undefined,
    utilizationPercent: decision && utilizationOf(decision),
    targetPercent: targetOf(autoscaler),
    measuredMs:
      metrics.length === 0
        ? undefined
        : Math.max(...metrics.map(({ timestamp }) => timeMs(timestamp) ?? 0)),
  }
  return Object.fromEntries(Object.entries(known).filter(([, value]) => value !== undefined))
}

function targetOf(autoscaler: HorizontalPodAutoscaler | undefined): number | undefined {
  return autoscaler?.spec?.metrics?.find(({ resource }) => resource?.name === "cpu")?.resource
    ?.target.averageUtilization
}
