/**
 * A run: shares the load among the seats that send it, keeps the books of what they tell, and knows
 * when it is over. It sends nothing itself.
 *
 * It is starting until its threads have loaded the scenario, which with a single seat is at once;
 * then running, then draining (nothing new is sent, answers may still come), then over. Only #enter
 * changes that.
 */
import assert from "node:assert/strict"
import { availableParallelism } from "node:os"
import { type Clock, monotonicClock } from "../core/clock.ts"
import type { Random } from "../core/random.ts"
import type { Point } from "./books/history.ts"
import { Ledger } from "./books/ledger.ts"
import type { Plan, ResolvedOffer } from "./config.ts"
import { LoadError } from "./error.ts"
import { valueAt } from "./pace/profile.ts"
import type { Result, Snapshot } from "./result.ts"
import type { Scenario } from "./scenario/scenario.ts"
import { shownUrl } from "./shown-url.ts"
import {
  figuresOf,
  type TargetDecision,
  type TargetFigures,
  type TargetReading,
  type TargetSource,
} from "./target.ts"
import { Crew } from "./threads/crew.ts"
import { judge } from "./threshold.ts"

export interface RunOptions {
  readonly scenario: Scenario
  readonly notes?: readonly string[]
  readonly source?: TargetSource | undefined
  /** Called each second, and once more at the end. */
  readonly onSecond?: (snapshot: Snapshot) => void
  /** What may still come back after the last request, in milliseconds. @default 5000 */
  readonly graceMs?: number
  readonly random?: Random
  readonly clock?: Clock
  /** Threads that may be added by itself. @default the machine's cores, see {@link threadsMax} */
  readonly threadsMax?: number
}

/**
 * How many threads a run may come to by itself: a core each. With a target on this machine, which
 * needs some too, half of them.
 */
export function threadsMax(target: URL, cores: number): number {
  const isHere = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(target.hostname)
  return Math.max(1, isHere ? Math.floor(cores / 2) : cores)
}

/** An autoscaler that changes its mind every ten seconds has that many in five hours. */
const decisionsMax = 2000

export class Run {
  readonly plan: Plan
  /** Resolves when it is over. */
  readonly done: Promise<Result>
  readonly #options: RunOptions
  readonly #clock: Clock
  #ledger: Ledger
  readonly #crew: Crew
  readonly #resolve: (result: Result) => void
  #state: "starting" | "running" | "draining" | "over" = "starting"
  #offer: ResolvedOffer
  /** When the offer that holds now began. */
  #offerAtMs: number
  #startedAtMs: number
  #startedAt = Date.now()
  /** When the books began: at the start, or when they were begun anew. */
  #booksAtMs: number
  /** When the last second was closed. */
  #closedAtMs: number
  #endedAtMs = 0
  #ended: Result["ended"] = "stopped"
  #beating: NodeJS.Timeout | undefined
  #ending: NodeJS.Timeout | undefined
  #isBeating = false
  #reading: TargetFigures | null = null
  /** By their ids, the oldest first. */
  readonly #decisions = new Map<string, TargetDecision>()

