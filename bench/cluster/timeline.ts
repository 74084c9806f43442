/** What clients saw and what the cluster did, side by side every five seconds. */
import type { Window } from "./clients.ts"
import { busiestByCpu, type Watched } from "./watched.ts"

/** What could not be measured is null: it is kept as JSON. */
export interface Moment {
  /** Seconds since the first client. */
  readonly atS: number
  readonly wanted: number
  readonly ready: number
  /** Mean CPU use in percent of the request, as the autoscaler would measure it. */
  readonly cpuPercent: number | null
  readonly requestsPerS: number
  readonly failuresPerS: number
  readonly p50Ms: number | null
  readonly p95Ms: number | null
  /** Of the replicas that are ready, the busiest one's CPU ÷ the mean. */
  readonly busiest: number | null
}

export interface Timeline {
  readonly title: string
  readonly moments: readonly Moment[]
}

export function momentOf(window: Window, startedMs: number, watched: Watched): Moment {
  const { endMs, seconds, requests, failures, latency } = window
  const { state } = watched
  const [p50Ms, p95Ms] = requests === 0 ? [null, null] : latency.percentilesMs([50, 95])
  return {
    atS: (endMs - startedMs) / 1000,
    wanted: state.replicas.wanted,
    ready: state.replicas.ready,
    cpuPercent: state.cpu.utilizationPercent ?? null,
    requestsPerS: requests / seconds,
    failuresPerS: failures / seconds,
    p50Ms: p50Ms ?? null,
    p95Ms: p95Ms ?? null,
    busiest: busiestByCpu(state) ?? null,
  }
}
