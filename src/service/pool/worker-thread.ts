/**
 * One worker thread, as the main thread sees it.
 *
 * - `booting`: started; it loads the module and runs `setup`.
 * - `idle`: waits for a task.
 * - `busy`: has a task. Cancelled or not, it stays busy until it answers or exits: nobody else may
 *   take its place on the CPU before. It may have been given others ahead of their turn, which it
 *   begins by itself, one after another, without waiting to be told; those that it has not begun can
 *   be taken back.
 * - `ending`: told to stop, or terminated. It takes nothing any more.
 * - `exited`: gone. Final.
 *
 * `booting → idle ⇄ busy`, and from each of them `→ ending → exited` or straight `→ exited`.
 */
import { readFileSync } from "node:fs"
import { Worker } from "node:worker_threads"
import { toFault } from "../fault.ts"
import type { Fault, Outcome } from "../outcome.ts"
import { type Given, GivenTasks } from "./given.ts"
import {
  claim,
  type FromWorker,
  flagBytes,
  isTuple,
  type LogMessage,
  type OutcomeMessage,
  type RunMessage,
  type ToWorker,
  type WorkerOutcome,
  type WorkerSetup,
} from "./protocol.ts"
import type { Task } from "./task.ts"

export type WorkerState = "booting" | "idle" | "busy" | "ending" | "exited"

export interface WorkerOptions {
  readonly moduleUrl: string
  readonly operations: readonly string[]
  readonly nice: number
  readonly memoryMiB: number
  readonly setupTimeoutMs: number
}

export interface WorkerEvents {
  ready(worker: WorkerThread): void
  outcome(worker: WorkerThread, task: Task, told: Told): void
  /** Its last task took so much more CPU than was said of it. */
  corrected(task: Task, cpuMs: number): void
  exited(worker: WorkerThread, exit: WorkerExit): void
  log(message: LogMessage): void
}

/** What a worker said of a task that it has done. */
export interface Told {
  readonly outcome: WorkerOutcome
  readonly ranMs: number
  readonly cpuMs: number
}

export interface WorkerExit {
  /** What it was at, if anything. Two, if it was ended before the first's outcome had come through. */
  readonly begun: readonly Given[]
  /** What it had been given and never begun, in order. */
  readonly unbegun: readonly Given[]
  readonly cpuMs: number
  readonly how: Extract<Outcome, { kind: "crashed" }>["how"]
  readonly fault: Fault
  /** We ended it. */
  readonly wanted: boolean
  /** It had answered a task before, so that a new one can be expected to work as well. */
  readonly proven: boolean
}

/** A worker inherits the options of `node --input-type=module --eval …`, and can't run a file with them. */
const isEvaluated = process.execArgv.some((arg) => arg.startsWith("--input-type"))

const logLevels: ReadonlySet<unknown> = new Set(["debug", "info", "warn", "error"])

const entry = new URL(
  import.meta.url.endsWith(".ts") ? "./worker.ts" : "./worker.js",
  import.meta.url,
)

export class WorkerThread {
  #state: WorkerState = "booting"
  /** The one that it answered last. */
  #lastTask: Task | undefined
  #error: unknown
  #nativeThreadId: number | undefined
  #terminated = false
  #proven = false
  #startedAtMs = 0
  /** CPU time of the thread when its last task had ended, and when it was terminated. */
  #cpuMsBefore = 0
  #cpuMsAtEnd: number | undefined
  /** `setup`, then the grace of a cancelled task, then that of `dispose`. */
  #timer: NodeJS.Timeout | undefined
  readonly #flags = new Int32Array(new SharedArrayBuffer(flagBytes))
  readonly #given = new GivenTasks(this.#flags)
  readonly #worker: Worker
  readonly #events: WorkerEvents

