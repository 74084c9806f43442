/** What a worker thread is told, and what it tells. */
import type { Fault, Outcome } from "../outcome.ts"
import type { Given } from "./given.ts"
import type { LogMessage, WorkerOutcome } from "./protocol.ts"
import type { Task } from "./task.ts"
import type { WorkerThread } from "./worker-thread.ts"

export type WorkerState = "booting" | "idle" | "busy" | "retired" | "ending" | "stuck" | "exited"

export const defaultTerminationMsMax = 3000

export interface WorkerOptions {
  readonly moduleUrl: string
  readonly operations: readonly string[]
  readonly nice: number
  readonly memoryMiB: number
  readonly setupTimeoutMs: number
  /** How long a terminated worker may take to end before it counts as stuck. @default 3000 */
  readonly terminationMsMax?: number
}

export interface WorkerEvents {
  ready(worker: WorkerThread): void
  outcome(worker: WorkerThread, task: Task, told: Told): void
  /** Its last task took so much more CPU than was said of it. */
  corrected(task: Task, cpuMs: number): void
  exited(worker: WorkerThread, exit: WorkerExit): void
  /**
   * It asks to be done without though it has not exited: it waits for what can't be ended, or does not
   * end. Says whether it may; if not, it keeps its place, and asks again.
   */
  lingers(worker: WorkerThread, leave: () => WorkerExit): boolean
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
