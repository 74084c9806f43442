/** What happens to a watched deployment, in words. */
import type { News } from "../../kubernetes/watch/news.ts"
import type { PodLife } from "../../kubernetes/watch/pod-life.ts"
import { autoscalerEventWords } from "./autoscaler-words.ts"
import type { Trouble } from "./state.ts"
import type { Sync } from "./sync.ts"

export type WatchEvent =
  | News
  | { readonly kind: "sync"; readonly sync: Sync }
  | { readonly kind: "trouble"; readonly trouble: Trouble }
  | { readonly kind: "outage"; readonly why: string }
  | { readonly kind: "back"; readonly afterMs: number }

/** Undefined for what is said otherwise. @param nowMs milliseconds since 1970. */
export function wordsOf(event: WatchEvent, nowMs: number): string | undefined {
  switch (event.kind) {
    case "pod":
      return podWords(event.pod, event.before)
    case "restarted": {
      const { name, restarts, lastEnd } = event.pod
      const times = restarts === 1 ? "once" : `${restarts} times`
      return `${name} has been restarted, ${times} by now${lastEnd === undefined ? "" : `: ${lastEnd}`}`
    }
    case "gone":
      return `${event.pod.name} is gone`
    case "wanted":
      return `${event.to} replicas are wanted, no longer ${event.from}`
    case "rollout":
      return `version ${event.revision} is being rolled out`
    case "rolled-out":
      return `version ${event.revision} serves now`
    case "condition":
      // The screen shows how they stand, and a sync says what came of them.
      return undefined
    case "event":
      return event.event.involvedObject?.kind === "HorizontalPodAutoscaler"
        ? autoscalerEventWords(event.event)
        : `${event.event.involvedObject?.name}: ${event.event.message?.trim()}`
    case "deployment":
      return event.isThere
        ? "the deployment is there"
        : "the deployment is gone; waiting for it to come back"
    case "sync":
      return syncWords(event.sync).join("; ")
    case "trouble":
      return `${event.trouble.message} ${event.trouble.next}`
    case "outage":
      return `no answer any more: ${event.why} It is asked again each second`
    case "back":
      return `it answers again, after ${seconds(event.afterMs)}`
    default:
      return event satisfies never
  }

  function podWords(pod: PodLife, before: PodLife["phase"] | undefined): string {
    const { name, phase, bornMs, trouble } = pod
    switch (phase) {
      case "starting":
        return before === undefined ? `${name} is being started` : `${name} starts again`
      case "ready":
        return before === undefined || before === "starting"
          ? `${name} is ready, ${seconds(Math.max(0, nowMs - bornMs))} old`
          : `${name} is ready again`
      case "unready":
        return `${name} is not ready and gets no requests`
      case "draining":
        return `${name} finishes what it has, and goes`
      case "failed":
        return `${name} has failed${trouble === undefined ? "" : `: ${trouble}`}`
      default:
        return phase satisfies never
    }
  }
}

/** What came of a sync and why, and how ours differs where it does. */
export function syncWords({ theirs, ours, differences }: Sync): readonly string[] {
  const isSame = differences.length === 0
  const [first, ...more] = ours?.reasons ?? []
  const outcome = theirs.from === theirs.to ? "held" : `${theirs.from} → ${theirs.to}`
  if (isSame && first !== undefined) return [first, ...more]
  return [
    `${outcome} by the autoscaler`,
    ...(ours === undefined ? [] : [`ours: ${[first, ...more].join("; ")}`]),
    ...differences.map(
      ({ what, because }) =>
        `differs: ${what}${because === undefined ? ", and nothing that the API shows says why" : `, because ${because}`}`,
    ),
  ]
}

function seconds(ms: number): string {
  return ms < 99_500 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms / 60_000)} min`
}
