/**
 * The worker pool: one task a worker, all waiting on the main thread.
 *
 * What it promises:
 * - No more than `size` tasks run at once, and never two on one worker. A task whose outcome was
 *   told (late, cancelled) still counts until its worker has answered or exited, since until then it
 *   still burns CPU.
 * - A task has exactly one outcome, whatever happens to its worker.
 * - A worker that dies costs the task that it was running and nothing else. A task that it had been
 *   given but never begun goes back to the head of the queue.
 * - `size + spares` workers are kept up. Which of the idle ones is the spare is of no importance;
 *   there is one to take over while a new one boots.
 * - Nothing is left when `close` has resolved.
 *
 * Who may enter is not decided here but in admission.ts: the pool takes what it is given.
 */
import { backoffMs } from "../../core/backoff.ts"
import { type Clock, monotonicClock } from "../../core/clock.ts"
import type { Call, Fault, Outcome, Ticket } from "../outcome.ts"
import {
  type PoolEvents,
  type PoolOptions,
  StuckWorkerError,
  type WorkerCounts,
} from "./contract.ts"
import type { WorkerOutcome } from "./protocol.ts"
import { TaskQueue } from "./queue.ts"
import type { Estimate, Task } from "./task.ts"
import { type WorkerExit, WorkerThread } from "./worker-thread.ts"

/** How long a thread that was terminated may take to end, when it is not stuck in native code. */
const terminationMsMax = 2000

export class Pool {
  readonly #options: PoolOptions
  readonly #events: PoolEvents
  readonly #clock: Clock
  readonly #workers = new Set<WorkerThread>()
  /** The one used last is used first: its code and data are still in the caches. */
  readonly #idle: WorkerThread[] = []
  readonly #queue = new TaskQueue()
  readonly #waitingForStart: (() => void)[] = []
  #busy = 0
  #lastId = 0
  #booted = false
  /** Rounds of boots that failed, since the last that worked. */
  #failures = 0
  #lastFault: Fault | undefined
  #bootTimer: NodeJS.Timeout | undefined
  #bootAtMs = 0
  #closed: Promise<void> | undefined
  #onAllGone: (() => void) | undefined
  /** Which waiting task is next. Set by admission. */
  order: "oldest" | "newest" = "oldest"

  constructor(options: PoolOptions, events: PoolEvents) {
    this.#options = options
    this.#events = events
    this.#clock = options.clock ?? monotonicClock
    this.#boot()
  }

  get size(): number {
    return this.#options.size
  }

  get queued(): number {
    return this.#queue.size
  }

  /** Whether a task submitted now would start at once. */
  get hasRoom(): boolean {
    return this.#queue.size === 0 && this.#idle.length > 0 && this.#busy < this.#options.size
  }

