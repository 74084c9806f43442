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
import type { LogMessage, WorkerOutcome } from "./protocol.ts"
import { TaskQueue } from "./queue.ts"
import type { Estimate, Task } from "./task.ts"
import { type WorkerExit, type WorkerOptions, WorkerThread } from "./worker-thread.ts"

export interface PoolOptions extends WorkerOptions {
  /** How many tasks run at once. */
  readonly size: number
  /** Booted workers beyond that. */
  readonly spares: number
  readonly cancelGraceMs: number
  readonly clock?: Clock
}

/** What a task took, told when its worker is free again (which may be after its outcome was told). */
export interface TaskUse {
  readonly call: Call
  readonly outcome: Outcome
  readonly queuedMs: number
  readonly ranMs: number
  /** As far as known; see `corrected`. */
  readonly cpuMs: number
  /** See {@link Estimate}. */
  readonly foretoldMs: number | undefined
}

export interface PoolEvents {
  /** Once for each task that ran. */
  used(use: TaskUse): void
  /** A task took so much more CPU than was told of it. Told when its worker has had another. */
  corrected?(call: Call, outcome: Outcome, cpuMs: number): void
  /** A queued task was not run, since it was or would have been late. */
  late?(): void
  /** The last waiting task has left the queue. */
  emptied?(): void
  workerReady?(): void
  /** A worker ended without being told to. `retryInMs` is set when the next start waits. */
  workerDied?(fault: Fault, how: WorkerExit["how"], retryInMs: number): void
  log?(message: LogMessage): void
}

export interface WorkerCounts {
  readonly booting: number
  readonly idle: number
  readonly busy: number
}

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
   * waits, shared among the workers.
   */
  predictedWaitMs(nowMs: number): number {
    if (this.hasRoom) return 0
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
   * that they expired. Idle workers dispose of what `setup` made; busy ones are terminated.
   */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    clearTimeout(this.#bootTimer)
    for (let task = this.#queue.take("oldest"); task; task = this.#queue.take("oldest")) {
      this.#settle(task, { kind: "expired", where: "queue" })
    }
    const allGone = new Promise<void>((resolve) => {
      this.#onAllGone = resolve
    })
    for (const worker of this.#workers) {
      if (worker.state === "busy") worker.terminate()
      else worker.stop(this.#options.cancelGraceMs)
    }
    this.#idle.length = 0
    if (this.#workers.size > 0) await allGone
    if (this.#busy !== 0 || this.#queue.size !== 0) {
      throw new Error(
        `The pool closed with ${this.#busy} tasks running, ${this.#queue.size} queued.`,
      )
    }
    this.#releaseWaiting()
  }

  #late(task: Task): void {
    if (task.state === "queued") this.#events.late?.()
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
        this.#events.late?.()
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
    task.state = "settled"
    task.outcome = outcome
    task.resolve(outcome)
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
        task.state = "queued"
        this.#queue.putBack(task)
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

  /** At once after a crash in mid-work; later and later while workers die before they have worked. */
  #replace(exit: WorkerExit): void {
    const bootFailed = !exit.wanted && !exit.proven && exit.task === undefined
    if (bootFailed) {
      this.#lastFault = exit.fault
      // Workers that boot side by side fail side by side: that is one failure.
      if (this.#bootTimer === undefined) {
        this.#failures += 1
        const waitMs = backoffMs(this.#failures)
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
