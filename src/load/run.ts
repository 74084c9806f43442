/**
 * A run: sends what is due, and counts what comes back.
 *
 * It is running from the start, then draining, then over; only #enter changes that.
 * - running: every tick it sends all arrivals that are due, or starts and ends users until there are
 *   as many as there ought to be. Timers fire up to a millisecond early or late, so a tick asks what
 *   is due by now, never how often it has ticked.
 * - draining: nothing new is sent; what is under way may still be answered. What is not, after the
 *   grace, is a failure by its own name with the time it has waited so far: leaving it out would
 *   hide the slowest answers of all.
 * - over: no timer, no socket is left.
 */
import assert from "node:assert/strict"
import { type Clock, monotonicClock } from "../core/clock.ts"
import type { Random } from "../core/random.ts"
import { type Plan, type ResolvedOffer, usersMax } from "./config.ts"
import { Connections } from "./connections.ts"
import { Exchange } from "./exchange.ts"
import { Generator } from "./generator.ts"
import type { Point } from "./history.ts"
import { Ledger } from "./ledger.ts"
import { dueMs, nextMark, usersAt } from "./pacer.ts"
import { valueAt } from "./profile.ts"
import type { Result, Snapshot } from "./result.ts"
import { type Answer, pickTask, type RequestOptions, type Scenario, waitMs } from "./scenario.ts"
import { namesMax } from "./stats.ts"
import type { TargetReading, TargetSource } from "./target.ts"
import { judge } from "./threshold.ts"
import { answerOf, CutOffError, messageOf, RunUser, StoppedError, threwFailure } from "./user.ts"

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
}

const usersTickMs = 2
const sweepMs = 25
/** After a task that threw, so that a broken scenario does not spin. */
const threwWaitMs = 1000
/** Of a failed answer's body, for the example. */
const exampleBytes = 500
/** Of an answer's body, when a scenario looks at it. */
const bodyBytesMax = 4 * 1024 * 1024

export class Run {
  readonly plan: Plan
  /** Resolves when it is over. */
  readonly done: Promise<Result>
  readonly #options: RunOptions
  readonly #clock: Clock
  readonly #random: Random
  readonly #connections: Connections
  readonly #generator: Generator
  readonly #ledger: Ledger
  readonly #inFlight = new Map<Exchange, number>()
  readonly #users: RunUser[] = []
  readonly #sleeping = new Map<NodeJS.Timeout, () => void>()
  readonly #startedAtMs: number
  readonly #startedAt = Date.now()
  readonly #resolve: (result: Result) => void
  #state: "running" | "draining" | "over" = "running"
  #offer: ResolvedOffer
  /** When the offer that holds now began. */
  #offerAtMs: number
  #mark: number | undefined
  #usersStarted = 0
  #tasksRunning = 0
  #endedAtMs = 0
  #ended: Result["ended"] = "stopped"
  #ticking: NodeJS.Timeout | undefined
  readonly #beating: NodeJS.Timeout
  readonly #sweeping: NodeJS.Timeout
  #draining: NodeJS.Timeout | undefined
  #reading: TargetReading | null = null

  constructor(plan: Plan, options: RunOptions) {
    this.plan = plan
    this.#options = options
    this.#clock = options.clock ?? monotonicClock
    this.#random = options.random ?? Math.random
    this.#offer = plan.offer
    const bounds = { ageMsMax: plan.connectionAgeMs, requestsMax: plan.connectionRequestsMax }
    this.#connections = new Connections(plan.target.origin, bounds, this.#clock, this.#random)
    this.#generator = new Generator(this.#clock)
    this.#ledger = new Ledger(plan.offer.kind === "rate")
    const { promise, resolve } = Promise.withResolvers<Result>()
    this.done = promise
    this.#resolve = resolve
    this.#startedAtMs = this.#clock()
    this.#offerAtMs = this.#startedAtMs
    this.#beating = setInterval(() => this.#second(), 1000)
    this.#sweeping = setInterval(() => this.#sweep(), sweepMs)
    this.#tick()
  }

