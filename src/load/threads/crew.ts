/**
 * Who sends a run: how many seats there are, and what each has to do. Unless it is asked for more, a
 * run starts with one, in this very thread. When that has no CPU left, another joins, in a thread and
 * so on a core of its own, and the work is shared anew; the same when one ends before it should.
 */
import type { Clock } from "../../core/clock.ts"
import type { Random } from "../../core/random.ts"
import { Generator, type GeneratorReport, isBusy, type ThreadReport } from "../books/generator.ts"
import type { Ledger } from "../books/ledger.ts"
import type { Plan, ResolvedOffer } from "../config.ts"
import type { Phase } from "../pace/schedule.ts"
import type { ThreadState } from "../result.ts"
import type { Scenario } from "../scenario/scenario.ts"
import { Member } from "./member.ts"
import { InlineSeat } from "./seat.ts"
import { ThreadSeat } from "./thread-seat.ts"

export interface CrewOptions {
  readonly scenario: Scenario
  readonly clock: Clock
  readonly random: Random
  readonly graceMs: number
  /** How many it may grow to by itself. */
  readonly threadsMax: number
  /** The books that it tells. */
  readonly ledger: Ledger
  /** There is nobody left. */
  readonly over: () => void
}

/** From telling threads what to do until they all do it: longer than a message takes. */
const marginMs = 50
/** In so many seconds one after the other there has to be no CPU left. */
const busySecondsMin = 2

export class Crew {
  readonly #plan: Plan
  readonly #options: CrewOptions
  #generator = new Generator()
  #ledger: Ledger
  readonly #members: Member[] = []
  readonly #notes: string[] = []
  #phase: Omit<Phase, "share"> | undefined
  #endsAtMs = Number.POSITIVE_INFINITY
  #startedAtMs = 0
  #busySeconds = 0
  #isStopped = false
  /** One that joins is on its way. */
  #isGrowing = false

  constructor(plan: Plan, options: CrewOptions) {
    this.#plan = plan
    this.#options = options
    this.#ledger = options.ledger
    const { workers } = plan
    if (workers === "auto" || workers === 1) this.#addInline()
    else for (let count = 0; count < workers; count++) this.#addThread()
  }

  /** Whether it can begin without waiting for threads. */
  get isReady(): boolean {
    return this.#members.every(({ seat }) => seat instanceof InlineSeat)
  }

