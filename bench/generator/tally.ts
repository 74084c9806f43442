/** Counts what became of the requests of one stream, within the measured time only. */
import { type Latency, latency, type StreamReport } from "./plan.ts"

export class Tally {
  readonly #beginMs: number
  readonly #endMs: number
  readonly #closed: boolean
  readonly #latencies = new Map<string, number[]>()
  readonly #lags: number[] = []
  #good = 0
  #answered = 0
  #connectionsOpened = 0

  /** Times on the clock of `performance.now()`. */
  constructor(beginMs: number, endMs: number, closed: boolean) {
    this.#beginMs = beginMs
    this.#endMs = endMs
    this.#closed = closed
  }

  sent(intendedAtMs: number, atMs: number): void {
    if (!this.#closed && this.#measures(intendedAtMs)) this.#lags.push(atMs - intendedAtMs)
  }

  ended(outcome: string, intendedAtMs: number, atMs: number): void {
    if (this.#measures(atMs)) {
      if (/^\d/.test(outcome)) this.#answered++
      if (outcome.startsWith("2")) this.#good++
    }
    if (!this.#measures(this.#closed ? atMs : intendedAtMs)) return
    const known = this.#latencies.get(outcome)
    if (known === undefined) this.#latencies.set(outcome, [atMs - intendedAtMs])
    else known.push(atMs - intendedAtMs)
  }

  connected(atMs: number): void {
    if (this.#measures(atMs)) this.#connectionsOpened++
  }

  report(): StreamReport {
    const seconds = (this.#endMs - this.#beginMs) / 1000
    const all = [...this.#latencies.values()].flat()
    const outcomes: Record<string, number> = {}
    const latencyMsByOutcome: Record<string, Latency> = {}
    for (const [outcome, values] of this.#latencies) {
      outcomes[outcome] = values.length
      latencyMsByOutcome[outcome] = latency(values)
    }
    return {
      offered: all.length,
      outcomes,
      goodPerSecond: this.#good / seconds,
      answeredPerSecond: this.#answered / seconds,
      latencyMs: latency(all),
      latencyMsByOutcome,
      lagMs: latency(this.#lags),
      connectionsOpened: this.#connectionsOpened,
    }
  }

  #measures(atMs: number): boolean {
    return atMs >= this.#beginMs && atMs < this.#endMs
  }
}
