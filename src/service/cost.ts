/** What is known of an operation's cost, learnt from the calls that were made. */
import { Quantiles } from "../core/quantiles.ts"

export class OperationCost {
  readonly #ranMs = new Quantiles()
  readonly #cpuMs = new Quantiles()
  /** CPU measured and CPU foretold by the operation's own `cost`, both fading. */
  #measuredMs = 0
  #foretoldMs = 0

  /**
   * Learns from a call that ran.
   * @param ranMs      how long it held its worker
   * @param cpuMs      CPU time it used there
   * @param foretoldMs what the operation's `cost` had said, if it has one
   */
  learn(ranMs: number, cpuMs: number, foretoldMs: number | undefined): void {
    this.#ranMs.add(ranMs)
    this.#cpuMs.add(cpuMs)
    if (foretoldMs !== undefined && foretoldMs > 0) {
      this.#measuredMs = this.#measuredMs * 0.99 + cpuMs
      this.#foretoldMs = this.#foretoldMs * 0.99 + foretoldMs
    }
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
    return this.#cpuMs.mean()
  }

  /** CPU time of a call for which `cost` said `foretoldMs`, corrected by how well it has said so far. */
  cpuMsOf(foretoldMs: number): number {
    return this.#foretoldMs === 0 ? foretoldMs : (foretoldMs * this.#measuredMs) / this.#foretoldMs
  }
}
