/** What a run came to, as data. Reports are made of it; `JSON.stringify` of it is one of them. */
import type { Histogram } from "../core/histogram.ts"
import type { ExceptionRow } from "./books/exception.ts"
import type { FailureRow } from "./books/failure.ts"
import type { GeneratorReport, ThreadReport } from "./books/generator.ts"
import type { Point } from "./books/history.ts"
import type { Latency, Row } from "./books/stats.ts"
import type { TargetDecision } from "./target.ts"
import type { Verdict } from "./threshold.ts"

/** A row with all that was measured for it. As JSON, a histogram is `[[microseconds, count], …]`. */
export interface ResultRow extends Row {
  readonly latencyHistogram: Histogram
  readonly serviceHistogram: Histogram
}

/** How often something was timed, and how long it took. */
export type Timed = Latency & { readonly count: number }

/**
 * Where the time of answers went, all names together. What connecting and TLS took counts once for
 * each connection, the other two once for each answer.
 */
export interface Phases {
  /** Asking DNS and opening a connection. */
  readonly connect: Timed
  /** From the open connection to one that is encrypted and trusted. None with `http:`. */
  readonly tls: Timed
  /** From sending the request to the first byte of the answer. */
  readonly firstByte: Timed
  /** From the first byte to the last. */
  readonly body: Timed
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
  readonly ended: "run time over" | "stopped" | "threshold crossed"
  readonly total: ResultRow
  readonly rows: readonly ResultRow[]
  readonly phases: Phases
  readonly failures: readonly FailureRow[]
  /** What the scenario threw: faults of its own, not of the target. */
  readonly exceptions: readonly ExceptionRow[]
  readonly history: readonly Point[]
  /** Of the target's autoscaler, since the run began; the newest 2000. */
  readonly decisions: readonly TargetDecision[]
  readonly thresholds: readonly Verdict[]
  readonly generator: GeneratorReport
  /** The threads that sent, by number. */
  readonly threads: readonly ThreadReport[]
  readonly connections: {
    readonly opened: number
    /** Requests sent again, because their connection was closed before they reached anyone. */
    readonly resent: number
    readonly ageMsMax: number
    readonly requestsMax: number
  }
  /** What a reader should know: what was left out, what was counted together. */
  readonly notes: readonly string[]
}

/** A name now: its row so far, and its last second. */
export interface SnapshotRow extends Row {
  readonly currentPerS: number
  readonly currentFailuresPerS: number
  /** Of what was answered in the last second; null when nothing was. */
  readonly currentPercentilesMs: {
    readonly 50: number
    readonly 95: number
    readonly 99: number
  } | null
}

/** The state of a run, for who watches it. */
export interface Snapshot {
  readonly elapsedMs: number
  readonly point: Point
  readonly total: Row
  /** In the order of first use, which stays. */
  readonly rows: readonly SnapshotRow[]
  readonly phases: Phases
  readonly failures: readonly FailureRow[]
  readonly exceptions: readonly ExceptionRow[]
  readonly generator: GeneratorReport
  /** The threads that send, by number: at least one. */
  readonly threads: readonly ThreadState[]
  /** What has come up so far that a reader should know. */
  readonly notes: readonly string[]
}

/** A thread in its last second. */
export interface ThreadState {
  /** From 1. */
  readonly number: number
  readonly state: "starting" | "running" | "over" | "failed"
  /** Of one core, 0 to 1. */
  readonly cpuShare: number
  /** How long the event loop kept a timer waiting, at the worst. */
  readonly loopDelayMs: number
  /** How late requests were sent, 99th percentile. */
  readonly lagP99Ms: number
  readonly requestsPerS: number
  /** Users in the closed model; in the open one, requests that wait for their answers. */
  readonly users: number
}
