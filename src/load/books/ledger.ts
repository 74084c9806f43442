/** The books of a run: what was sent and came back, in total, by name and by the second. */
import { Histogram } from "../../core/histogram.ts"
import type { Phases, ResultRow, Snapshot, SnapshotRow, Timed } from "../result.ts"
import type { Batch, Beat } from "./beat.ts"
import { type ExceptionRow, Exceptions } from "./exception.ts"
import { type FailureRow, Failures } from "./failure.ts"
import { History, type Point } from "./history.ts"
import { type NamePair, namesMax } from "./names.ts"
import { type Entry, Stats, summary } from "./stats.ts"
import { readTape } from "./tape.ts"

/** What a point says that is not in the books. */
export type Circumstances = Pick<
  Point,
  "elapsedMs" | "timeMs" | "users" | "offered" | "lagP99Ms" | "target"
>

/** What a thread's numbers for names stand for. The ledger keeps it up, one for each thread. */
export interface Index {
  readonly names: NamePair[]
  /** Those that have been used since the books began. */
  entries: (Entry | undefined)[]
}

const pointSecondsMin = 0.5

export class Ledger {
  readonly #stats: Stats
  readonly #failures = new Failures()
  readonly #exceptions = new Exceptions()
  readonly #history = new History()
  readonly #phases = {
    connect: new Histogram(),
    tls: new Histogram(),
    firstByte: new Histogram(),
    body: new Histogram(),
  }
  #beforeMs: number
  #opened = 0
  #resent = 0

  /** @param fromMs when the first second begins, since the run's start. */
  constructor(isOpen: boolean, fromMs = 0) {
    this.#stats = new Stats(isOpen)
    this.#beforeMs = fromMs
  }

  /** Books what a thread has written down. Says how many requests those were. */
  take(index: Index, { names, requests }: Batch): number {
    index.names.push(...names)
    const { total } = this.#stats
    const { firstByte, body } = this.#phases
    const before = total.requests
    readTape(requests, (id, failed, latencyUs, serviceUs, firstByteUs, bodyUs, bytes) => {
      let entry = index.entries[id]
      if (entry === undefined) {
        entry = this.#stats.entry(index.names[id]!)
        index.entries[id] = entry
      }
      entry.add(latencyUs, serviceUs, bytes, failed)
      total.add(latencyUs, serviceUs, bytes, failed)
      if (firstByteUs > 0) {
        firstByte.addUs(firstByteUs)
        body.addUs(bodyUs)
      }
    })
    return total.requests - before
  }

  /** Books the rest of what a thread tells each second. */
  takeBeat(beat: Beat): void {
    for (const row of beat.failures) this.#failures.merge(row)
    for (const row of beat.exceptions) this.#exceptions.merge(row)
    for (const ms of beat.connectsMs) this.#phases.connect.add(ms)
    for (const ms of beat.handshakesMs) this.#phases.tls.add(ms)
    this.#opened += beat.opened
    this.#resent += beat.resent
  }

  /** An exception that is not one task's. */
  threw(what: string, error: unknown): void {
    this.#exceptions.add(what, error, Date.now())
  }

  /**
   * Closes a second.
   * @param sentForMs for how long requests have been sent, which rates are over.
   * @param more what a snapshot says that is not in the books.
   */
  second(
    circumstances: Circumstances,
    sentForMs: number,
    more: Pick<Snapshot, "generator" | "threads" | "notes">,
  ): Snapshot {
    const { total, entries } = this.#stats
    const seconds = Math.max(1, circumstances.elapsedMs - this.#beforeMs) / 1000
    const all = total.sinceBefore
    const row = total.row(sentForMs)
    const point: Point = {
      ...circumstances,
      requestsPerS: all.requests / seconds,
      failuresPerS: all.failures / seconds,
      percentilesMs: total.recent.total === 0 ? null : summary(total.recent).percentilesMs,
      total: {
        requests: total.requests,
        failures: total.failures,
        medianMs: row.latency.percentilesMs[50],
        meanMs: row.latency.meanMs,
        minMs: row.latency.minMs,
        maxMs: row.latency.maxMs,
        meanBytes: row.meanBytes,
      },
    }
    const snapshot: Snapshot = {
      elapsedMs: circumstances.elapsedMs,
      point,
      total: row,
      rows: entries.map((entry) => snapshotRow(entry, sentForMs, seconds)),
      phases: this.phases,
      failures: this.failureRows,
      exceptions: this.exceptionRows,
      ...more,
    }
    // The end of a run is rarely a whole second, and a rate over a moment is none.
    if (seconds >= pointSecondsMin) this.#history.add(point)
    this.#beforeMs = circumstances.elapsedMs
    for (const entry of [total, ...entries]) entry.nextSecond()
    return snapshot
  }

  get failureRows(): readonly FailureRow[] {
    return this.#failures.rows()
  }

  get exceptionRows(): readonly ExceptionRow[] {
    return this.#exceptions.rows()
  }

  get points(): readonly Point[] {
    return this.#history.points
  }

  get phases(): Phases {
    const { connect, tls, firstByte, body } = this.#phases
    return {
      connect: timed(connect),
      tls: timed(tls),
      firstByte: timed(firstByte),
      body: timed(body),
    }
  }

  get connections(): { readonly opened: number; readonly resent: number } {
    return { opened: this.#opened, resent: this.#resent }
  }

  /** What a reader has to know of the books themselves. */
  get notes(): readonly string[] {
    return this.#stats.isFull ? [tooManyNames] : []
  }

  total(sentForMs: number): ResultRow {
    return resultRow(this.#stats.total, sentForMs)
  }

  rows(sentForMs: number): readonly ResultRow[] {
    return this.#stats.entries.map((entry) => resultRow(entry, sentForMs))
  }
}

const tooManyNames = `Only the first ${namesMax} names have figures of their own; further ones are counted together. Give requests with ids in their path a name.`

function resultRow(entry: Entry, sentForMs: number): ResultRow {
  return {
    ...entry.row(sentForMs),
    latencyHistogram: entry.latency,
    serviceHistogram: entry.service,
  }
}

function snapshotRow(entry: Entry, sentForMs: number, seconds: number): SnapshotRow {
  const { requests, failures } = entry.sinceBefore
  const [p50 = 0, p95 = 0, p99 = 0] = requests === 0 ? [] : entry.recent.percentilesMs([50, 95, 99])
  return {
    ...entry.row(sentForMs),
    currentPerS: requests / seconds,
    currentFailuresPerS: failures / seconds,
    currentPercentilesMs: requests === 0 ? null : { 50: p50, 95: p95, 99: p99 },
  }
}

function timed(histogram: Histogram): Timed {
  return { ...summary(histogram), count: histogram.total }
}
