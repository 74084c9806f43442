/** One worker, whatever carries it, as the main thread sees it. It goes through {@link WorkerState}s. */
import { toFault } from "../fault.ts"
import { Booting } from "./booting.ts"
import type { Carrier, CarrierEnd, Memory } from "./carrier.ts"
import { causeOf, disposeCutOff, tooSlow } from "./exit.ts"
import { type Given, GivenTasks, postGiven } from "./given.ts"
import { Looks, lookMs } from "./looks.ts"
import {
  claim,
  Flag,
  type FromWorker,
  isLogLevel,
  isTuple,
  type OutcomeMessage,
  type ToWorker,
  type WorkerOutcome,
  wholeOutcome,
} from "./protocol.ts"
import { startCarrier } from "./start.ts"
import type { Task } from "./task.ts"
import { Use } from "./use.ts"
import {
  defaultTerminationMsMax,
  type Told,
  type WorkerEvents,
  type WorkerExit,
  type WorkerOptions,
  type WorkerState,
} from "./worker-contract.ts"

/** How often one is looked at that was given up. */
const lookAgainMs = 1000
/** How long a retired worker whose task has settled may take to end by itself. */
const leavingMsMax = 60_000

export class WorkerThread {
  #state: WorkerState = "booting"
  /** The one that it answered last. */
  #lastTask: Task | undefined
  #error: unknown
  #terminated = false
  #leavingMs = leavingMsMax
  #mayEnd = true
  readonly #looks: Looks
  /** We end it, or let it end. */
  #wanted = false
  #proven = false
  #isLeaving = false
  readonly #booting: Booting
  /** `setup`, then the grace of a cancelled task, then that of `dispose`, or of the thread's end. */
  #timer: NodeJS.Timeout | undefined
  readonly #given: GivenTasks
  readonly #carrier: Carrier
  readonly #use: Use
  readonly #terminationMsMax: number
  readonly #events: WorkerEvents

