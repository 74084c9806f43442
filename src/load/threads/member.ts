/** A seat of a run, with what it has told so far. */
import { Histogram } from "../../core/histogram.ts"
import type { Batch, Beat } from "../books/beat.ts"
import { Generator, type ThreadReport, type ThreadSecond } from "../books/generator.ts"
import type { Index, Ledger } from "../books/ledger.ts"
import type { ThreadState } from "../result.ts"
import type { Seat, SeatEvents } from "./seat.ts"

export class Member {
  /** From 1. */
  readonly number: number
  readonly seat: Seat
  state: ThreadState["state"] = "starting"
  usersStarted = 0
  /** Of the last beat. */
  users = 0
  waiting = 0
  #ledger: Ledger
  readonly #index: Index = { names: [], entries: [] }
  #generator = new Generator()
  readonly #lag = new Histogram()
  /** Not closed yet: one a second, but for a thread that was late. */
  #seconds: ThreadSecond[] = []
  #requests = 0
  #requestsBefore = 0
  #last: ThreadState

  /**
   * @param seat makes it, given whom it has to tell.
   * @param over called once, when there will be nothing more.
   */
  constructor(
    number: number,
    ledger: Ledger,
    seat: (events: SeatEvents) => Seat,
    over: (error: Error | undefined) => void,
  ) {
    this.number = number
    this.#ledger = ledger
    this.#last = this.#stateOf(undefined, 0)
    this.seat = seat({
      batch: (batch) => this.#take(batch),
      beat: (beat) => this.#takeBeat(beat),
      over: (error) => {
        this.state = error === undefined ? "over" : "failed"
        this.users = 0
        this.waiting = 0
        over(error)
      },
    })
  }

  /** Whether it sends, or will. */
  get isPresent(): boolean {
    return this.state === "starting" || this.state === "running"
  }

  get notSent(): number {
    return this.#generator.notSent
  }

  /** From now on it tells other books. */
  restart(ledger: Ledger): void {
    this.#ledger = ledger
    this.#index.entries = []
    this.#generator = new Generator()
    this.#requests = 0
    this.#requestsBefore = 0
  }

  /** Closes a second: what this thread's was. */
  closeSecond(seconds: number): readonly ThreadSecond[] {
    const closed = this.#seconds
    this.#seconds = []
    if (closed.length > 0) this.#generator.second(closed)
    this.#lag.clear()
    for (const second of closed) {
      for (const [us, count] of second.lag) this.#lag.addUs(us, count)
    }
    const perS = (this.#requests - this.#requestsBefore) / seconds
    this.#requestsBefore = this.#requests
    this.#last = this.#stateOf(closed.at(-1), perS)
    return closed
  }

  /** In the last second that was closed. @param isOpen whether it counts those who wait as users. */
  threadState(isOpen: boolean): ThreadState {
    return { ...this.#last, state: this.state, users: isOpen ? this.waiting : this.users }
  }

  report(): ThreadReport {
    const { cpuShareMean, loopDelayMsMax, lagMs } = this.#generator.report(1)
    const { number } = this
    const requests = this.#requests
    return { number, requests, cpuShareMean, loopDelayMsMax, lagP99Ms: lagMs.p99 }
  }

  #take(batch: Batch): void {
    this.#requests += this.#ledger.take(this.#index, batch)
  }

  #takeBeat(beat: Beat): void {
    this.#take(beat)
    this.#ledger.takeBeat(beat)
    this.#seconds.push(beat.second)
    this.#generator.notSent += beat.notSent
    this.usersStarted += beat.usersStarted
    this.users = beat.users
    this.waiting = beat.waiting
  }

  #stateOf(second: ThreadSecond | undefined, requestsPerS: number): ThreadState {
    return {
      number: this.number,
      state: this.state,
      cpuShare: second?.cpuShare ?? 0,
      loopDelayMs: second?.loopDelayMs ?? 0,
      lagP99Ms: this.#lag.percentileMs(99),
      requestsPerS,
      users: 0,
    }
  }
}
