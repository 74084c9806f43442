/**
 * Where a part of a run is sent from: this thread, or one of its own. Whoever asks can't tell the
 * two apart, but for the time that an answer takes.
 */
import type { Clock } from "../../core/clock.ts"
import type { Random } from "../../core/random.ts"
import type { Batch, Beat } from "../books/beat.ts"
import type { Plan } from "../config.ts"
import type { Phase } from "../pace/schedule.ts"
import type { Scenario } from "../scenario/scenario.ts"
import { Engine } from "./engine.ts"

/** What a seat tells. All of it comes in the order in which it happened. */
export interface SeatEvents {
  readonly batch: (batch: Batch) => void
  readonly beat: (beat: Beat) => void
  /** It is over and has told everything. `error` when it ended otherwise than by itself. */
  readonly over: (error?: Error) => void
}

export interface Seat {
  /** Resolves when it can begin. Rejects when it never will. */
  readonly ready: Promise<void>
  /** Once, when it is ready. @param endsAtMs infinity: never by itself. */
  begin(phase: Phase, endsAtMs: number): void
  enter(phase: Phase): void
  /** Asks for a beat. Resolves when it has been told, or when there will be none in time. */
  beat(): Promise<void>
  /** Sends nothing more, and tells when it is over. */
  stop(): void
}

export class InlineSeat implements Seat {
  readonly ready = Promise.resolve()
  readonly #begin: (phase: Phase, endsAtMs: number) => Engine
  readonly #events: SeatEvents
  #engine: Engine | undefined
  #isOver = false

  constructor(
    plan: Plan,
    options: {
      readonly scenario: Scenario
      readonly clock: Clock
      readonly random: Random
      readonly graceMs: number
    },
    events: SeatEvents,
  ) {
    this.#events = events
    this.#begin = (phase, endsAtMs) =>
      new Engine(plan, {
        ...options,
        phase,
        endsAtMs,
        flush: events.batch,
        over: (beat) => {
          this.#isOver = true
          events.beat(beat)
          events.over()
        },
      })
  }

  begin(phase: Phase, endsAtMs: number): void {
    this.#engine = this.#begin(phase, endsAtMs)
  }

  enter(phase: Phase): void {
    this.#engine?.enter(phase)
  }

  async beat(): Promise<void> {
    if (this.#engine !== undefined && !this.#isOver) this.#events.beat(this.#engine.beat())
  }

  stop(): void {
    this.#engine?.stop()
  }
}
