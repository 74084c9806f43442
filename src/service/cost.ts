/** What is known of an operation's cost: what it says itself, and what was learnt from its calls. */
import { FadingMean } from "../core/fading-mean.ts"
import { Quantiles } from "../core/quantiles.ts"
import type { Operation, RawInput } from "./operation.ts"
import type { Outcome } from "./outcome.ts"

/** Why a call is not run by what its operation's `cost` says. */
export type CostRefusal = Extract<Outcome, { kind: "error" | "too-costly" }>

/**
 * What the operation's own `cost` says of an input, in milliseconds; `undefined` where it has none.
 * @param timeAllowedMs what takes longer than that is too costly
 */
export function foretell(
  name: string,
  { cost }: Operation,
  input: RawInput,
  timeAllowedMs: number,
): number | undefined | CostRefusal {
  const costMs = cost?.(input)
  if (costMs === undefined) return undefined
  if (!(costMs >= 0 && costMs < Number.POSITIVE_INFINITY)) {
    const message = `The cost of "${name}" is ${costMs}; it must be a number of milliseconds, 0 or more.`
    return { kind: "error", fault: { message, stack: undefined } }
  }
  return costMs > timeAllowedMs ? { kind: "too-costly", costMs, timeAllowedMs } : costMs
}

/**
 * Whether a call that held a worker for `ranMs` tells what calls take. One that was cut short says no
 * more than that it would have taken longer, and one that was refused before `run` saw it, that this
 * happens too: neither may make calls look cheap.
 */
export function isTelling({ kind }: Outcome, ranMs: number, meanMs: number | undefined): boolean {
  if (kind === "cancelled" || kind === "crashed") return ranMs >= (meanMs ?? 0)
  return !isRefusedUnrun(kind) || ranMs >= (meanMs ?? Number.POSITIVE_INFINITY)
}

/** Of outcomes of calls that held a worker: whether `run` never began. */
export function isRefusedUnrun(kind: Outcome["kind"]): boolean {
  return kind === "invalid" || kind === "too-costly" || kind === "shed"
}

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
