/** What has happened between two looks. Pure: what is said of it in words is the command line's. */
import { revisionOf } from "../cluster/observe.ts"
import type { Condition, Event } from "../kinds.ts"
import { type Look, lastSeenMs } from "./look.ts"
import { lifeOf, type PodLife } from "./pod-life.ts"

export type News =
  | { readonly kind: "pod"; readonly pod: PodLife; readonly before: PodLife["phase"] | undefined }
  | { readonly kind: "restarted"; readonly pod: PodLife }
  | { readonly kind: "gone"; readonly pod: PodLife }
  | { readonly kind: "wanted"; readonly from: number; readonly to: number }
  | { readonly kind: "rollout"; readonly revision: number }
  | { readonly kind: "rolled-out"; readonly revision: number }
  | { readonly kind: "condition"; readonly condition: Condition }
  | { readonly kind: "event"; readonly event: Event; readonly atMs: number }
  | { readonly kind: "deployment"; readonly isThere: boolean }

/** Events that were there before the first look are told when they are no older than this. */
const recentMs = 60_000

/** @param before undefined at the first look: then only what is recent is news. */
export function newsOf(before: Look | undefined, now: Look): readonly News[] {
  if (before === undefined) return recentEvents(now)
  const wasThere = before.deployment !== undefined
  const isThere = now.deployment !== undefined
  if (!isThere) return wasThere ? [{ kind: "deployment", isThere }] : []
  return [
    ...(wasThere ? [] : [{ kind: "deployment", isThere } as const]),
    ...rollouts(before, now),
    ...wanted(before, now),
    ...pods(before, now),
    ...conditions(before, now),
    ...events(before, now),
  ]
}

function recentEvents({ events, atMs }: Look): readonly News[] {
  return events
    .map((event) => ({ kind: "event", event, atMs: lastSeenMs(event) }) as const)
    .filter((news) => atMs - news.atMs < recentMs)
}

function rollouts(before: Look, now: Look): readonly News[] {
  const revision = revisionOf(now.deployment ?? {})
  const isNew = before.deployment !== undefined && revisionOf(before.deployment) !== revision
  const isOver = (isNew || isRolling(before)) && !isRolling(now)
  return [
    ...(isNew ? [{ kind: "rollout", revision } as const] : []),
    ...(isOver ? [{ kind: "rolled-out", revision } as const] : []),
  ]
}

/** The newest version has not been there whole yet. A change of replicas alone is no rollout. */
export function isRolling({ deployment }: Pick<Look, "deployment">): boolean {
  const progressing = deployment?.status?.conditions?.find(({ type }) => type === "Progressing")
  return progressing !== undefined && progressing.reason !== "NewReplicaSetAvailable"
}

function wanted(before: Look, now: Look): readonly News[] {
  const from = before.deployment?.spec?.replicas
  const to = now.deployment?.spec?.replicas
  if (from === undefined || to === undefined || from === to) return []
  return [{ kind: "wanted", from, to }]
}

function pods(before: Look, now: Look): readonly News[] {
  const was = new Map(before.pods.map(lifeOf).map((life) => [life.name, life]))
  const is = new Map(now.pods.map(lifeOf).map((life) => [life.name, life]))
  const news: News[] = []
  for (const pod of is.values()) {
    const earlier = was.get(pod.name)
    if (earlier !== undefined && pod.restarts > earlier.restarts) {
      news.push({ kind: "restarted", pod })
    }
    if (earlier?.phase !== pod.phase) news.push({ kind: "pod", pod, before: earlier?.phase })
  }
  for (const pod of was.values()) if (!is.has(pod.name)) news.push({ kind: "gone", pod })
  return news
}

function conditions(before: Look, now: Look): readonly News[] {
  const was = before.autoscaler?.status?.conditions ?? []
  const is = now.autoscaler?.status?.conditions ?? []
  return is
    .filter(({ type, status, reason }) => {
      const earlier = was.find((condition) => condition.type === type)
      return earlier?.status !== status || earlier.reason !== reason
    })
    .map((condition) => ({ kind: "condition", condition }))
}

function events(before: Look, now: Look): readonly News[] {
  const was = new Set(before.events.map(keyOf))
  return now.events
    .filter((event) => !was.has(keyOf(event)))
    .map((event) => ({ kind: "event", event, atMs: lastSeenMs(event) }))
}

/** An event that happens again keeps its name and counts. */
function keyOf(event: Event): string {
  const { metadata, count, series } = event
  return `${metadata?.uid ?? metadata?.name} ${series?.count ?? count ?? 1} ${lastSeenMs(event)}`
}
