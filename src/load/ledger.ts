/** The books of a run: what was sent and came back, in total, by name and by the second. */
import { Histogram } from "../core/histogram.ts"
import { type Failure, type FailureRow, Failures } from "./failure.ts"
import type { GeneratorReport } from "./generator.ts"
import { History, type Point } from "./history.ts"
import type { ResultRow, Snapshot } from "./result.ts"
import { type Entry, Stats, summary } from "./stats.ts"

/** A request that is over. */
export interface Booking {
  readonly method: string
  readonly name: string
  readonly latencyMs: number
  readonly serviceMs: number
  readonly bytes: number
  readonly failure: Failure | undefined
}

/** What a point says that is not in the books. */
export type Circumstances = Pick<
  Point,
  "elapsedMs" | "timeMs" | "users" | "offered" | "lagP99Ms" | "target"
>

interface Counts {
  readonly requests: number
  readonly failures: number
}

const pointSecondsMin = 0.5
const nothing: Counts = { requests: 0, failures: 0 }

export class Ledger {
  readonly stats: Stats
  readonly #failures = new Failures()
  readonly #history = new History()
  /** Of the second that has begun. */
  readonly #recent = new Histogram()
  #before = new Map<Entry, Counts>()
  #beforeMs = 0

  constructor(isOpen: boolean) {
    this.stats = new Stats(isOpen)
  }

  book(booking: Booking): void {
    const { method, name, latencyMs, serviceMs, bytes, failure } = booking
    this.#recent.add(latencyMs)
    this.stats.add(method, name, latencyMs, serviceMs, bytes, failure !== undefined)
    if (failure !== undefined) this.fail(method, name, failure)
  }

  /** A failure that is not one request's. */
  fail(method: string, name: string, failure: Failure): void {
    this.#failures.add(method, name, failure, Date.now())
  }

  /**
   * Closes a second.
   * @param sentForMs for how long requests have been sent, which rates are over.
   */
  second(circumstances: Circumstances, sentForMs: number, generator: GeneratorReport): Snapshot {
    const { total, entries } = this.stats
    const seconds = Math.max(1, circumstances.elapsedMs - this.#beforeMs) / 1000
    const since = (entry: Entry): Counts => {
      const { requests, failures } = this.#before.get(entry) ?? nothing
      return {
        requests: (entry.requests - requests) / seconds,
        failures: (entry.failures - failures) / seconds,
      }
    }
    const all = since(total)
    const point: Point = {
      ...circumstances,
      requestsPerS: all.requests,
      failuresPerS: all.failures,
      percentilesMs: this.#recent.total === 0 ? null : summary(this.#recent).percentilesMs,
      total: {
        requests: total.requests,
        failures: total.failures,
        medianMs: total.latency.percentileMs(50),
        meanMs: total.latency.meanMs,
        minMs: total.latency.minMs,
        maxMs: total.latency.maxMs,
        meanBytes: total.requests === 0 ? 0 : total.bytes / total.requests,
      },
    }
    const snapshot: Snapshot = {
      elapsedMs: circumstances.elapsedMs,
      point,
      total: total.row(sentForMs),
      rows: entries.map((entry) => {
        const { requests, failures } = since(entry)
        return { ...entry.row(sentForMs), currentPerS: requests, currentFailuresPerS: failures }
      }),
      failures: this.failureRows,
      generator,
    }
    // The end of a run is rarely a whole second, and a rate over a moment is none.
    if (seconds >= pointSecondsMin) this.#history.add(point)
    this.#recent.clear()
    this.#beforeMs = circumstances.elapsedMs
    this.#before = new Map(
      [total, ...entries].map((entry) => [
        entry,
        { requests: entry.requests, failures: entry.failures },
      ]),
    )
    return snapshot
  }

  get failureRows(): readonly FailureRow[] {
    return this.#failures.rows()
  }

  get points(): readonly Point[] {
    return this.#history.points
  }

  row(entry: Entry, sentForMs: number): ResultRow {
    return {
      ...entry.row(sentForMs),
      latencyHistogram: entry.latency,
      serviceHistogram: entry.service,
    }
  }
}
