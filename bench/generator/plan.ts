/** What the generator is told, and what it reports. Both cross from process to process as JSON. */

export interface Plan {
  /** The same seed gives the same arrivals: each peer of a round gets the same ones. */
  readonly seed: number
  /** Load before the measured time, not counted. */
  readonly warmupMs: number
  readonly durationMs: number
  /** Loads at the same time, each with connections of its own. */
  readonly streams: readonly Stream[]
  /** Likewise, from a process apart that runs before all others where it may: see generate.ts. */
  readonly watchers?: readonly Stream[]
}

export interface Stream {
  readonly name: string
  readonly origin: string
  readonly method: "GET" | "POST"
  readonly path: string
  /** JSON bodies, sent in turn. */
  readonly bodies?: readonly string[]
  readonly arrivals: Arrivals
  /** Each request on a new connection, as an orchestrator's probes are. @default false */
  readonly freshConnections?: boolean
  /** The client gives up so long after the time it meant to send, and destroys the request. */
  readonly timeoutMs: number
}

/**
 * Closed: each connection sends its next request when it has its answer, so the target sets the
 * pace. Constant and Poisson: the schedule sets it, whatever the target does.
 */
type Arrivals =
  | { readonly kind: "closed"; readonly connections: number }
  | { readonly kind: "constant" | "poisson"; readonly ratePerSecond: number }

export interface Report {
  readonly streams: Readonly<Record<string, StreamReport>>
  /** Cores that the generator itself used, watchers included. Near 1 it is the generator that was measured. */
  readonly generatorCores: number
}

export interface StreamReport {
  /** Requests meant to be sent in the measured time; closed: those that ended in it. */
  readonly offered: number
  /** What became of those: by status ("200", "503"), "timeout", or the error's code. */
  readonly outcomes: Readonly<Record<string, number>>
  /** 2xx answers that came within the measured time, whenever they were asked for, a second. */
  readonly goodPerSecond: number
  /** Answers of any status, likewise. */
  readonly answeredPerSecond: number
  /** From the intended send time. What was given up counts with the time it took until then. */
  readonly latencyMs: Latency
  readonly latencyMsByOutcome: Readonly<Record<string, Latency>>
  /** How far behind its schedule the generator sent. Closed loops have none: all zero. */
  readonly lagMs: Latency
  /** Connections opened in the measured time. */
  readonly connectionsOpened: number
}

export interface Latency {
  readonly count: number
  readonly mean: number
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly max: number
}

/** Messages from the generator's process. */
export type Message =
  | { readonly kind: "begin" }
  | { readonly kind: "end" }
  | { readonly kind: "report"; readonly report: Report }

/** Exact, by sorting: a bench has no more values than fit in memory. */
export function latency(values: readonly number[]): Latency {
  const sorted = Float64Array.from(values).sort()
  const at = (quantile: number): number =>
    sorted[Math.max(0, Math.ceil(quantile * sorted.length) - 1)] ?? 0
  const sum = sorted.reduce((total, value) => total + value, 0)
  return {
    count: sorted.length,
    mean: sorted.length === 0 ? 0 : sum / sorted.length,
    p50: at(0.5),
    p90: at(0.9),
    p99: at(0.99),
    max: at(1),
  }
}
