/** What a worker is told, and what it tells. */
import type { Isolation } from "../operation.ts"
import type { Fault, Outcome } from "../outcome.ts"
import type { Given } from "./given.ts"
import type { FailedSetup, Leftover, LogMessage, WorkerOutcome } from "./protocol.ts"
import type { Task } from "./task.ts"
import type { WorkerThread } from "./worker-thread.ts"

/**
 * - `booting`: started; it loads the module and runs `setup`.
 * - `idle`: waits for a task.
 * - `busy`: has a task. Cancelled or not, it stays busy until it answers or exits: nobody else may
 *   take its place on the CPU before. It may have been given others ahead of their turn, which it
 *   begins by itself, one after another, without waiting to be told; those that it has not begun can
 *   be taken back.
 * - `retired`: its task was given up, and waits for what an addon does. To end the thread now would
 *   end the process (see addon-works.ts). It is done without, and ends when that work is done. So is one
 *   that is to end for another reason, if that takes long: it stays what it is meanwhile.
 * - `ending`: told to stop, or terminated. It takes nothing any more.
 * - `stuck`: terminated, and does not end: it is in native code. It is done without, if the pool can.
 * - `exited`: gone. Final.
 *
 * `booting → idle ⇄ busy → retired`; from each of them `→ ending → exited` or straight `→ exited`; from
 * each but `idle` also `→ stuck → exited`.
 */
export type WorkerState = "booting" | "idle" | "busy" | "retired" | "ending" | "stuck" | "exited"

export const defaultTerminationMsMax = 3000

export interface MemoryOptions {
  readonly memoryMiB: number
  /** The setting that says so, for messages. @default "workerMemoryMiB" */
  readonly memorySetting?: string
}

export interface WorkerOptions extends MemoryOptions {
  readonly moduleUrl: string
  readonly operations: readonly string[]
  /** Those of them without whose `setup` it is of no use. */
  readonly required: readonly string[]
  readonly nice: number
  /** What carries it. @default "thread" */
  readonly isolation?: Isolation
  /** How often its memory is looked at while it is at something. */
  readonly memoryLookMs: number
  readonly setupTimeoutMs: number
  /** How long a terminated worker may take to end before it counts as stuck. @default 3000 */
  readonly terminationMsMax?: number
}

export interface WorkerEvents {
  ready(worker: WorkerThread, failed: readonly FailedSetup[]): void
  outcome(worker: WorkerThread, task: Task, told: Told): void
  /** Its last task took so much more CPU than was said of it. */
  corrected(task: Task, cpuMs: number): void
  exited(worker: WorkerThread, exit: WorkerExit): void
  /**
   * It asks to be done without though it has not exited: it waits for what can't be ended, or does not
   * end. Says whether it may; if not, it keeps its place, and asks again.
   */
  lingers(worker: WorkerThread, leave: () => WorkerExit): boolean
  /** What is not of its present task has failed there: it should end when it has done that. */
  leftover(worker: WorkerThread, leftover: Leftover): void
  log(message: LogMessage): void
}

/** What a worker said of a task that it has done. */
export interface Told {
  readonly outcome: WorkerOutcome
  readonly ranMs: number
  readonly cpuMs: number
  /** What the operation's `cost` said, where it was asked on the worker. */
  readonly foretoldMs: number | undefined
}

export interface WorkerExit {
  /** What it was at, if anything. Two, if it was ended before the first's outcome had come through. */
  readonly begun: readonly Given[]
  /** What it had been given and never begun, in order. */
  readonly unbegun: readonly Given[]
  readonly cpuMs: number
  readonly how: Extract<Outcome, { kind: "crashed" }>["how"]
  readonly fault: Fault
  /** The operations whose `setup` it was at. None once it was ready, or when it never came so far. */
  readonly inSetup: readonly string[]
  /** We ended it. */
  readonly wanted: boolean
  /** It had answered a task before, so that a new one can be expected to work as well. */
  readonly proven: boolean
}