  /** @throws {LoadError} when it asks for threads, and there is a scenario that can't go to one. */
  constructor(plan: Plan, options: RunOptions) {
    checkThreads(plan, options.scenario)
    const { graceMs = 5000, random = Math.random, clock = monotonicClock } = options
    this.plan = plan
    this.#options = options
    this.#clock = clock
    this.#offer = plan.offer
    this.#ledger = new Ledger(plan.offer.kind === "rate")
    this.#crew = new Crew(plan, {
      scenario: options.scenario,
      clock,
      random,
      graceMs,
      threadsMax: options.threadsMax ?? threadsMax(plan.target, availableParallelism()),
      ledger: this.#ledger,
      over: () => this.#finish(),
    })
    const { promise, resolve } = Promise.withResolvers<Result>()
    this.done = promise
    this.#resolve = resolve
    this.#startedAtMs = clock()
    this.#booksAtMs = this.#startedAtMs
    this.#closedAtMs = this.#startedAtMs
    this.#offerAtMs = this.#startedAtMs
    if (this.#crew.isReady) this.#begin()
    else void this.#crew.ready().then(() => this.#begin())
  }

  get isRunning(): boolean {
    return this.#state === "starting" || this.#state === "running"
  }

  /** So far. */
  get history(): readonly Point[] {
    return this.#ledger.points
  }

  /** How much is asked for now, or was at the end: users, or requests a second. */
  get offered(): number {
    const nowMs = this.isRunning ? this.#clock() : this.#endedAtMs
    return valueAt(this.#offer.profile, nowMs - this.#offerAtMs)
  }

  /** From now on another load of the same model. The run time goes on counting from the start. */
  change(offer: ResolvedOffer): void {
    assert.equal(offer.kind, this.#offer.kind, "a run keeps its model")
    if (!this.isRunning) return
    this.#offer = { ...offer, runTimeMs: this.plan.offer.runTimeMs }
    if (this.#state === "running") this.#offerAtMs = this.#crew.change(this.#offer)
  }

  /**
   * Everything that is counted begins anew, and the run goes on. Resolves when it has: what the
   * threads have done until then belongs to before.
   */
  async reset(): Promise<void> {
    await this.#crew.beat()
    if (this.#state !== "running") return
    const nowMs = this.#clock()
    this.#crew.closeSecond(Math.max(1, nowMs - this.#closedAtMs) / 1000)
    this.#closedAtMs = nowMs
    this.#booksAtMs = nowMs
    this.#startedAt = Date.now()
    this.#ledger = new Ledger(this.#offer.kind === "rate", nowMs - this.#startedAtMs)
    this.#crew.restart(this.#ledger)
  }

  /** Sends nothing more, and resolves with the result once what is under way has ended. */
  stop(): Promise<Result> {
    this.#drain("stopped")
    return this.done
  }

  /** What it came to, or has come to so far. */
  result(): Result {
    const { plan } = this
    const durationMs = this.#sentForMs()
    const total = this.#ledger.total(durationMs)
    return {
      format: "capstan-load-1",
      target: shownUrl(plan.target),
      scenario: this.#options.scenario.name,
      offered: plan.offerText,
      model: this.#offer.kind === "rate" ? "open" : "closed",
      startedAt: new Date(this.#startedAt).toISOString(),
      durationMs,
      ended: this.#ended,
      total,
      rows: this.#ledger.rows(durationMs),
      phases: this.#ledger.phases,
      failures: this.#ledger.failureRows,
      exceptions: this.#ledger.exceptionRows,
      history: this.#ledger.points,
      decisions: [...this.#decisions.values()],
      thresholds: plan.thresholds.map((threshold) => judge(threshold, measured(total))),
      generator: this.#crew.report(),
      threads: this.#crew.threadReports(),
      connections: {
        ...this.#ledger.connections,
        ageMsMax: plan.connectionAgeMs,
        requestsMax: plan.connectionRequestsMax,
      },
      notes: this.#notes,
    }
  }

  #begin(): void {
    if (this.#state !== "starting") return
    this.#enter("running")
    this.#startedAt = Date.now()
    // Threads begin together, a moment from now.
    const startedAtMs = this.#crew.soon()
    this.#startedAtMs = startedAtMs
    this.#booksAtMs = startedAtMs
    this.#closedAtMs = startedAtMs
    this.#offerAtMs = startedAtMs
    const { runTimeMs = Number.POSITIVE_INFINITY } = this.plan.offer
    const endsAtMs = startedAtMs + runTimeMs
    this.#beating = setInterval(() => void this.#second(), 1000)
    if (Number.isFinite(runTimeMs)) this.#endAt(endsAtMs)
    this.#crew.begin(this.#offer, startedAtMs, endsAtMs)
    this.#readTarget()
  }

  /** By itself, in steps: a timer counts to 24 days at the most, and fires early. */
  #endAt(endsAtMs: number): void {
    const leftMs = endsAtMs - this.#clock()
    if (leftMs <= 0) this.#drain("run time over", endsAtMs)
    else this.#ending = setTimeout(() => this.#endAt(endsAtMs), Math.min(leftMs, 86_400_000))
  }

  #drain(ended: Result["ended"], endedAtMs = this.#clock()): void {
    if (!this.isRunning) return
    const isBegun = this.#state === "running"
    this.#enter("draining")
    this.#ended = ended
    this.#endedAtMs = isBegun ? endedAtMs : this.#startedAtMs
    clearTimeout(this.#ending)
    this.#crew.stop()
  }

  /** All seats are over. When none was told to be, they have failed, each with its reason. */
  #finish(): void {
    if (this.#state === "over") return
    // Their own timers may be quicker than this one's.
    const { runTimeMs = Number.POSITIVE_INFINITY } = this.plan.offer
    const endsAtMs = this.#startedAtMs + runTimeMs
    if (this.#clock() >= endsAtMs) this.#drain("run time over", endsAtMs)
    else this.#drain("stopped")
    this.#enter("over")
    clearInterval(this.#beating)
    this.#close()
    this.#resolve(this.result())
  }

  #enter(state: "running" | "draining" | "over"): void {
    const from = { running: ["starting"], draining: ["starting", "running"], over: ["draining"] }
    assert.ok(from[state].includes(this.#state), `from ${this.#state} to ${state}`)
    this.#state = state
  }

  async #second(): Promise<void> {
    // A second that takes longer than one is followed by a longer one.
    if (this.#isBeating) return
    this.#isBeating = true
    await this.#crew.beat()
    this.#isBeating = false
    if (this.#state === "over") return
    const snapshot = this.#close()
    this.#readTarget()
    if (this.#state === "running" && this.#isToBeAborted(snapshot)) this.#drain("threshold crossed")
  }

  /** Closes a second: a point of the history, and a snapshot for who watches. */
  #close(): Snapshot {
    const nowMs = this.#clock()
    const lagP99Ms = this.#crew.closeSecond(Math.max(1, nowMs - this.#closedAtMs) / 1000)
    this.#closedAtMs = nowMs
    const snapshot = this.#ledger.second(
      {
        elapsedMs: nowMs - this.#startedAtMs,
        timeMs: Date.now(),
        users: this.#offer.kind === "users" ? this.#crew.users : this.#crew.waiting,
        offered: this.offered,
        lagP99Ms,
        target: this.#reading,
      },
      this.#sentForMs(),
      { generator: this.#crew.report(), threads: this.#crew.threads(), notes: this.#notes },
    )
    this.#options.onSecond?.(snapshot)
    return snapshot
  }

  #isToBeAborted({ elapsedMs }: Snapshot): boolean {
    const due = this.plan.thresholds.filter(
      ({ abortAfterMs }) => abortAfterMs !== undefined && elapsedMs >= abortAfterMs,
    )
    if (due.length === 0) return false
    const total = measured(this.#ledger.total(this.#sentForMs()))
    return total.requests > 0 && due.some((threshold) => !judge(threshold, total).kept)
  }

  #readTarget(): void {
    const { source } = this.#options
    if (source === undefined || this.#state !== "running") return
    void source.read().then((reading) => this.#take(reading))
  }

  #take(reading: TargetReading | undefined): void {
    this.#reading = reading === undefined ? null : figuresOf(reading)
    const begunAtMs = this.#startedAt
    for (const decision of reading?.decisions ?? []) {
      if (decision.atMs >= begunAtMs) this.#decisions.set(decision.id, decision)
    }
    for (const oldest of this.#decisions.keys()) {
      if (this.#decisions.size <= decisionsMax) break
      this.#decisions.delete(oldest)
    }
  }

  get #notes(): readonly string[] {
    return [...(this.#options.notes ?? []), ...this.#ledger.notes, ...this.#crew.notes]
  }

  /** For how long requests have been sent, as far as they are in the books. */
  #sentForMs(): number {
    return (this.isRunning ? this.#clock() : this.#endedAtMs) - this.#booksAtMs
  }
}

function checkThreads({ workers }: Plan, { origin, name }: Scenario): void {
  if (workers === "auto" || workers === 1 || origin !== undefined) return
  throw new LoadError(
    `workers is ${workers}, but the scenario "${name}" was made in code, and functions can't go to another thread. Put it into a module of its own, and give that module's URL as the scenario.`,
  )
}

function measured(total: ReturnType<Ledger["total"]>) {
  return { ...total, latency: total.latencyHistogram }
}