  /** Resolves when all can begin, or have failed. */
  async ready(): Promise<void> {
    await Promise.allSettled(this.#members.map(({ seat }) => seat.ready))
  }

  /** A time that all hear of before it has come: now, when there is no other thread. */
  soon(): number {
    return this.#options.clock() + (this.isReady ? 0 : marginMs)
  }

  begin(offer: ResolvedOffer, startedAtMs: number, endsAtMs: number): void {
    this.#startedAtMs = startedAtMs
    this.#endsAtMs = endsAtMs
    const phase = { fromMs: startedAtMs, offer, offerAtMs: startedAtMs, usersFrom: 0 }
    this.#phase = phase
    const present = this.#present
    for (const [number, member] of present.entries()) {
      member.state = "running"
      member.seat.begin({ ...phase, share: { number, of: present.length } }, endsAtMs)
    }
  }

  /** From now on another load. The answer is when that is. */
  change(offer: ResolvedOffer): number {
    const fromMs = this.soon()
    this.#share({ ...this.#phase!, fromMs, offer, offerAtMs: fromMs })
    return fromMs
  }

  /** All that is told from now on belongs into other books, and counts anew. */
  restart(ledger: Ledger): void {
    this.#ledger = ledger
    this.#generator = new Generator()
    for (const member of this.#members) member.restart(ledger)
  }

  /** Nothing more is sent, and each is over when what is under way has ended. */
  stop(): void {
    this.#isStopped = true
    for (const { seat } of this.#members) seat.stop()
  }

  /** Resolves when all have told what they have done so far, or are late with it. */
  async beat(): Promise<void> {
    await Promise.all(this.#members.map(({ seat }) => seat.beat()))
  }

  /** Closes a second, or a part of one; says how late requests were sent in it, at p99. */
  closeSecond(seconds: number): number {
    const all = this.#members.flatMap((member) => member.closeSecond(seconds))
    this.#generator.notSent = this.#members.reduce((sum, { notSent }) => sum + notSent, 0)
    this.#busySeconds = all.some(isBusy) ? this.#busySeconds + 1 : 0
    if (this.#busySeconds >= busySecondsMin && this.#mayGrow) void this.#grow()
    return this.#generator.second(all)
  }

  get users(): number {
    return this.#members.reduce((sum, { users }) => sum + users, 0)
  }

  get waiting(): number {
    return this.#members.reduce((sum, { waiting }) => sum + waiting, 0)
  }

  /** What a reader has to know of them. */
  get notes(): readonly string[] {
    return this.#notes
  }

  report(): GeneratorReport {
    return this.#generator.report(this.#members.length)
  }

  threads(): readonly ThreadState[] {
    const isOpen = this.#plan.offer.kind === "rate"
    return this.#members.map((member) => member.threadState(isOpen))
  }

  threadReports(): readonly ThreadReport[] {
    return this.#members.map((member) => member.report())
  }

  get #present(): readonly Member[] {
    return this.#members.filter(({ isPresent }) => isPresent)
  }

  #addInline(): void {
    const number = this.#members.length + 1
    const member = new Member(
      number,
      this.#ledger,
      (events) => new InlineSeat(this.#plan, this.#options, events),
      (error) => this.#left(number, error),
    )
    this.#members.push(member)
  }

  #addThread(): Member {
    const { scenario, graceMs } = this.#options
    // Whoever asks for threads has been told, by `resolveWorkers`, that this takes an origin.
    const origin = scenario.origin!
    const number = this.#members.length + 1
    const member = new Member(
      number,
      this.#ledger,
      (events) => new ThreadSeat(this.#plan, { origin, graceMs }, events),
      (error) => this.#left(number, error),
    )
    // Why it is not ready is told when it is over.
    member.seat.ready.catch(() => {})
    this.#members.push(member)
    return member
  }

  get #mayGrow(): boolean {
    return (
      this.#plan.workers === "auto" &&
      this.#options.scenario.origin !== undefined &&
      this.#members.length < this.#options.threadsMax &&
      !this.#isGrowing &&
      !this.#isStopped
    )
  }

  async #grow(): Promise<void> {
    this.#isGrowing = true
    this.#busySeconds = 0
    const member = this.#addThread()
    const [ready] = await Promise.allSettled([member.seat.ready])
    this.#isGrowing = false
    if (ready.status === "rejected" || this.#isStopped) return
    const afterS = Math.round((this.#options.clock() - this.#startedAtMs) / 1000)
    this.#notes.push(
      `From ${afterS} s on ${this.#present.length} threads sent: those before had no CPU left.`,
    )
    member.state = "running"
    this.#share({ ...this.#phase!, fromMs: this.soon(), usersFrom: this.#unusedNumber() }, member)
  }

  /** All that are there share the work from that time on; `newcomer` begins with it. */
  #share(phase: Omit<Phase, "share">, newcomer?: Member): void {
    this.#phase = phase
    const sending = this.#members.filter(({ state }) => state === "running")
    for (const [number, member] of sending.entries()) {
      const own = { ...phase, share: { number, of: sending.length } }
      if (member === newcomer) member.seat.begin(own, this.#endsAtMs)
      else member.seat.enter(own)
    }
  }

  /** A user's number that nobody has had, nor will have before the others hear of it. */
  #unusedNumber(): number {
    const started = this.#members.reduce((sum, { usersStarted }) => sum + usersStarted, 0)
    const seconds = Math.max(1, (this.#options.clock() - this.#startedAtMs) / 1000)
    return started + 100 + Math.ceil((3 * started) / seconds)
  }

  #left(number: number, error: Error | undefined): void {
    if (error !== undefined) {
      this.#ledger.threw(`thread ${number}`, error)
      this.#notes.push(
        `Thread ${number} failed: ${error.message}. What it had not told yet is lost.`,
      )
    }
    const present = this.#present
    if (present.length === 0) this.#options.over()
    else if (error !== undefined && !this.#isStopped && this.#phase !== undefined) {
      this.#share({ ...this.#phase, fromMs: this.soon(), usersFrom: this.#unusedNumber() })
    }
  }
}
