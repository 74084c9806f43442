/**
 * The worker pool: one task a worker, the others wait on the main thread.
 *
 * What it promises:
 * - No more than `size` tasks run at once, and never two on one worker. A task whose outcome was
 *   told (late, cancelled) still counts until its worker has answered or exited, since until then it
 *   still burns CPU.
 * - A task has exactly one outcome, whatever happens to its worker.
 * - A worker that dies costs the task that it was running and nothing else. A task that it had been
 *   given but never begun goes back to the head of the queue.
 * - A worker that can't be ended, or must not be yet, is done without: it lingers, and another takes its
 *   slot. As many linger as there are slots; one more keeps its slot, and a pool of which every slot is
 *   stuck is down.
 * - Short tasks are given to busy workers ahead of their turn (see ahead.ts). They count as waiting
 *   until they begin.
 * - `size + spares` workers are kept up (staff.ts says when). Which of the idle ones is the spare is of
 *   no importance; there is one to take over while a new one boots.
 * - A worker that is ready can do what every other can. Operations whose `setup` fails are refused.
 * - Nothing is left when `close` has resolved.
 *
 * Who may enter is decided in admission.ts: the pool takes what it is given.
 */
import { type Clock, monotonicClock } from "../../core/clock.ts"
import { shed } from "../admission.ts"
import type { Call, Fault, Outcome, ShedReason, Ticket } from "../outcome.ts"
import {
  type PoolEvents,
  type PoolOptions,
  StuckWorkerError,
  type WorkerCounts,
} from "./contract.ts"
import { fateOfUnbegun, outcomeOfBegun, untilGone } from "./exit.ts"
import { Lingering } from "./lingering.ts"
import type { FailedSetup } from "./protocol.ts"
import { Staff, type Wanted } from "./staff.ts"
import { type Estimate, newTask, type Task } from "./task.ts"
import { Waiting } from "./waiting.ts"
import { defaultTerminationMsMax, type Told, type WorkerExit } from "./worker-contract.ts"
import { WorkerThread } from "./worker-thread.ts"
import { bootingCount, mostCpuMs, takeOut, workerOf } from "./workers.ts"

export class Pool {
  readonly #options: PoolOptions
  readonly #events: PoolEvents
  readonly #clock: Clock
  /** The one used last is used first: its code and data are still in the caches. */
  readonly #idle: WorkerThread[] = []
  readonly #waiting: Waiting
  #busy = 0
  readonly #staff: Staff
  readonly #lingering: Lingering
  #closed: Promise<void> | undefined
  readonly #allGone = Promise.withResolvers<void>()

