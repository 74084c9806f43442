/** What is known of an operation's cost, learnt from the calls that were made. */
import { Quantiles } from "../core/quantiles.ts"

/** By how much what is known of CPU time fades with each call: a call counts half after 500 more. */
const fading = 0.5 ** (1 / 500)

export class OperationCost {
  readonly #ranMs = new Quantiles()
  /** Fading sums: of calls, of the CPU time they took, and of what was foretold of it. */
  #calls = 0
  #cpuMs = 0
  #foretoldMs = 0

  /**
   * Learns from a call that ran.
   * @param ranMs      how long it held its worker
   * @param cpuMs      CPU time it used there
   * @param foretoldMs what the operation's own `cost` had said, if it has one
   */
  learn(ranMs: number, cpuMs: number, foretoldMs: number | undefined): void {
    this.#ranMs.add(ranMs)
    this.#calls = this.#calls * fading + 1
    this.#cpuMs = this.#cpuMs * fading + cpuMs
    this.#foretoldMs = this.#foretoldMs * fading + (foretoldMs ?? 0)
  }

  /** A call learnt of before took so much more CPU. */
  correct(cpuMs: number): void {
    this.#cpuMs += cpuMs
  }

  /** The middle of what calls take, for the sum over a queue. `undefined` while cold. */
  typicalMs(): number | undefined {
    return this.#ranMs.quantile(0.5)
  }

  /** What nine of ten calls stay under, for a promise about one. `undefined` while cold. */
  highMs(): number | undefined {
    return this.#ranMs.quantile(0.9)
  }

  /** CPU time of the mean call: times their number it is their sum. `undefined` while cold. */
  meanCpuMs(): number | undefined {
    return this.#calls === 0 ? undefined : this.#cpuMs / this.#calls
  }

  /** CPU time of a call for which `cost` said `foretoldMs`, corrected by how well it has said so far. */
  cpuMsOf(foretoldMs: number): number {
    return this.#foretoldMs === 0 ? foretoldMs : (foretoldMs * this.#cpuMs) / this.#foretoldMs
  }
}
