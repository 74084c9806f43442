/** What the pool is told, and what it tells. */
import type { Clock } from "../../core/clock.ts"
import type { Call, Fault, Outcome } from "../outcome.ts"
import type { FailedSetup, Leftover, LogMessage } from "./protocol.ts"
import type { Estimate } from "./task.ts"
import type { WorkerExit, WorkerOptions } from "./worker-contract.ts"

export interface PoolOptions extends Omit<WorkerOptions, "required"> {
  /** How many tasks run at once. */
  readonly size: number
  /** Booted workers beyond that. */
  readonly spares: number
  readonly cancelGraceMs: number
  /** Tasks that arrived before go last, the newest of them first. @default all are served in order */
  readonly promisesHoldSinceMs?: () => number
  /** What is thought by now of tasks of which nothing was when they were submitted. @default nothing */
  readonly meanMs?: () => number | undefined
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
  /** What it was thought to take; see {@link Estimate}. */
  readonly estimateMs: number | undefined
  /** See {@link Estimate}. */
  readonly foretoldMs: number | undefined
}

export interface PoolEvents {
  /** Once for each task that ran. */
  used(use: TaskUse): void
  /** A task took so much more CPU than was told of it. Told when its worker has had another. */
  corrected?(call: Call, outcome: Outcome, cpuMs: number): void
  /** A task left the queue without having run: it was or would have been late, or its client left. */
  unrun?(call: Call, outcome: Outcome, estimate: Estimate): void
  /** The queue was empty and has got a task. */
  filled?(): void
  /** The last waiting task has left the queue. */
  emptied?(): void
  /** One more worker is busy, or one less. */
  busy?(by: 1 | -1): void
  workerReady?(): void
  /**
   * A worker does not end though it was terminated: it is in native code. Another takes its place, or,
   * when too many are so, none.
   */
  workerStuck?(call: Call | undefined, isReplaced: boolean): void
  /** A worker ended without being told to. `retryInMs` is set when the next start waits. */
  workerDied?(fault: Fault, how: WorkerExit["how"], retryInMs: number): void
  /** A worker had more memory than it may though it was at nothing. It is replaced. */
  workerOutgrown?(why: string): void
  /** The operations are refused from now on, until a worker that tries them after the pause can. */
  setupFailed?(failed: FailedSetup, retryInMs: number): void
  /** What a call had left behind failed when it had ended. Its worker gets no more calls. */
  leftover?(leftover: Leftover): void
  log?(message: LogMessage): void
}

export interface WorkerCounts {
  readonly booting: number
  readonly idle: number
  /** Stuck ones that no other could replace are among them. */
  readonly busy: number
  /** They wait for work that nobody wants any more and that can't be ended. They have no slot. */
  readonly retired: number
  /** They were terminated, and do not end. */
  readonly stuck: number
}

/** Workers that could not be ended. Only the end of the process ends them. */
export class StuckWorkerError extends Error {
  override readonly name = "StuckWorkerError"
  constructor(count: number) {
    super(
      `${count} worker(s) could not be ended: they are in native code that does not return, or wait for a native addon.`,
    )
  }
}