  constructor(options: WorkerOptions, events: WorkerEvents) {
    const { setupTimeoutMs, terminationMsMax = defaultTerminationMsMax } = options
    this.#booting = new Booting(options)
    this.#terminationMsMax = terminationMsMax
    this.#looks = new Looks(terminationMsMax)
    this.#events = events
    this.#carrier = startCarrier(options, {
      message: (message) => this.#receive(message),
      unreadable: (error) => this.#fail(error),
      failed: (error) => {
        this.#error ??= error
      },
      exited: (end) => this.#exit(end),
    })
    this.#given = new GivenTasks(this.#carrier.flags)
    this.#use = new Use(this.#carrier)
    this.#timer = setTimeout(() => this.#fail(tooSlow(setupTimeoutMs)), setupTimeoutMs)
  }

  get state(): WorkerState {
    return this.#state
  }

  /** Those that it can do, once it is ready. */
  get operations(): ReadonlySet<string> {
    return this.#booting.operations
  }

  /** Whether it is to end as soon as it is idle. */
  get isLeaving(): boolean {
    return this.#isLeaving
  }

  /** What it is at, as far as known here. */
  get task(): Task | undefined {
    return this.#given.first?.task
  }

  get given(): Pick<GivenTasks, "ahead" | "aheadCount" | "aheadMs" | "isPastFirst" | "lastId"> {
    return this.#given
  }

  get memory(): Memory {
    return this.#carrier.memory
  }

  has(task: Task): boolean {
    return this.#given.find(task) !== undefined
  }

  /** CPU time that its task has used so far. */
  get taskCpuMs(): number {
    return this.#use.taskCpuMs()
  }

  /** Gives an idle worker a task. */
  run(task: Task, nowMs: number): void {
    this.#move("idle", "busy")
    this.#use.taskBegins(nowMs)
    const given = this.#given.add(task)
    try {
      postGiven(this.#carrier, given)
    } catch (thrown) {
      // The input holds something that can't cross (a schema that changes what it is given, say).
      // Told later, since a queue full of them would otherwise be told on one stack.
      claim(this.#carrier.flags, given)
      const outcome: WorkerOutcome = { kind: "error", fault: toFault(thrown) }
      queueMicrotask(() => this.#end(given, { outcome, ranMs: 0, cpuMs: 0, foretoldMs: undefined }))
    }
  }

  /**
   * Gives a busy worker a task that it is to begin after those that it has. Says whether it could: not
   * when the input can't cross, for instance.
   */
  giveAhead(task: Task): boolean {
    if (this.#state !== "busy" || this.#given.isFull || !this.#carrier.sharesMemory) return false
    try {
      postGiven(this.#carrier, this.#given.add(task))
      return true
    } catch {
      // The worker does not know of it.
      this.#given.takeBack(task)
      return false
    }
  }

  /** Takes back a task that it has not begun, and says whether it could. */
  takeBack(task: Task): boolean {
    return this.#given.takeBack(task)
  }

  /** Asks a task that has begun to stop, and ends the worker when it has not within the grace. */
  cancel(task: Task, graceMs: number): void {
    const given = this.#given.find(task)
    if (given === undefined || this.#state !== "busy" || given.graceMs !== undefined) return
    this.#given.cancel(given, graceMs)
    this.#tell({ type: "cancel", id: given.id })
    // Else it begins when what came before it is known here to be done.
    if (given === this.#given.first) this.#beginGrace(graceMs)
  }

  /** Streaming: lets the task send `count` more items. */
  pull(count: number): void {
    const given = this.#given.first
    if (given !== undefined) this.#tell({ type: "pull", id: given.id, count })
  }

  /** Ends an idle or booting worker in good order: `dispose` runs, for `graceMs` at most. */
  stop(graceMs: number): void {
    this.#clearTimer()
    if (this.#state === "booting") {
      this.end()
    } else if (this.#state === "idle") {
      this.#wanted = true
      this.#move("idle", "ending")
      this.#tell({ type: "stop" })
      this.#timer = setTimeout(() => {
        if (this.#mayBeEnded) this.#events.log(disposeCutOff(graceMs))
        this.end()
      }, graceMs)
    }
  }

  /** Gets no new task: it ends when it has none. Those that it has not begun can be taken back. */
  leave(): void {
    this.#isLeaving = true
  }

  /** Ends it as one that failed: nobody can use what it is ready for, or it has too much memory. */
  reject(error: Error): void {
    this.#fail(error)
  }

  /** Does not keep the process alive any more. */
  abandon(): void {
    this.#clearTimer()
    this.#carrier.unref()
  }

  /** Ends it, whatever it does, as soon as no addon works for its thread. */
  end(): void {
    this.#wanted = true
    this.#endSoon()
  }

  /** One that can't be ended for long asks to be done without, as a retired one. */
  #endSoon(): void {
    this.#clearTimer()
    this.#isLeaving = true
    if (this.#mayBeEnded) {
      this.#terminate()
    } else {
      if (this.#looks.areEnough()) this.#lingers()
      this.#timer = setTimeout(() => this.#endSoon(), lookMs)
    }
  }

  /** The pool closes: ends a worker that was done without, `ms` after its task has settled at most. */
  hurry(ms: number): void {
    this.#leavingMs = Math.min(this.#leavingMs, ms)
    if (this.#state !== "ending" || this.#terminated) return
    this.#clearTimer()
    this.#timer = setTimeout(() => this.end(), this.#leavingMs)
  }

  #terminate(): void {
    if (this.#terminated || this.#state === "exited") return
    this.#terminated = true
    this.#use.ends()
    if (this.#wanted) this.#state = "ending"
    this.#clearTimer()
    this.#carrier.terminate()
    this.#timer = setTimeout(() => this.#stick(), this.#terminationMsMax).unref()
  }

  /** It does not end, or can't be ended. It asks to be done without until it may, or has. */
  #stick(): void {
    this.#state = "stuck"
    if (!this.#lingers()) this.#timer = setTimeout(() => this.#stick(), lookAgainMs).unref()
  }

  #lingers(): boolean {
    const isDoneWithout = this.#events.lingers(this, () => this.#leave())
    // What it died of has been told.
    this.#wanted ||= isDoneWithout
    return isDoneWithout
  }

  #receive(message: FromWorker): void {
    if (isTuple(message)) {
      this.#finish(message)
      return
    }
    // User code can reach this port as well, and post what it likes: that is left alone.
    if (typeof message !== "object" || message === null) return
    if (message.type === "setup") {
      this.#booting.begins(message.operations)
    } else if (message.type === "ready") {
      // What it says while it is being ended, for having taken too long say, comes too late.
      if (this.#state !== "booting" || this.#isLeaving) return
      this.#clearTimer()
      this.#use.is(message.nativeThreadId)
      void this.#carrier.memory.ready()
      this.#booting.ends(message.failed)
      this.#move("booting", "idle")
      this.#events.ready(this, message.failed)
    } else if (message.type === "item") {
      const given = this.#given.first
      if (given?.id === message.id && given.task.state === "running")
        given.task.call.onItem?.(message.json)
    } else if (message.type === "leftover") {
      this.#events.leftover(this, message)
    } else if (message.type === "log" && isLogLevel(message.level)) {
      this.#events.log(message)
    }
  }

  #finish([id, outcome, ranMs, cpuMs, cpuMsBefore, idleCpuMs, foretoldMs]: OutcomeMessage): void {
    if (this.#state === "retired" || this.#state === "stuck") {
      this.#settled()
      return
    }
    const given = this.#given.first
    // Its last words while it was being terminated: the exit speaks for it.
    if (this.#state !== "busy" || given?.id !== id) return
    this.#proven = true
    if (this.#lastTask !== undefined) this.#events.corrected(this.#lastTask, cpuMsBefore)
    this.#lastTask = given.task
    this.#use.taskEnded(cpuMsBefore + cpuMs + idleCpuMs)
    this.#end(given, { outcome: wholeOutcome(outcome), ranMs, cpuMs, foretoldMs })
  }

  #end(given: Given, told: Told): void {
    if (this.#state !== "busy" || this.#given.first !== given) return
    this.#clearTimer()
    this.#given.shift()
    const next = this.#given.first
    if (next === undefined) {
      this.#move("busy", "idle")
    } else {
      this.#use.taskBegins(performance.now())
      if (next.graceMs !== undefined) this.#beginGrace(next.graceMs)
    }
    this.#events.outcome(this, given.task, told)
  }

  #beginGrace(graceMs: number): void {
    this.#looks.begin()
    this.#timer = setTimeout(() => this.#endGrace(), graceMs)
  }

  /** Whether it can be ended without ending the process: see addon-works.ts. */
  get #mayBeEnded(): boolean {
    return Atomics.load(this.#carrier.flags, Flag.addonWorks) === 0
  }

  #endGrace(): void {
    // Else it would be the next one that is ended. Timers come before messages.
    if (this.#given.isPastFirst) return
    this.#mayEnd = this.#given.first?.task.call.operation.stop === "terminate"
    if (this.#mayEnd && this.#mayBeEnded) {
      this.end()
    } else if (!this.#carrier.waited() || !this.#retires()) {
      // It computes beside an addon's work, or too many are retired; but not for ever.
      this.#carrier.mark()
      this.#wanted = this.#looks.areEnough() && this.#mayEnd
      if (this.#wanted) this.#stick()
      else this.#timer = setTimeout(() => this.#endGrace(), lookMs)
    }
  }

  /** Asks to be done without. Says whether it is. */
  #retires(): boolean {
    this.#state = "retired"
    let exit: WorkerExit | undefined
    const isDoneWithout = this.#events.lingers(this, () => {
      exit = this.#leave()
      return exit
    })
    if (!isDoneWithout) this.#state = "busy"
    // It had not even read the message, and will not answer.
    else if (exit?.begun.length === 0) this.#settled()
    else this.#watchRetired()
    return isDoneWithout
  }

  /** One whose task does not settle though the addon has done its work is ended. */
  #watchRetired(): void {
    if (this.#mayEnd && this.#mayBeEnded) this.end()
    else this.#timer = setTimeout(() => this.#watchRetired(), lookAgainMs)
  }

  /** The task of one that was given up has settled: its thread ends when nothing is left to do there. */
  #settled(): void {
    this.#wanted = true
    this.#state = "ending"
    this.#clearTimer()
    this.#tell({ type: "leave" })
    this.#timer = setTimeout(() => this.end(), this.#leavingMs)
  }

  #fail(error: unknown): void {
    this.#error ??= error
    // Not wanted by us: it counts as a failure.
    this.#endSoon()
  }

  #exit(end: CarrierEnd): void {
    this.#clearTimer()
    this.#state = "exited"
    this.#events.exited(this, this.#leave(end))
  }

  /** Lets go of all that it has. */
  #leave(end?: CarrierEnd): WorkerExit {
    const { begun, unbegun } = this.#given.takeAll()
    return {
      begun,
      unbegun,
      cpuMs: this.#use.taskCpuMs(),
      ...causeOf(this.#error, end),
      inSetup: this.#booting.inSetup,
      wanted: this.#wanted || this.#state === "retired",
      proven: this.#proven,
    }
  }

  #tell(message: ToWorker): void {
    this.#carrier.post(message, [])
  }

  #move(from: WorkerState, to: WorkerState): void {
    if (this.#state !== from)
      throw new Error(`A worker that is ${this.#state} can't go ${from} → ${to}.`)
    this.#state = to
  }

  #clearTimer(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
