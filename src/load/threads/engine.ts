/**
 * One thread's part of a run: sends what its schedule says is due, and writes down what comes back.
 *
 * It is running from the start, then draining, then over; only #enter changes that.
 * - running: every tick it sends all arrivals that are due, or starts and ends users until there are
 *   as many as there ought to be. Timers fire up to a millisecond early or late, so a tick asks what
 *   is due by now, never how often it has ticked.
 * - draining: nothing new is sent but by users who tear down; what is under way may still be
 *   answered. What is not, after the grace, is a failure by its own name with the time it has waited
 *   so far: leaving it out would hide the slowest answers of all.
 * - over: no timer, no socket is left.
 */
import assert from "node:assert/strict"
import type { Clock } from "../../core/clock.ts"
import type { Random } from "../../core/random.ts"
import type { Beat } from "../books/beat.ts"
import { Log } from "../books/log.ts"
import { CutOffError } from "../client/answer.ts"
import { Sender } from "../client/sender.ts"
import { type Plan, usersMax } from "../config.ts"
import { lastStageMs } from "../pace/profile.ts"
import { type Phase, Schedule } from "../pace/schedule.ts"
import type { Rows } from "../scenario/data.ts"
import { Handout } from "../scenario/handout.ts"
import {
  type Answer,
  pickTask,
  type RequestOptions,
  type Scenario,
  waitMs,
} from "../scenario/scenario.ts"
import { type Host, RunUser, StoppedError } from "../scenario/user.ts"

export interface EngineOptions {
  readonly scenario: Scenario
  readonly clock: Clock
  readonly random: Random
  readonly phase: Phase
  /** When to send no more, on the clock; infinity: never by itself. */
  readonly endsAtMs: number
  /** What may still come back after the last request. */
  readonly graceMs: number
  readonly flush: Log["flush"]
  /** Called once, with the last beat. */
  readonly over: (beat: Beat) => void
}

/** Users are started one by one within the second: so often it is looked whether one is due. */
const usersTickMs = 2
/** When there is nothing more to start or end. */
const settledTickMs = 50
const sweepMs = 25
/** After something of the scenario's threw, so that a broken one does not spin. */
const threwWaitMs = 1000
/** After nobody was there to be asked: a target that is down is not asked ten thousand times a second. */
const unconnectedWaitMs = 100

export class Engine implements Host {
  readonly random: Random
  readonly origin: URL
  readonly #options: EngineOptions
  readonly #timeoutMs: number
  readonly #clock: Clock
  readonly #schedule: Schedule
  readonly #log: Log
  readonly #sender: Sender
  readonly #handout = new Handout()
  readonly #users: RunUser[] = []
  readonly #sleeping = new Map<NodeJS.Timeout, () => void>()
  readonly #sweeping: NodeJS.Timeout
  #state: "running" | "draining" | "over" = "running"
  /** Users whose life goes on, arrivals included. */
  #alive = 0
  #ticking: NodeJS.Timeout | undefined
  #draining: NodeJS.Timeout | undefined

  constructor(plan: Plan, options: EngineOptions) {
    const { clock, random, phase, flush } = options
    this.#options = options
    this.random = random
    this.origin = plan.target
    this.#timeoutMs = plan.timeoutMs
    this.#clock = clock
    this.#schedule = new Schedule(phase, random)
    this.#log = new Log(clock, flush)
    this.#sender = new Sender(plan, clock, random, this.#log)
    this.#sweeping = setInterval(() => this.#sweep(), sweepMs)
    this.#tick()
  }