  get isRunning(): boolean {
    return this.#state === "running"
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
    if (this.#state !== "running") return
    this.#offer = { ...offer, runTimeMs: this.plan.offer.runTimeMs }
    this.#offerAtMs = this.#clock()
    this.#mark = undefined
    clearTimeout(this.#ticking)
    this.#tick()
  }

  /** Sends nothing more, and resolves with the result once what is under way has ended. */
  stop(): Promise<Result> {
    this.#drain("stopped", this.#clock())
    return this.done
  }

  /** What a user asks for, sent and counted. A field, to be handed to users. */
  readonly #send = async (
    user: RunUser,
    method: string,
    path: string,
    options: RequestOptions,
  ): Promise<Answer> => {
    if (this.#state !== "running") throw new StoppedError()
    const name = options.name ?? path
    const message = messageOf(this.plan, method, path, options)
    const { checks } = options
    const wanted = (status: number): number =>
      options.discardBody !== true || checks !== undefined
        ? bodyBytesMax
        : status >= 400
          ? exampleBytes
          : 0
    // Only the first request of an arrival was due at a time; the next ones follow from its answer.
    const due = user.takeDueMs()
    const sentAtMs = this.#clock()
    if (due !== undefined) this.#generator.late(sentAtMs - due)

    const exchange = await new Promise<Exchange>((resolve) => {
      const connection = this.#connections.take()
      const started = new Exchange(connection, message, sentAtMs, wanted, resolve)
      this.#inFlight.set(started, due ?? sentAtMs)
    })
    const endedAtMs = this.#clock()
    this.#inFlight.delete(exchange)
    this.#connections.give(exchange.connection, exchange.error === undefined)

    const { answer, failure } = answerOf(exchange, checks)
    this.#ledger.book({
      method,
      name,
      latencyMs: endedAtMs - (due ?? sentAtMs),
      serviceMs: endedAtMs - sentAtMs,
      bytes: exchange.bytes,
      failure,
    })
    return answer
  }

  #tick(): void {
    if (this.#state !== "running") return
    const nowMs = this.#clock()
    const { runTimeMs } = this.plan.offer
    const endsAtMs = this.#startedAtMs + (runTimeMs ?? Number.POSITIVE_INFINITY)
    const untilMs = Math.min(nowMs, endsAtMs)
    const nextAtMs =
      this.#offer.kind === "users" ? this.#adjustUsers(untilMs) : this.#sendArrivals(untilMs)
    if (nowMs >= endsAtMs) {
      this.#drain("run time over", endsAtMs)
      return
    }
    // Never for ever: a change of the offer, and the largest delay that a timer takes.
    const delayMs = Math.min(nextAtMs, endsAtMs, nowMs + 60_000) - this.#clock()
    this.#ticking = setTimeout(() => this.#tick(), Math.max(0, delayMs))
  }

  /** Sends what is due by now; says when the next one is. */
  #sendArrivals(nowMs: number): number {
    assert.equal(this.#offer.kind, "rate")
    for (;;) {
      const { profile, arrivals } = this.#offer as Extract<ResolvedOffer, { kind: "rate" }>
      this.#mark ??= nextMark(arrivals, undefined, this.#random)
      const dueAtMs = this.#offerAtMs + dueMs(profile, this.#mark)
      if (dueAtMs > nowMs) return dueAtMs
      this.#mark = nextMark(arrivals, this.#mark, this.#random)
      const user = new RunUser(this.#send, this.#usersStarted++, this.#random, dueAtMs)
      if (this.#tasksRunning >= usersMax) this.#notSent(user)
      else void this.#runTask(user)
    }
  }

  #notSent(user: RunUser): void {
    this.#generator.notSent += 1
    const { name } = pickTask(this.#options.scenario, user.random)
    const error = `not sent: ${usersMax} requests already waited for their answers`
    this.#ledger.fail("", name, { kind: "not sent", error, example: "" })
  }

  /** Starts and ends users until they are as many as they ought to be now; says when to look again. */
  #adjustUsers(nowMs: number): number {
    const wanted = usersAt(this.#offer.profile, nowMs - this.#offerAtMs)
    while (this.#users.length < wanted) {
      const user = new RunUser(this.#send, this.#usersStarted++, this.#random, undefined)
      this.#users.push(user)
      void this.#live(user)
    }
    while (this.#users.length > wanted) this.#users.pop()!.leaving = true
    return nowMs + usersTickMs
  }

  /** A user's life, in the closed model. */
  async #live(user: RunUser): Promise<void> {
    const { wait } = this.#options.scenario
    while (this.#state === "running" && !user.leaving) {
      const startedAtMs = this.#clock()
      const sentBefore = user.requests
      const threw = await this.#runTask(user)
      const pauseMs = threw ? threwWaitMs : waitMs(wait, this.#clock() - startedAtMs, this.#random)
      // A task that sends nothing and waits for nothing must not keep the thread to itself.
      if (pauseMs > 0 || user.requests === sentBefore) await this.#sleep(Math.max(1, pauseMs))
    }
  }

  /** Whether it threw. */
  async #runTask(user: RunUser): Promise<boolean> {
    const task = pickTask(this.#options.scenario, this.#random)
    this.#tasksRunning += 1
    try {
      await task.run(user)
      return false
    } catch (error) {
      if (error instanceof StoppedError) return false
      this.#ledger.fail("", task.name, threwFailure(error))
      return true
    } finally {
      this.#tasksRunning -= 1
      if (this.#state === "draining" && this.#tasksRunning === 0) this.#finish()
    }
  }

  #sleep(ms: number): Promise<void> {
    if (this.#state !== "running") return Promise.resolve()
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#sleeping.delete(timer)
        resolve()
      }, ms)
      this.#sleeping.set(timer, resolve)
    })
  }

  /** Ends what has waited too long. The Map keeps the order of sending, so the oldest come first. */
  #sweep(): void {
    const latestMs = this.#clock() - this.plan.timeoutMs
    for (const [exchange, sinceMs] of this.#inFlight) {
      if (sinceMs > latestMs) break
      exchange.abort(new CutOffError("timeout", `no answer within ${this.plan.timeoutMs} ms`))
    }
  }

