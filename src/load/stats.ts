/** What was sent and how it was answered, by name, in bounded memory. */
import { Histogram } from "../core/histogram.ts"

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

/** Names with statistics of their own; further ones are counted together. */
export const namesMax = 200
const otherNames = "(other names)"

export class Entry {
  readonly method: string
  readonly name: string
  readonly latency = new Histogram()
  /** Of its own in the open model only: in the closed one both are the same times. */
  readonly service: Histogram
  requests = 0
  failures = 0
  bytes = 0

  constructor(method: string, name: string, isOpen: boolean) {
    this.method = method
    this.name = name
    this.service = isOpen ? new Histogram() : this.latency
  }

  add(latencyMs: number, serviceMs: number, bytes: number, failed: boolean): void {
    this.requests += 1
    this.bytes += bytes
    if (failed) this.failures += 1
    this.latency.add(latencyMs)
    if (this.service !== this.latency) this.service.add(serviceMs)
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
      latency: summary(this.latency),
      service: summary(this.service),
    }
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

  add(
    method: string,
    name: string,
    latencyMs: number,
    serviceMs: number,
    bytes: number,
    failed: boolean,
  ): void {
    this.#entry(method, name).add(latencyMs, serviceMs, bytes, failed)
    this.total.add(latencyMs, serviceMs, bytes, failed)
  }

  /** In the order of first use. */
  get entries(): readonly Entry[] {
    return [...this.#entries.values()]
  }

  /** Whether some names had to be counted together. */
  get isFull(): boolean {
    return this.#entries.has(`\n${otherNames}`)
  }

  #entry(method: string, name: string): Entry {
    const key = `${method}\n${name}`
    const known = this.#entries.get(key)
    if (known !== undefined) return known
    if (this.#entries.size >= namesMax && name !== otherNames) return this.#entry("", otherNames)
    const entry = new Entry(method, name, this.#isOpen)
    this.#entries.set(key, entry)
    return entry
  }
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
