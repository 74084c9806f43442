/** What was sent and how it was answered, by name, in bounded memory. */
import { Histogram } from "../../core/histogram.ts"
import { isOthers, type NamePair, namesMax, otherNames } from "./names.ts"

/** Percentiles that are told everywhere: Locust's. */
export const percents = [50, 66, 75, 80, 90, 95, 98, 99, 99.9, 99.99, 100] as const
export type Percent = (typeof percents)[number]

export interface Latency {
  readonly meanMs: number
  readonly minMs: number
  readonly maxMs: number
  readonly percentilesMs: Readonly<Record<Percent, number>>
}

export interface Row {
  readonly method: string
  readonly name: string
  readonly requests: number
  readonly failures: number
  /** Of the bodies that came back. */
  readonly meanBytes: number
  /** A second, over the whole run. */
  readonly requestsPerS: number
  readonly failuresPerS: number
  /** From when it was to be sent, to the end of the answer. */
  readonly latency: Latency
  /** From when it really was sent. The same, in the closed model. */
  readonly service: Latency
}

/** All that is counted of one name, or of all together. */
export class Entry {
  readonly method: string
  readonly name: string
  readonly latency = new Histogram()
  /** Of its own in the open model only: in the closed one both are the same times. */
  readonly service: Histogram
  /** Latencies of the second that has begun. */
  readonly recent = new Histogram()
  requests = 0
  failures = 0
  bytes = 0
  #before = { requests: 0, failures: 0 }
  #summaries: { readonly latency: Latency; readonly service: Latency } | undefined

  constructor(method: string, name: string, isOpen: boolean) {
    this.method = method
    this.name = name
    this.service = isOpen ? new Histogram() : this.latency
  }

  add(latencyUs: number, serviceUs: number, bytes: number, failed: boolean): void {
    this.requests += 1
    this.bytes += bytes
    if (failed) this.failures += 1
    this.latency.addUs(latencyUs)
    if (this.service !== this.latency) this.service.addUs(serviceUs)
    this.recent.addUs(latencyUs)
    this.#summaries = undefined
  }

  /** Requests and failures since the second began. */
  get sinceBefore(): { readonly requests: number; readonly failures: number } {
    const { requests, failures } = this.#before
    return { requests: this.requests - requests, failures: this.failures - failures }
  }

  /** Begins another second. */
  nextSecond(): void {
    this.#before = { requests: this.requests, failures: this.failures }
    if (this.recent.total > 0) this.recent.clear()
  }

  row(elapsedMs: number): Row {
    const { method, name, requests, failures } = this
    const seconds = Math.max(elapsedMs, 1) / 1000
    return {
      method,
      name,
      requests,
      failures,
      meanBytes: requests === 0 ? 0 : this.bytes / requests,
      requestsPerS: requests / seconds,
      failuresPerS: failures / seconds,
      ...this.#summarized(),
    }
  }

  /** Kept until the next request: of two hundred names, few have one in every second. */
  #summarized(): { readonly latency: Latency; readonly service: Latency } {
    if (this.#summaries === undefined) {
      const latency = summary(this.latency)
      const service = this.service === this.latency ? latency : summary(this.service)
      this.#summaries = { latency, service }
    }
    return this.#summaries
  }
}

export class Stats {
  readonly total: Entry
  readonly #isOpen: boolean
  readonly #entries = new Map<string, Entry>()

  constructor(isOpen: boolean) {
    this.#isOpen = isOpen
    this.total = new Entry("", "Aggregated", isOpen)
  }

  /** In the order of first use. */
  get entries(): readonly Entry[] {
    return [...this.#entries.values()]
  }

  /** Whether some names had to be counted together. */
  get isFull(): boolean {
    return this.#entries.has(keyOf(otherNames))
  }

  /** The entry of a name. Beyond {@link namesMax} that of all others together. */
  entry(pair: NamePair): Entry {
    const known = this.#entries.get(keyOf(pair))
    if (known !== undefined) return known
    if (this.#entries.size >= namesMax && !isOthers(pair)) return this.entry(otherNames)
    const entry = new Entry(pair[0], pair[1], this.#isOpen)
    this.#entries.set(keyOf(pair), entry)
    return entry
  }
}

function keyOf([method, name]: NamePair): string {
  return `${method}\n${name}`
}

export function summary(histogram: Histogram): Latency {
  const values = histogram.percentilesMs(percents)
  return {
    meanMs: histogram.meanMs,
    minMs: histogram.minMs,
    maxMs: histogram.maxMs,
    percentilesMs: Object.fromEntries(
      percents.map((percent, index) => [percent, values[index]]),
    ) as Record<Percent, number>,
  }
}
