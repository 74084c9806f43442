/** What is known of an operation's cost, learnt from the calls that were made. */
import { FadingMean } from "../core/fading-mean.ts"
import { Quantiles } from "../core/quantiles.ts"

export class OperationCost {
  readonly #ranMs = new Quantiles()
  readonly #meanRanMs = new FadingMean()
  readonly #cpuMs = new FadingMean()
  readonly #foretoldMs = new FadingMean()

  /**
   * Learns from a call that ran.
   * @param ranMs      how long it held its worker
   * @param cpuMs      CPU time it used there
   * @param foretoldMs what the operation's own `cost` had said, if it has one
   */
  learn(ranMs: number, cpuMs: number, foretoldMs: number | undefined): void {
    this.#ranMs.add(ranMs)
    this.#meanRanMs.add(ranMs)
    this.#cpuMs.add(cpuMs)
    this.#foretoldMs.add(foretoldMs ?? 0)
  }

  /** A call learnt of before took so much more CPU. */
  correct(cpuMs: number): void {
    this.#cpuMs.raise(cpuMs)
  }

  /**
   * How long the mean call holds its worker: times the number of calls that wait it is what all of
   * them will take, even where one in three takes a hundred times as long as the others, which their
   * median would not say. `undefined` while cold.
   */
  meanMs(): number | undefined {
    return this.#meanRanMs.value
  }

  /** The middle of what calls take: one is as likely to take less as more. `undefined` while cold. */
  medianMs(): number | undefined {
    return this.#ranMs.quantile(0.5)
  }

  /** What nine of ten calls stay under, for a promise about one. `undefined` while cold. */
  highMs(): number | undefined {
    return this.#ranMs.quantile(0.9)
  }

  /** CPU time of the mean call: times their number it is their sum. `undefined` while cold. */
  meanCpuMs(): number | undefined {
    return this.#cpuMs.value
  }

  /** CPU time of a call for which `cost` said `foretoldMs`, corrected by how well it has said so far. */
  cpuMsOf(foretoldMs: number): number {
    const [said = 0, used = 0] = [this.#foretoldMs.value, this.#cpuMs.value]
    return said === 0 ? foretoldMs : (foretoldMs * used) / said
  }
}