  #drain(ended: Result["ended"], endedAtMs: number): void {
    if (this.#state !== "running") return
    this.#enter("draining")
    this.#ended = ended
    this.#endedAtMs = endedAtMs
    clearTimeout(this.#ticking)
    for (const [timer, wake] of this.#sleeping) {
      clearTimeout(timer)
      wake()
    }
    this.#sleeping.clear()
    const { graceMs = 5000 } = this.#options
    this.#draining = setTimeout(() => {
      const error = new CutOffError("unanswered", "unanswered when the run ended")
      for (const exchange of this.#inFlight.keys()) exchange.abort(error)
      // A task may wait for something that is not a request; it is not waited for.
      setTimeout(() => this.#finish(), 50)
    }, graceMs)
    if (this.#tasksRunning === 0) this.#finish()
  }

  #finish(): void {
    if (this.#state === "over") return
    this.#second()
    this.#enter("over")
    clearTimeout(this.#draining)
    clearInterval(this.#beating)
    clearInterval(this.#sweeping)
    this.#generator.close()
    const result = this.result()
    void this.#connections.destroy().then(() => {
      assert.equal(this.#sleeping.size, 0, "nobody sleeps any more")
      this.#resolve(result)
    })
  }

  #enter(state: "draining" | "over"): void {
    assert.equal(this.#state, state === "draining" ? "running" : "draining")
    this.#state = state
  }

  /** Closes a second: a point of the history, and a snapshot for who watches. */
  #second(): void {
    const nowMs = this.#clock()
    const { lagP99Ms } = this.#generator.second()
    const snapshot = this.#ledger.second(
      {
        elapsedMs: nowMs - this.#startedAtMs,
        timeMs: Date.now(),
        users: this.#offer.kind === "users" ? this.#users.length : this.#inFlight.size,
        offered: this.offered,
        lagP99Ms,
        target: this.#reading,
      },
      this.#sentForMs(),
      this.#generator.report(),
    )
    this.#readTarget()
    this.#options.onSecond?.(snapshot)
  }

  #readTarget(): void {
    const { source } = this.#options
    if (source === undefined || this.#state !== "running") return
    void source.read().then((reading) => {
      this.#reading = reading ?? null
    })
  }

  /** For how long requests have been sent. */
  #sentForMs(): number {
    const nowMs = this.isRunning ? this.#clock() : this.#endedAtMs
    return nowMs - this.#startedAtMs
  }

  /** What it came to, or has come to so far. */
  result(): Result {
    const { plan } = this
    const { total, entries, isFull } = this.#ledger.stats
    const durationMs = this.#sentForMs()
    const sum = this.#ledger.row(total, durationMs)
    return {
      format: "capstan-load-1",
      target: plan.target.href,
      scenario: this.#options.scenario.name,
      offered: plan.offerText,
      model: this.#offer.kind === "rate" ? "open" : "closed",
      startedAt: new Date(this.#startedAt).toISOString(),
      durationMs,
      ended: this.#ended,
      total: sum,
      rows: entries.map((entry) => this.#ledger.row(entry, durationMs)),
      failures: this.#ledger.failureRows,
      history: this.#ledger.points,
      thresholds: plan.thresholds.map((threshold) =>
        judge(threshold, { ...sum, latency: total.latency }),
      ),
      generator: this.#generator.report(),
      connections: {
        opened: this.#connections.opened,
        ageMsMax: plan.connectionAgeMs,
        requestsMax: plan.connectionRequestsMax,
      },
      notes: [...(this.#options.notes ?? []), ...(isFull ? [tooManyNames] : [])],
    }
  }
}

const tooManyNames = `Only the first ${namesMax} names have figures of their own; further ones are counted together. Give requests with ids in their path a name.`