  /**
   * `starting` until the first worker has booted, `down` while none is left and none can boot.
   * A pool that replaces a worker is `up`, even if that was its only one.
   */
  get state(): "starting" | "up" | "down" {
    if (this.#lastFault !== undefined && this.#idle.length + this.#busy === 0) return "down"
    return this.#booted ? "up" : "starting"
  }

  /** Why the last boot failed, while none succeeds. */
  get bootFault(): Fault | undefined {
    return this.#lastFault
  }

  counts(): WorkerCounts {
    let booting = 0
    for (const worker of this.#workers) if (worker.state === "booting") booting += 1
    return { booting, idle: this.#idle.length, busy: this.#busy }
  }

  /**
   * How long a task submitted now would wait for a worker, by the estimates: what runs and what
   * waits, shared among the workers. While no worker can start, until the next try.
   */
  predictedWaitMs(nowMs: number): number {
    if (this.hasRoom) return 0
    if (this.state === "down") return Math.max(0, this.#bootAtMs - nowMs)
    let remainingMs = this.#queue.estimateMs
    for (const worker of this.#workers) {
      const task = worker.task
      if (task === undefined) continue
      remainingMs += Math.max(0, (task.estimate.ms ?? 0) - (nowMs - task.startedAtMs))
    }
    return remainingMs / this.#options.size
  }

  /** For how long the operation's longest call has been running, `undefined` when none is. */
  longestRunMs(operation: string): number | undefined {
    let startedAtMs: number | undefined
    for (const { task } of this.#workers) {
      if (task?.call.name !== operation) continue
      startedAtMs = Math.min(startedAtMs ?? Number.POSITIVE_INFINITY, task.startedAtMs)
    }
    return startedAtMs === undefined ? undefined : this.#clock() - startedAtMs
  }

  /** Resolves when the first worker is up or the first boot has failed; `state` says which. */
  async started(): Promise<void> {
    if (this.state !== "starting") return
    await new Promise<void>((resolve) => this.#waitingForStart.push(resolve))
  }

  /**
   * Takes a task. It runs at once when there is room, else it waits.
   */
  submit(call: Call, estimate: Estimate): Ticket {
    if (this.#closed !== undefined) throw new Error("The pool is closed.")
    const { promise, resolve } = Promise.withResolvers<Outcome>()
    this.#lastId = this.#lastId === 0x7fff_ffff ? 1 : this.#lastId + 1
    const task: Task = {
      id: this.#lastId,
      call,
      estimate,
      resolve,
      state: "queued",
      startedAtMs: 0,
      timer: undefined,
      outcome: undefined,
      wasPutBack: false,
      older: undefined,
      newer: undefined,
    }
    task.timer = setTimeout(() => this.#late(task), call.deadlineAtMs - this.#clock())
    if (this.hasRoom) this.#start(task, this.#clock())
    else this.#queue.add(task)
    return {
      outcome: promise,
      cancel: () => this.#giveUp(task, "cancelled"),
      pull: (count) => this.#workerOf(task)?.pull(count),
    }
  }

  /**
   * Ends the pool. Queued tasks must have been waited for or cancelled; those still there are told
   * that they expired. Idle workers dispose of what `setup` made, for `graceMs` at most; busy ones are
   * terminated.
   * @throws {StuckWorkerError} when a worker does not end: it is in native code, where nothing can
   * reach it. It no longer keeps the process alive.
   */
  close(graceMs: number): Promise<void> {
    this.#closed ??= this.#close(graceMs)
    return this.#closed
  }

  async #close(graceMs: number): Promise<void> {
    clearTimeout(this.#bootTimer)
    for (let task = this.#queue.take("oldest"); task; task = this.#queue.take("oldest")) {
      this.#settle(task, { kind: "expired", where: "queue" })
    }
    const allGone = new Promise<void>((resolve) => {
      this.#onAllGone = resolve
    })
    for (const worker of this.#workers) {
      if (worker.state === "busy") worker.terminate()
      else worker.stop(graceMs)
    }
    this.#idle.length = 0
    if (this.#workers.size > 0) {
      const timer = setTimeout(() => this.#onAllGone?.(), graceMs + terminationMsMax)
      await allGone
      clearTimeout(timer)
    }
    if (this.#workers.size > 0) {
      for (const worker of this.#workers) worker.abandon()
      throw new StuckWorkerError(this.#workers.size)
    }
    if (this.#busy !== 0 || this.#queue.size !== 0) {
      throw new Error(
        `The pool closed with ${this.#busy} tasks running, ${this.#queue.size} queued.`,
      )
    }
    this.#releaseWaiting()
  }

  #late(task: Task): void {
    this.#giveUp(task, "expired")
  }

  /** Tells the outcome at once; the worker's slot is freed when the worker is. */
  #giveUp(task: Task, kind: "expired" | "cancelled"): void {
    if (task.state === "settled") return
    if (task.state === "queued") {
      this.#unqueue(task)
      this.#settle(task, { kind, where: "queue" })
    } else {
      this.#settle(task, { kind, where: "running" })
      this.#workerOf(task)?.cancel(this.#options.cancelGraceMs)
    }
  }

  #dispatch(): void {
    while (this.#queue.size > 0 && this.#idle.length > 0 && this.#busy < this.#options.size) {
      const task = this.#queue.take(this.order)!
      if (this.#queue.size === 0) this.#events.emptied?.()
      const nowMs = this.#clock()
      if (nowMs + (task.estimate.ms ?? 0) > task.call.deadlineAtMs) {
        this.#settle(task, { kind: "expired", where: "queue" })
        continue
      }
      this.#start(task, nowMs)
    }
  }

  #start(task: Task, nowMs: number): void {
    task.state = "running"
    task.startedAtMs = nowMs
    this.#busy += 1
    this.#idle.pop()!.run(task, nowMs)
  }

  #unqueue(task: Task): void {
    this.#queue.remove(task)
    if (this.#queue.size === 0) this.#events.emptied?.()
  }

  #settle(task: Task, outcome: Outcome): void {
    if (task.state === "settled") return
    clearTimeout(task.timer)
    const hasRun = task.state === "running"
    task.state = "settled"
    task.outcome = outcome
    task.resolve(outcome)
    if (!hasRun) this.#events.unrun?.(task.call, outcome, task.estimate)
  }

  /** A worker has let go of a task. */
  #release(task: Task, outcome: Outcome, cpuMs: number): void {
    this.#busy -= 1
    this.#settle(task, outcome)
    this.#events.used({
      call: task.call,
      outcome: task.outcome ?? outcome,
      queuedMs: task.startedAtMs - task.call.arrivedAtMs,
      ranMs: this.#clock() - task.startedAtMs,
      cpuMs,
      foretoldMs: task.estimate.foretoldMs,
    })
  }

  #workerOf(task: Task): WorkerThread | undefined {
    for (const worker of this.#workers) if (worker.task === task) return worker
    return undefined
  }

  #boot(): void {
    if (this.#bootTimer !== undefined) return
    while (this.#workers.size < this.#options.size + this.#options.spares) {
      this.#workers.add(
        new WorkerThread(this.#options, {
          ready: (worker) => this.#onReady(worker),
          outcome: (worker, task, outcome, cpuMs) => this.#onOutcome(worker, task, outcome, cpuMs),
          corrected: ({ call, outcome }, cpuMs) => {
            if (outcome !== undefined) this.#events.corrected?.(call, outcome, cpuMs)
          },
          exited: (worker, exit) => this.#onExit(worker, exit),
          log: (message) => this.#events.log?.(message),
        }),
      )
    }
  }

  #onReady(worker: WorkerThread): void {
    this.#booted = true
    this.#failures = 0
    this.#lastFault = undefined
    this.#idle.push(worker)
    this.#events.workerReady?.()
    this.#releaseWaiting()
    this.#dispatch()
  }

