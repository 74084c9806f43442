/** What a run came to, as data. Reports are made of it; `JSON.stringify` of it is one of them. */
import type { Histogram } from "../core/histogram.ts"
import type { FailureRow } from "./failure.ts"
import type { GeneratorReport } from "./generator.ts"
import type { Point } from "./history.ts"
import type { Row } from "./stats.ts"
import type { Verdict } from "./threshold.ts"

/** A row with all that was measured for it. As JSON, a histogram is `[[microseconds, count], …]`. */
export interface ResultRow extends Row {
  readonly latencyHistogram: Histogram
  readonly serviceHistogram: Histogram
}

export interface Result {
  /** Of this shape. It changes when a reader of an earlier one would misread it. */
  readonly format: "capstan-load-1"
  readonly target: string
  readonly scenario: string
  /** The load that was asked for, in words. */
  readonly offered: string
  /** Open: latencies are from when a request was due. Closed: from when it was sent. */
  readonly model: "open" | "closed"
  /** ISO 8601. */
  readonly startedAt: string
  /** For how long requests were sent. */
  readonly durationMs: number
  readonly ended: "run time over" | "stopped"
  readonly total: ResultRow
  readonly rows: readonly ResultRow[]
  readonly failures: readonly FailureRow[]
  readonly history: readonly Point[]
  readonly thresholds: readonly Verdict[]
  readonly generator: GeneratorReport
  readonly connections: {
    readonly opened: number
    readonly ageMsMax: number
    readonly requestsMax: number
  }
  /** What a reader should know: what was left out, what was counted together. */
  readonly notes: readonly string[]
}

/** The state of a run, for who watches it. */
export interface Snapshot {
  readonly elapsedMs: number
  readonly point: Point
  readonly total: Row
  /** `currentPerS` and `currentFailuresPerS` are those of the last second. */
  readonly rows: readonly (Row & {
    readonly currentPerS: number
    readonly currentFailuresPerS: number
  })[]
  readonly failures: readonly FailureRow[]
  readonly generator: GeneratorReport
}