  /** Goes on with another phase from its time on. */
  enter(phase: Phase): void {
    this.#schedule.enter(phase)
    if (this.#state === "running") this.#tick()
  }

  /** Sends nothing more, and is over once what is under way has ended. */
  stop(): void {
    if (this.#state !== "running") return
    // Whoever stops it because its time is over may be quicker than its own timer: what was due
    // before is sent all the same.
    if (this.#clock() >= this.#options.endsAtMs) this.#tick()
    else this.#drain()
  }

  /** Tells what has happened since the last time. */
  beat(): Beat {
    return this.#log.beat(this.#users.length, this.#sender.waiting)
  }

  send(user: RunUser, method: string, path: string, options: RequestOptions): Promise<Answer> {
    // What was due before the end is sent, if a moment late: an arrival's first request.
    const mayStill = user.isTearingDown || user.dueAtMs !== undefined
    if (this.#state !== "running" && !(this.#state === "draining" && mayStill)) {
      return Promise.reject(new StoppedError())
    }
    return this.#sender.send(user, method, path, options)
  }

  /** A user's own pause in the middle of a task. */
  async sleep(ms: number): Promise<void> {
    await this.#pause(ms)
    if (this.#state !== "running") throw new StoppedError()
  }

  nextRow<Row>(user: RunUser, rows: Rows<Row>): Row {
    return this.#handout.next(rows, user, this.#schedule.phase.share)
  }

  #tick(): void {
    clearTimeout(this.#ticking)
    const nowMs = this.#clock()
    const { endsAtMs } = this.#options
    const untilMs = Math.min(nowMs, endsAtMs)
    const { kind } = this.#schedule.phase.offer
    const nextAtMs = kind === "users" ? this.#adjustUsers(untilMs) : this.#sendArrivals(untilMs)
    if (nowMs >= endsAtMs) {
      this.#drain()
      return
    }
    // Never for ever: the largest delay that a timer takes.
    const delayMs = Math.min(nextAtMs, endsAtMs, nowMs + 60_000) - this.#clock()
    this.#ticking = setTimeout(() => this.#tick(), Math.max(0, delayMs))
  }

  /** Sends what is due by now; says when the next one is. */
  #sendArrivals(nowMs: number): number {
    for (;;) {
      const dueAtMs = this.#schedule.takeArrival(nowMs)
      if (dueAtMs === undefined) return this.#schedule.nextArrivalMs()
      const user = this.#newUser(dueAtMs)
      if (this.#alive >= usersMax / this.#schedule.phase.share.of) this.#notSent()
      else void this.#visit(user)
    }
  }

  #notSent(): void {
    const { name } = pickTask(this.#options.scenario, this.random)
    this.#log.notSent(name, `not sent: ${usersMax} requests already waited for their answers`)
  }

  /** Starts and ends users until they are as many as they ought to be now; says when to look again. */
  #adjustUsers(nowMs: number): number {
    const wanted = this.#schedule.usersAt(nowMs)
    while (this.#users.length < wanted) {
      const user = this.#newUser(undefined)
      this.#users.push(user)
      void this.#live(user)
    }
    while (this.#users.length > wanted) this.#users.pop()!.isLeaving = true
    const { offer, offerAtMs } = this.#schedule.phase
    const isSettled = nowMs > offerAtMs + lastStageMs(offer.profile)
    return nowMs + (isSettled ? settledTickMs : usersTickMs)
  }

  #newUser(dueAtMs: number | undefined): RunUser {
    this.#log.usersStarted += 1
    return new RunUser(this, this.#schedule.takeUserNumber(), dueAtMs)
  }

  /** A user's life, in the closed model. */
  async #live(user: RunUser): Promise<void> {
    this.#alive += 1
    const { setUp } = this.#options.scenario
    let state: unknown
    let isSetUp = setUp === undefined
    while (this.#state === "running" && !user.isLeaving) {
      if (!isSetUp) {
        isSetUp = await this.#try("set-up", async () => {
          state = await setUp?.(user)
        })
        if (!isSetUp) {
          await this.#pause(threwWaitMs)
          continue
        }
      }
      const startedAtMs = this.#clock()
      const sentBefore = user.requests
      const went = await this.#runTask(user, state)
      const pauseMs = went ? this.#pauseMs(user, this.#clock() - startedAtMs) : threwWaitMs
      // A task that sends nothing and waits for nothing must not keep the thread to itself.
      if (pauseMs > 0 || user.requests === sentBefore) await this.#pause(Math.max(1, pauseMs))
    }
    if (isSetUp) await this.#tearDown(user, state)
    this.#leave()
  }

  /** That of an arrival, in the open one: it comes, does one task, and goes. */
  async #visit(user: RunUser): Promise<void> {
    this.#alive += 1
    const { setUp } = this.#options.scenario
    let state: unknown
    const isSetUp =
      setUp === undefined ||
      (await this.#try("set-up", async () => {
        state = await setUp(user)
      }))
    if (isSetUp) {
      await this.#runTask(user, state)
      await this.#tearDown(user, state)
    }
    this.#leave()
  }

  #leave(): void {
    this.#alive -= 1
    if (this.#state === "draining" && this.#alive === 0) this.#finish()
  }

  /** Whether it ended well. */
  async #runTask(user: RunUser, state: unknown): Promise<boolean> {
    const task = pickTask(this.#options.scenario, this.random)
    try {
      await task.run(user, state)
      return true
    } catch (error) {
      return this.#threw(task.name, error)
    }
  }

  async #tearDown(user: RunUser, state: unknown): Promise<void> {
    const { tearDown } = this.#options.scenario
    if (tearDown === undefined) return
    user.isTearingDown = true
    await this.#try("tear-down", async () => {
      await tearDown(user, state)
    })
  }

  async #try(what: string, work: () => Promise<void>): Promise<boolean> {
    try {
      await work()
      return true
    } catch (error) {
      return this.#threw(what, error)
    }
  }

  #threw(what: string, error: unknown): false {
    if (!(error instanceof StoppedError)) this.#log.threw(what, error)
    return false
  }

  #pauseMs(user: RunUser, tookMs: number): number {
    let ms: number
    try {
      ms = waitMs(this.#options.scenario.wait, user, tookMs)
    } catch (error) {
      this.#threw("wait", error)
      ms = threwWaitMs
    }
    return user.isUnconnected ? Math.max(ms, unconnectedWaitMs) : ms
  }

  #pause(ms: number): Promise<void> {
    if (this.#state !== "running") return Promise.resolve()
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#sleeping.delete(timer)
        resolve()
      }, ms)
      this.#sleeping.set(timer, resolve)
    })
  }

  #sweep(): void {
    const error = () => new CutOffError("timeout", `no answer within ${this.#timeoutMs} ms`)
    this.#sender.cutOff(this.#clock() - this.#timeoutMs, error)
  }

  #drain(): void {
    if (this.#state !== "running") return
    this.#enter("draining")
    clearTimeout(this.#ticking)
    for (const [timer, wake] of this.#sleeping) {
      clearTimeout(timer)
      wake()
    }
    this.#sleeping.clear()
    this.#draining = setTimeout(() => {
      const error = () => new CutOffError("unanswered", "unanswered when the run ended")
      this.#sender.cutOff(Number.POSITIVE_INFINITY, error)
      // A task may wait for something that is not a request; it is not waited for.
      this.#draining = setTimeout(() => this.#finish(), 50)
    }, this.#options.graceMs)
    if (this.#alive === 0) this.#finish()
  }

  #finish(): void {
    if (this.#state === "over") return
    this.#enter("over")
    clearTimeout(this.#draining)
    clearInterval(this.#sweeping)
    const beat = this.beat()
    this.#log.close()
    void this.#sender.close().then(() => {
      assert.equal(this.#sleeping.size, 0, "nobody sleeps any more")
      this.#options.over(beat)
    })
  }

  #enter(state: "draining" | "over"): void {
    assert.equal(this.#state, state === "draining" ? "running" : "draining")
    this.#state = state
  }
}