  #onOutcome(worker: WorkerThread, task: Task, outcome: WorkerOutcome, cpuMs: number): void {
    if (this.#closed === undefined) this.#idle.push(worker)
    else worker.stop(this.#options.cancelGraceMs)
    this.#release(task, outcome, cpuMs)
    this.#dispatch()
  }

  #onExit(worker: WorkerThread, exit: WorkerExit): void {
    this.#workers.delete(worker)
    const idleAt = this.#idle.indexOf(worker)
    if (idleAt >= 0) this.#idle.splice(idleAt, 1)
    const { task } = exit
    if (task !== undefined) {
      if (!exit.began && !exit.wanted && task.state === "running") {
        this.#busy -= 1
        this.#tryAgain(task, exit)
      } else {
        const outcome: Outcome = exit.wanted
          ? { kind: "cancelled", where: "running" }
          : { kind: "crashed", how: exit.how, fault: exit.fault }
        this.#release(task, outcome, exit.cpuMs)
      }
    }
    if (this.#closed !== undefined) {
      if (this.#workers.size === 0) this.#onAllGone?.()
      return
    }
    this.#replace(exit)
    this.#dispatch()
  }

  /**
   * A task whose worker died before it began goes back to the head of the queue, once: it was not to
   * blame, unless it is its input that can't even be read in a worker's memory. Buffers that moved to
   * the dead worker are gone with it, so the client has to send them again.
   */
  #tryAgain(task: Task, exit: WorkerExit): void {
    if (exit.how === "out-of-memory" || task.wasPutBack) {
      this.#settle(task, { kind: "crashed", how: exit.how, fault: exit.fault })
    } else if (task.call.transfer.length > 0) {
      this.#settle(task, { kind: "shed", reason: "no-workers", retryAfterMs: 1000 })
    } else {
      task.wasPutBack = true
      task.state = "queued"
      this.#queue.putBack(task)
    }
  }

  /** At once after a crash in mid-work; later and later while workers die before they have worked. */
  #replace(exit: WorkerExit): void {
    const bootFailed = !exit.wanted && !exit.proven && exit.task === undefined
    if (bootFailed) {
      this.#lastFault = exit.fault
      // Workers that boot side by side fail side by side: that is one failure.
      if (this.#bootTimer === undefined) {
        this.#failures += 1
        const waitMs = backoffMs(this.#failures)
        this.#bootAtMs = this.#clock() + waitMs
        this.#bootTimer = setTimeout(() => {
          this.#bootTimer = undefined
          this.#boot()
        }, waitMs)
        this.#events.workerDied?.(exit.fault, exit.how, waitMs)
      }
      this.#releaseWaiting()
    } else if (!exit.wanted) {
      this.#events.workerDied?.(exit.fault, exit.how, 0)
    }
    this.#boot()
  }

  #releaseWaiting(): void {
    for (const resolve of this.#waitingForStart.splice(0)) resolve()
  }
}
