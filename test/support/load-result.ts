/** Results of loads that never ran: given the latencies of each second, in milliseconds. */
import { Histogram } from "../../src/core/histogram.ts"
import { summary } from "../../src/load/books/stats.ts"
import type { Result, ResultRow } from "../../src/load/result.ts"

export interface MadeSecond {
  readonly latenciesMs: readonly number[]
  readonly failures?: number
}

/** All requests have the one name GET /, unless `more` says otherwise. */
export function madeResult(seconds: readonly MadeSecond[], more: Partial<Result> = {}): Result {
  const all = new Histogram()
  const one = new Histogram()
  let [failures, sumMs, count] = [0, 0, 0]
  const history = seconds.map(({ latenciesMs, failures: failed = 0 }, index) => {
    one.clear()
    for (const ms of latenciesMs) {
      one.add(ms)
      all.add(ms)
      sumMs += ms
      count += 1
    }
    failures += failed
    return {
      elapsedMs: (index + 1) * 1000,
      timeMs: startedAtMs + (index + 1) * 1000,
      users: 10,
      offered: 10,
      requestsPerS: latenciesMs.length,
      failuresPerS: failed,
      percentilesMs: one.total === 0 ? null : summary(one).percentilesMs,
      lagP99Ms: 0.1,
      total: {
        requests: count,
        failures,
        medianMs: 1,
        meanMs: count === 0 ? 0 : sumMs / count,
        minMs: 1,
        maxMs: 1,
        meanBytes: 2,
      },
      target: null,
    }
  })
  const total = row("", "Aggregated", all, failures, seconds.length)
  return {
    format: "capstan-load-1",
    target: "http://127.0.0.1:8080/",
    scenario: "shop",
    offered: "10 users, 10 started a second",
    model: "closed",
    startedAt: new Date(startedAtMs).toISOString(),
    durationMs: seconds.length * 1000,
    ended: "run time over",
    total,
    rows: [row("GET", "/", all, failures, seconds.length)],
    phases: { connect: timed(1), tls: timed(0), firstByte: timed(1), body: timed(1) },
    failures: [],
    exceptions: [],
    decisions: [],
    history,
    thresholds: [],
    generator: {
      threads: 1,
      seconds: seconds.length,
      busySeconds: 0,
      lateSeconds: 0,
      cpuShareMean: 0.2,
      loopDelayMsMax: 1,
      lagMs: { p50: 0.1, p99: 0.2, max: 1 },
      notSent: 0,
      limit: null,
    },
    threads: [{ number: 1, requests: count, cpuShareMean: 0.2, loopDelayMsMax: 1, lagP99Ms: 0.2 }],
    connections: { opened: 10, resent: 0, ageMsMax: 30_000, requestsMax: 1000 },
    notes: [],
    ...more,
  }
}

const startedAtMs = Date.UTC(2026, 10, 24, 9, 30)

export function row(
  method: string,
  name: string,
  histogram: Histogram,
  failures: number,
  seconds: number,
): ResultRow {
  const latency = summary(histogram)
  return {
    method,
    name,
    requests: histogram.total,
    failures,
    meanBytes: 2,
    requestsPerS: histogram.total / seconds,
    failuresPerS: failures / seconds,
    latency,
    service: latency,
    latencyHistogram: histogram,
    serviceHistogram: histogram,
  }
}

function timed(ms: number): Result["phases"]["body"] {
  const histogram = new Histogram()
  if (ms > 0) histogram.add(ms)
  return { count: histogram.total, ...summary(histogram) }
}