  constructor(options: PoolOptions, events: PoolEvents) {
    this.#options = options
    this.#events = events
    this.#clock = options.clock ?? monotonicClock
    this.#staff = new Staff({
      pool: options,
      clock: this.#clock,
      events,
      serving: () => this.#idle.length + this.#busy,
      hire: (wanted) => this.#hire(wanted),
      dismiss: (worker) => this.#dismiss(worker),
    })
    this.#waiting = new Waiting({
      workers: this.#staff.workers,
      clock: this.#clock,
      promisesHoldSinceMs: options.promisesHoldSinceMs,
      meanMs: () => options.meanMs?.(),
      slots: () => this.#lingering.slotsLeft,
      filled: events.filled,
      emptied: events.emptied,
    })
    this.#lingering = new Lingering(options.size, options.spares, this.#clock)
    this.#staff.keepUp()
  }

  get size(): number {
    return this.#options.size
  }

  /** How many wait, those included that were given to a worker ahead of their turn. */
  get queued(): number {
    return this.#waiting.count
  }

  /** Whether a task submitted now would start at once. */
  get hasRoom(): boolean {
    return this.#waiting.queueIsEmpty && this.#idle.length > 0 && this.#busy < this.#options.size
  }

  /**
   * `starting` until the first worker has booted, `down` while none is left and none can boot, or while
   * every slot is stuck. A pool that replaces a worker is `up`, even if that was its only one.
   */
  get state(): "starting" | "up" | "down" {
    if (this.allStuckSinceMs !== undefined) return "down"
    if (this.#staff.boots.fault !== undefined && this.#idle.length + this.#busy === 0) return "down"
    return this.#staff.boots.hasSucceeded ? "up" : "starting"
  }

  /** Why the last boot failed, while none succeeds. */
  get bootFault(): Fault | undefined {
    return this.#staff.boots.fault
  }

  /** The operations that are refused because their `setup` fails. */
  get failedSetups(): readonly FailedSetup[] {
    return this.#staff.setups.failing
  }

  /** How long until the operation's `setup` is tried again, if it is one of them. */
  setupWaitMs(operation: string, nowMs: number): number | undefined {
    return this.#staff.setups.waitMs(operation, nowMs)
  }

  /** Since when every slot has been stuck, on the pool's clock; `undefined` while one is not. */
  get allStuckSinceMs(): number | undefined {
    return this.#lingering.allStuckSinceMs
  }

  counts(): WorkerCounts {
    const booting = bootingCount(this.#staff.workers)
    return { booting, idle: this.#idle.length, busy: this.#busy, ...this.#lingering.counts }
  }

  /**
   * How long a task submitted now would wait for a worker; while none can start, until the next try.
   * @param peer whose task it is. @default all that waits goes before it
   */
  predictedWaitMs(nowMs: number, peer?: string): number {
    if (this.hasRoom) return 0
    if (this.state === "down") return this.#staff.boots.waitMs(nowMs)
    return this.#waiting.waitMs(nowMs, peer)
  }

  /** Of a task submitted now, if it waits. */
  get waiting(): Pick<Waiting, "ownWaitMs" | "hasBehind"> {
    return this.#waiting
  }

  mostCpuMs(operation: string): number | undefined {
    return mostCpuMs(this.#staff.workers, operation)
  }

  /** Boots the workers after the first. */
  fill(): void {
    this.#staff.fill()
  }

  /** Resolves when the first worker is up or the first boot has failed; `state` says which. */
  started(): Promise<void> {
    return this.#staff.boots.first()
  }

  /** Takes a task. If it has to wait, some that it goes before may have to go: see displaced.ts. */
  submit(call: Call, estimate: Estimate, queueMax = Number.POSITIVE_INFINITY): Ticket {
    if (this.#closed !== undefined) throw new Error("The pool is closed.")
    const { promise, resolve } = Promise.withResolvers<Outcome>()
    const task = newTask(call, estimate, resolve)
    task.timer = setTimeout(() => this.#giveUp(task, "expired"), call.deadlineAtMs - this.#clock())
    if (this.hasRoom) {
      this.#start(task, this.#clock())
    } else {
      for (const other of this.#waiting.add(task, queueMax)) {
        this.#settle(other, shed("displaced", this.predictedWaitMs(this.#clock())))
      }
      this.#waiting.feed()
    }
    this.#staff.hasHadTask()
    return {
      outcome: promise,
      cancel: () => this.#giveUp(task, "cancelled"),
      pull: (count) => workerOf(this.#staff.workers, task)?.pull(count),
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
    this.#staff.end()
    this.#waiting.takeBackAll()
    for (const task of this.#waiting.takeAll()) {
      this.#settle(task, { kind: "expired", where: "queue" })
    }
    for (const worker of this.#staff.workers) {
      if (worker.state === "busy") worker.end()
      else worker.stop(graceMs)
    }
    for (const worker of this.#lingering.workers) worker.hurry(graceMs)
    this.#idle.length = 0
    const { terminationMsMax = defaultTerminationMsMax } = this.#options
    if (this.workers.length > 0) await untilGone(this.#allGone.promise, graceMs + terminationMsMax)
    if (this.workers.length > 0) {
      for (const worker of this.workers) worker.abandon()
      throw new StuckWorkerError(this.workers.length)
    }
    if (this.#busy !== 0 || this.queued !== 0) {
      throw new Error(`The pool closed with ${this.#busy} tasks running, ${this.queued} queued.`)
    }
  }

  /** The workers that have not exited. */
  get workers(): readonly WorkerThread[] {
    return [...this.#staff.workers, ...this.#lingering.workers]
  }

  /** Tells the outcome at once; the worker's slot is freed when the worker is. */
  #giveUp(task: Task, kind: "expired" | "cancelled"): void {
    if (task.state === "settled") return
    const worker = workerOf(this.#staff.workers, task)
    if (worker === undefined) {
      this.#waiting.remove(task)
      this.#settle(task, { kind, where: "queue" })
    } else if (worker.takeBack(task)) {
      this.#settle(task, { kind, where: "queue" })
    } else {
      task.state = "running"
      this.#settle(task, { kind, where: "running" })
      const { cancelGraceMs = this.#options.cancelGraceMs } = task.call.operation
      worker.cancel(task, cancelGraceMs)
    }
  }

  /** Gives waiting tasks to idle workers, then to busy ones ahead of their turn. */
  #dispatch(): void {
    this.#waiting.takeBackOverdue()
    while (this.#idle.length > 0 && this.#busy < this.#options.size) {
      const task = this.#waiting.takeInTime((late) => {
        this.#settle(late, { kind: "expired", where: "queue" })
      })
      if (task !== undefined) this.#start(task, this.#clock())
      else if (!this.#waiting.takeBackOne()) break
    }
    this.#waiting.feed()
  }

  #start(task: Task, nowMs: number): void {
    task.state = "running"
    task.startedAtMs = nowMs
    this.#count(1)
    this.#idle.pop()!.run(task, nowMs)
  }

  #count(by: 1 | -1): void {
    this.#busy += by
    this.#events.busy?.(by)
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
  #release(task: Task, outcome: Outcome, ranMs: number, cpuMs: number, costMs?: number): void {
    this.#settle(task, outcome)
    this.#waiting.took(task, ranMs)
    this.#events.used({
      call: task.call,
      outcome: task.outcome ?? outcome,
      queuedMs: task.startedAtMs - task.call.arrivedAtMs,
      ranMs,
      cpuMs,
      estimateMs: task.estimate.ms,
      foretoldMs: task.estimate.foretoldMs ?? costMs,
    })
  }

  #hire(wanted: Wanted): WorkerThread {
    return new WorkerThread(
      { ...this.#options, ...wanted },
      {
        ready: (worker, failed) => this.#onReady(worker, failed),
        outcome: (worker, task, told) => this.#onOutcome(worker, task, told),
        corrected: ({ call, outcome }, cpuMs) => {
          if (outcome !== undefined) this.#events.corrected?.(call, outcome, cpuMs)
        },
        exited: (worker, exit) => this.#onExit(worker, exit),
        lingers: (worker, leave) => this.#onLingers(worker, leave),
        leftover: (worker, leftover) => {
          this.#events.leftover?.(leftover)
          this.#dismiss(worker)
          // What it was given ahead goes to others.
          this.#dispatch()
        },
        log: (message) => this.#events.log?.(message),
      },
    )
  }

  /** Gives a worker no more tasks: it ends when it has done those that it has begun. */
  #dismiss(worker: WorkerThread): void {
    worker.leave()
    if (takeOut(this.#idle, worker)) worker.stop(this.#options.cancelGraceMs)
  }

  #onReady(worker: WorkerThread, failed: readonly FailedSetup[]): void {
    if (!this.#staff.ready(worker, failed)) return
    for (const { operations } of failed) this.#shedWaiting("setup-failed", operations)
    this.#idle.push(worker)
    this.#events.workerReady?.()
    this.#staff.takeTurns()
    this.#dispatch()
  }

  #onOutcome(worker: WorkerThread, task: Task, told: Told): void {
    const { outcome, ranMs, cpuMs, foretoldMs } = told
    // As seen from here, the way to the worker and back included; what was given ahead may have been
    // over by the time that it was seen to begin.
    const heldMs = Math.max(ranMs, this.#clock() - task.startedAtMs)
    const next = worker.task
    if (next !== undefined) {
      // It was given ahead, and has begun by itself.
      next.startedAtMs = this.#clock()
      if (next.state === "ahead") next.state = "running"
    } else {
      this.#count(-1)
      if (this.#closed === undefined && !worker.isLeaving) this.#idle.push(worker)
      else worker.stop(this.#options.cancelGraceMs)
    }
    this.#release(task, outcome, heldMs, cpuMs, foretoldMs)
    this.#dispatch()
  }

  #onExit(worker: WorkerThread, exit: WorkerExit): void {
    if (!this.#lingering.drop(worker)) this.#doWithout(worker, exit)
    else if (!exit.wanted) this.#events.workerDied?.(exit.fault, exit.how, 0)
    if (this.#closed !== undefined && this.workers.length === 0) this.#allGone.resolve()
  }

  /** A worker asks to be done without. Says whether it is; see the promises above. */
  #onLingers(worker: WorkerThread, leave: () => WorkerExit): boolean {
    if (this.#closed !== undefined) return false
    const isNew = this.#lingering.isNew(worker)
    // One that was retired may be stuck by now.
    const wasTaken = this.#lingering.workers.has(worker)
    const isTaken = wasTaken || this.#lingering.take(worker, this.#staff.isTrial(worker))
    if (isNew) this.#events.workerStuck?.(worker.task?.call, isTaken)
    if (isTaken && !wasTaken) this.#doWithout(worker, leave())
    if (this.state === "down") {
      this.#waiting.takeBackAll()
      this.#shedWaiting("no-workers")
    }
    return isTaken
  }

  /** @param operations of which. @default all */
  #shedWaiting(reason: ShedReason, operations?: readonly string[]): void {
    const isMeant = ({ call }: Task) => operations?.includes(call.name) ?? true
    for (const task of this.#waiting.takeAll(isMeant)) {
      this.#settle(task, { kind: "shed", reason, retryAfterMs: 1000 })
    }
  }

  /** Frees the slot of a worker that is gone, or is done without. */
  #doWithout(worker: WorkerThread, exit: WorkerExit): void {
    takeOut(this.#idle, worker)
    const { begun, unbegun } = exit
    if (begun.length + unbegun.length > 0) this.#count(-1)
    for (const { task } of unbegun.toReversed()) this.#tryAgain(task, exit)
    for (const [at, { task, graceMs }] of begun.entries()) {
      const outcome = outcomeOfBegun(exit, graceMs !== undefined || this.#closed !== undefined)
      if (task.state === "ahead") task.state = "running"
      this.#release(task, outcome, this.#clock() - task.startedAtMs, at === 0 ? exit.cpuMs : 0)
    }
    this.#staff.left(worker, exit)
    if (this.#closed === undefined) this.#dispatch()
  }

  /** A task whose worker died before it began: see {@link fateOfUnbegun}. */
  #tryAgain(task: Task, exit: WorkerExit): void {
    if (task.state === "settled") return
    const fate = fateOfUnbegun(task, exit, this.#closed !== undefined)
    if (fate === "again") {
      task.wasPutBack ||= task.state === "running" && !exit.wanted
      this.#waiting.putBack(task)
    } else {
      if (fate.kind === "expired") task.state = "queued"
      this.#settle(task, fate)
    }
  }
}
