/**
 * What one thread has to send, and when: phases one after the other, each an offer from some time
 * on. A run that is changed while it runs, and one that is shared among more threads than before,
 * goes into its next phase at one time for all of them. Nothing here reads a clock.
 */
import type { Random } from "../../core/random.ts"
import type { ResolvedOffer } from "../config.ts"
import { dueMs, firstMark, nextMark, type Share, usersAt } from "./pacer.ts"

/** All times are on the run's clock. */
export interface Phase {
  readonly fromMs: number
  readonly offer: ResolvedOffer
  /** Where the offer's profile begins, at the latest with the phase. */
  readonly offerAtMs: number
  readonly share: Share
  /** The number of the first user that is new in this phase, all shares together. */
  readonly usersFrom: number
}

export class Schedule {
  readonly #phases: [Phase, ...Phase[]]
  readonly #random: Random
  #mark: number | undefined
  #usersStarted = 0

  constructor(phase: Phase, random: Random) {
    this.#phases = [phase]
    this.#random = random
  }

  /** The phase that holds, as of the last question. */
  get phase(): Phase {
    return this.#phases[0]
  }

  /** Appends a phase. It has to begin after the last one. */
  enter(phase: Phase): void {
    this.#phases.push(phase)
  }

  /** Takes the next arrival that is due by `untilMs`: the time at which it is due. */
  takeArrival(untilMs: number): number | undefined {
    for (;;) {
      const dueAtMs = this.#arrivalMs()
      const endMs = this.#endMs
      if (dueAtMs < endMs) {
        if (dueAtMs > untilMs) return undefined
        this.#mark = nextMark(this.#arrivals, this.#mark!, this.phase.share, this.#random)
        return dueAtMs
      }
      if (endMs > untilMs) return undefined
      this.#follow()
    }
  }

  /** When there is something to take again: an arrival, or the next phase. Infinity: never. */
  nextArrivalMs(): number {
    return Math.min(this.#arrivalMs(), this.#endMs)
  }

  /** How many users there ought to be now. */
  usersAt(nowMs: number): number {
    while (this.#endMs <= nowMs) this.#follow()
    const { offer, offerAtMs, share } = this.phase
    return usersAt(offer.profile, nowMs - offerAtMs, share)
  }

  /** The number of the next user to start, which no other share gives. */
  takeUserNumber(): number {
    const { share, usersFrom } = this.phase
    return usersFrom + share.number + share.of * this.#usersStarted++
  }

  get #endMs(): number {
    return this.#phases[1]?.fromMs ?? Number.POSITIVE_INFINITY
  }

  get #arrivals() {
    const { offer } = this.phase
    return offer.kind === "rate" ? offer.arrivals : "even"
  }

  #arrivalMs(): number {
    const { offer, offerAtMs, fromMs, share } = this.phase
    this.#mark ??= firstMark(this.#arrivals, offer.profile, fromMs - offerAtMs, share, this.#random)
    return offerAtMs + dueMs(offer.profile, this.#mark)
  }

  #follow(): void {
    const [before] = this.#phases
    this.#phases.shift()
    this.#mark = undefined
    if (this.phase.usersFrom !== before.usersFrom) this.#usersStarted = 0
  }
}
