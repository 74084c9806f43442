/**
 * Keeps requests away from a backend that fails again and again (a circuit breaker).
 *
 * It is *closed* while the backend works. So many failures in a row open it: no request goes there
 * until a back-off is over. Then it is *half-open*: one request may try. An answer, whatever its
 * status, closes the circuit, a failure opens it for longer. A failure is a connection that could
 * not be made, or broke before the answer began; a status is none, for the replica lives and knows
 * what it says.
 *
 * Pure: time and chance are parameters.
 */
import { backoffMs } from "../../core/backoff.ts"
import type { Random } from "../../core/random.ts"

/** In a row. Fewer, and one crash of a connection would count as one of the replica. */
const failuresToOpen = 3

export class Circuit {
  #failures = 0
  /** How often it opened without being closed in between. */
  #openings = 0
  #retryAtMs = 0
  #onTrial = false

  get isOpen(): boolean {
    return this.#openings > 0
  }

  /** When one may try again; undefined while it is closed, or somebody tries. */
  get retryAtMs(): number | undefined {
    return this.isOpen && !this.#onTrial ? this.#retryAtMs : undefined
  }

  allows(nowMs: number): boolean {
    return !this.isOpen || (!this.#onTrial && nowMs >= this.#retryAtMs)
  }

  /** A request goes there. @returns whether it is the one that tries. */
  begin(): boolean {
    if (!this.isOpen) return false
    this.#onTrial = true
    return true
  }

  /** There is an answer. @returns whether this closed it. */
  worked(): boolean {
    const wasOpen = this.isOpen
    this.#failures = 0
    this.#openings = 0
    this.#onTrial = false
    return wasOpen
  }

  /**
   * @param isTrial what {@link begin} said. What began before it opened says nothing new.
   * @returns whether this opened it.
   */
  failed(isTrial: boolean, nowMs: number, random: Random): boolean {
    if (this.isOpen && !isTrial) return false
    this.#failures += 1
    if (!isTrial && this.#failures < failuresToOpen) return false
    this.#openings += 1
    this.#onTrial = false
    this.#retryAtMs = nowMs + backoffMs(this.#openings, random)
    return this.#openings === 1
  }

  /** Whoever tried left before there was anything to learn: another one may. */
  undecided(isTrial: boolean): void {
    if (isTrial) this.#onTrial = false
  }
}