  constructor(options: WorkerOptions, events: WorkerEvents) {
    const { moduleUrl, operations, nice, memoryMiB, setupTimeoutMs } = options
    this.#events = events
    this.#worker = new Worker(entry, {
      name: "capstan",
      workerData: {
        moduleUrl,
        operations,
        nice,
        flags: this.#flags.buffer,
      } satisfies WorkerSetup,
      ...(isEvaluated ? { execArgv: [] } : {}),
      resourceLimits: { maxOldGenerationSizeMb: memoryMiB },
    })
    this.#worker.on("message", (message: FromWorker) => this.#receive(message))
    this.#worker.on("messageerror", (error) => this.#fail(error))
    this.#worker.on("error", (error) => {
      this.#error ??= error
    })
    this.#worker.on("exit", (code) => this.#exit(code))
    this.#timer = setTimeout(() => {
      this.#fail(
        new Error(
          `The worker was not ready within setupTimeoutMs, which is ${setupTimeoutMs} ms: loading the module and \`setup\` took too long.`,
        ),
      )
    }, setupTimeoutMs)
  }

  get state(): WorkerState {
    return this.#state
  }

  /** What it is at, as far as known here. */
  get task(): Task | undefined {
    return this.#given.first?.task
  }

  /** What it was given ahead of its turn, in order. */
  get ahead(): readonly Task[] {
    return this.#given.ahead
  }

  get aheadCount(): number {
    return this.#given.aheadCount
  }

  /** What those will take, by the estimates. */
  get aheadMs(): number {
    return this.#given.aheadMs
  }

  has(task: Task): boolean {
    return this.#given.find(task) !== undefined
  }

  /** CPU time that its task has used so far. */
  get taskCpuMs(): number {
    return this.#usedMs(this.#threadCpuMs())
  }

  /** Gives an idle worker a task. */
  run(task: Task, nowMs: number): void {
    this.#move("idle", "busy")
    this.#startedAtMs = nowMs
    const given = this.#given.add(task)
    try {
      this.#post(given)
    } catch (thrown) {
      // The input holds something that can't cross (a function out of a schema's transform, say).
      // Told later, since a queue full of them would otherwise be told on one stack.
      claim(this.#flags, given)
      const outcome: WorkerOutcome = { kind: "error", fault: toFault(thrown) }
      queueMicrotask(() => this.#end(given, { outcome, ranMs: 0, cpuMs: 0 }))
    }
  }

  /**
   * Gives a busy worker a task that it is to begin after those that it has. Says whether it could: not
   * when the input can't cross, for instance.
   */
  giveAhead(task: Task): boolean {
    if (this.#state !== "busy" || this.#given.isFull) return false
    try {
      this.#post(this.#given.add(task))
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

  /** Asks a task that has begun to stop, and ends the thread when it has not within the grace. */
  cancel(task: Task, graceMs: number): void {
    const given = this.#given.find(task)
    if (given === undefined || this.#state !== "busy" || given.graceMs !== undefined) return
    this.#given.cancel(given, graceMs)
    this.#worker.postMessage({ type: "cancel", id: given.id } satisfies ToWorker)
    // Else it begins when what came before it is known here to be done.
    if (given === this.#given.first) this.#beginGrace(graceMs)
  }

  /** Streaming: lets the task send `count` more items. */
  pull(count: number): void {
    const given = this.#given.first
    if (given !== undefined)
      this.#worker.postMessage({ type: "pull", id: given.id, count } satisfies ToWorker)
  }

  /** Ends an idle or booting worker in good order: `dispose` runs, for `graceMs` at most. */
  stop(graceMs: number): void {
    this.#clearTimer()
    if (this.#state === "booting") {
      this.terminate()
    } else if (this.#state === "idle") {
      this.#move("idle", "ending")
      this.#worker.postMessage({ type: "stop" } satisfies ToWorker)
      this.#timer = setTimeout(() => {
        const message = `dispose was cut off: it took longer than the ${Math.round(graceMs)} ms that were left`
        this.#events.log({ type: "log", requestId: "", level: "warn", message, fields: undefined })
        this.terminate()
      }, graceMs)
    }
  }

  /** Does not keep the process alive any more. */
  abandon(): void {
    this.#worker.unref()
  }

  /** Ends it at once, whatever it does. */
  terminate(): void {
    if (this.#terminated || this.#state === "exited") return
    this.#terminated = true
    // Afterwards the kernel no longer tells what the thread has used.
    this.#cpuMsAtEnd = this.#threadCpuMs()
    this.#state = "ending"
    void this.#worker.terminate()
  }

  #post({ task: { call }, id, slot }: Given): void {
    const { path, query, headers, body } = call.input
    const message: RunMessage = [
      id,
      call.name,
      path,
      query,
      headers,
      body,
      call.requestId,
      performance.timeOrigin + call.deadlineAtMs,
      call.encoding,
      slot,
    ]
    if (call.transfer.length === 0) this.#worker.postMessage(message)
    else this.#worker.postMessage(message, [...call.transfer])
  }

  #receive(message: FromWorker): void {
    if (isTuple(message)) {
      this.#finish(message)
      return
    }
    // User code can reach this port as well, and post what it likes: that is left alone.
    if (typeof message !== "object" || message === null) return
    if (message.type === "ready") {
      // What it says while it is being ended for having taken too long comes too late.
      if (this.#state !== "booting" || this.#error !== undefined) return
      this.#clearTimer()
      this.#nativeThreadId = message.nativeThreadId
      this.#cpuMsBefore = this.#threadCpuMs() ?? 0
      this.#move("booting", "idle")
      this.#events.ready(this)
    } else if (message.type === "item") {
      const given = this.#given.first
      if (given?.id === message.id && given.task.state === "running")
        given.task.call.onItem?.(message.json)
    } else if (message.type === "log" && logLevels.has(message.level)) {
      this.#events.log(message)
    }
  }

  #finish([id, outcome, ranMs, cpuMs, cpuMsBefore, idleCpuMs]: OutcomeMessage): void {
    const given = this.#given.first
    // Its last words while it was being terminated: the exit speaks for it.
    if (this.#state !== "busy" || given?.id !== id) return
    this.#proven = true
    if (this.#lastTask !== undefined) this.#events.corrected(this.#lastTask, cpuMsBefore)
    this.#lastTask = given.task
    this.#cpuMsBefore += cpuMsBefore + cpuMs + idleCpuMs
    const told: WorkerOutcome =
      typeof outcome === "string"
        ? { kind: "done", reply: { kind: "json", text: outcome } }
        : outcome
    this.#end(given, { outcome: told, ranMs, cpuMs })
  }

  #end(given: Given, told: Told): void {
    if (this.#state !== "busy" || this.#given.first !== given) return
    this.#clearTimer()
    this.#given.shift()
    const next = this.#given.first
    if (next === undefined) {
      this.#move("busy", "idle")
    } else {
      this.#startedAtMs = performance.now()
      if (next.graceMs !== undefined) this.#beginGrace(next.graceMs)
    }
    this.#events.outcome(this, given.task, told)
  }

  #beginGrace(graceMs: number): void {
    this.#timer = setTimeout(() => {
      // Else it would be the next one that is ended. Timers come before messages.
      if (!this.#given.isPastFirst) this.terminate()
    }, graceMs)
  }

  #fail(error: unknown): void {
    this.#error ??= error
    this.#clearTimer()
    // Not wanted by us: it counts as a failure.
    this.#worker.terminate()
  }

  #exit(code: number): void {
    const wanted = this.#state === "ending"
    const { begun, unbegun } = this.#given.takeAll()
    this.#clearTimer()
    this.#state = "exited"
    const outOfMemory =
      (this.#error as NodeJS.ErrnoException | undefined)?.code === "ERR_WORKER_OUT_OF_MEMORY"
    this.#events.exited(this, {
      begun,
      unbegun,
      cpuMs: this.#usedMs(this.#cpuMsAtEnd),
      how: outOfMemory ? "out-of-memory" : this.#error === undefined ? "exit" : "uncaught",
      fault:
        this.#error === undefined
          ? { message: `The worker exited with code ${code}.`, stack: undefined }
          : toFault(this.#error),
      wanted,
      proven: this.#proven,
    })
  }

  /** Without the kernel's word, the time that a task has run is the best guess at what it used. */
  #usedMs(threadCpuMs: number | undefined): number {
    if (threadCpuMs === undefined) return performance.now() - this.#startedAtMs
    return Math.max(0, threadCpuMs - this.#cpuMsBefore)
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

  /** From outside, because a busy thread can't be asked. Linux only; about 80 µs. */
  #threadCpuMs(): number | undefined {
    if (this.#nativeThreadId === undefined) return undefined
    try {
      const stat = readFileSync(`/proc/self/task/${this.#nativeThreadId}/schedstat`, "utf8")
      return Number(stat.split(" ", 1)[0]) / 1e6
    } catch {
      return undefined
    }
  }
}
